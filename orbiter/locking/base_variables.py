"""Check the variables in images.toml that only a base image can set."""

from collections.abc import Collection, Mapping

from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.mistakes import key_path
from orbiter.config.runtime import NO_SETTINGS, references
from orbiter.config.runtime_resolve import ORBITER_VARIABLES
from orbiter.config.stage_graph import builder_stages, runtime_of
from resolvers.errors import ExpectedError


def base_variables(image_set: ImageSet, builder: str) -> dict[str, str]:
    """Return the variables that a builder's images need from the base image, with their keys."""
    found: dict[str, str] = {}
    for stage in builder_stages(image_set, builder):
        for key, names in _references(image_set, stage).items():
            for name in names:
                found.setdefault(name, key)
    return dict(sorted(found.items()))


def check_base_variables(wanted: Mapping[str, str], known: Collection[str], base: str) -> None:
    """Raise ExpectedError if the base image does not set a variable that an image needs."""
    for name, key in wanted.items():
        if name not in known:
            raise ExpectedError(
                f"images.toml: {key}: refers to ${{{name}}}, which neither images.toml nor the "
                f"base image {base} sets",
                f"add {name} to env, or write $${{{name}}} for this text as it is",
            )


def _references(image_set: ImageSet, stage: Stage) -> dict[str, list[str]]:
    """Return the names that neither Orbiter nor images.toml sets, by the key that uses them."""
    own = stage.runtime or NO_SETTINGS
    parents = {other.name: other for other in image_set.stages}
    parent = parents.get(stage.parent)
    inherited = runtime_of(image_set, parent).env.keys() if parent else set()
    path = key_path(key_path("image", stage.builder), stage.image)
    known = ORBITER_VARIABLES | inherited
    uses = {
        key_path(f"{path}.env", name): _unknown(value, known | (own.env.keys() - {name}))
        for name, value in own.env.items()
    }
    return {**uses, f"{path}.workdir": _unknown(own.workdir, known | own.env.keys())}


def _unknown(value: str, known: Collection[str]) -> list[str]:
    return [name for name in references(value) if name not in known]
