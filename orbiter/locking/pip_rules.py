"""The indexes, constraints and overrides of images.toml in the request to pip's resolver."""

from msgspec.structs import replace

from orbiter.config.builders import pip_settings
from orbiter.config.image_set import Builder, ImageSet
from orbiter.config.indexes import package_indexes, used_indexes
from resolvers.types import Request


def with_pip_rules(request: Request, image_set: ImageSet, builder: Builder) -> Request:
    """Return the request with what images.toml says about all pip packages of a builder."""
    settings = pip_settings(builder)
    options = replace(
        request.pip,
        indexes=used_indexes(image_set, builder.name),
        sources=package_indexes(image_set, builder.name),
        priority=settings.index_priority,
        constraints=settings.constraints,
        overrides=settings.overrides,
    )
    return replace(request, pip=options)
