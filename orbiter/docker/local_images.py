"""The images of the Docker engine: pulling, loading, listing and removing them."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from orbiter.docker.client import connect, consistent_list, sdk_errors
from orbiter.docker.objects import LocalImage

if TYPE_CHECKING:
    from docker.models.images import Image


def pull_image(reference: str, digest: str, platform: str) -> str:
    """Pull the image with this digest if the engine does not have it; return its name."""
    from docker.errors import ImageNotFound

    name = name_with_digest(reference, digest)
    repository = name.partition("@")[0]
    with sdk_errors(f"pulling {name}"):
        try:
            connect().images.get(name)
        except ImageNotFound:
            connect().images.pull(repository, tag=digest, platform=platform)
    return name


def check_pull(reference: str) -> None:
    """Let the engine ask its registries for an image, without pulling it."""
    with sdk_errors(f"reading {reference} by the engine"):
        api = connect().api  # its stubs leave out the types of this method
        api.inspect_distribution(reference)  # type: ignore[no-untyped-call]


def is_pulled(reference: str, digest: str) -> bool:
    """Return whether the engine has the image with this digest."""
    return find_image(name_with_digest(reference, digest)) is not None


def name_with_digest(reference: str, digest: str) -> str:
    """Return the name of an image with a digest in place of its tag."""
    repository = reference.partition("@")[0]
    # The host may have a port, so only a colon in the last part begins a tag.
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    return f"{repository}@{digest}"


def image_labels(tag: str) -> Mapping[str, str] | None:
    """Return the labels of a local image; None if there is no such image."""
    image = find_image(tag)
    return image.labels if image else None


def find_image(tag: str) -> "Image | None":
    """Return a local image; None if there is no such image."""
    from docker.errors import ImageNotFound

    with sdk_errors(f"looking for {tag}"):
        try:
            return connect().images.get(tag)
        except ImageNotFound:
            return None


def list_images(label: str) -> tuple[LocalImage, ...]:
    """Return the engine's images that have a label."""
    with sdk_errors("listing the images of the engine"):
        images = consistent_list(lambda: connect().api.images(filters={"label": label}))
        return msgspec.convert(images, tuple[LocalImage, ...])


def last_step(image: str) -> str:
    """Return the newest line in the history of a local image; "" without image or history."""
    from docker.errors import ImageNotFound

    history: list[dict[str, Any]] = []
    with sdk_errors(f"reading the history of {image}"), suppress(ImageNotFound):
        api = connect().api  # its stubs leave out the types of this method
        history = api.history(image)  # type: ignore[no-untyped-call]
    return str(history[0].get("CreatedBy") or "") if history else ""


def remove_image(tag: str) -> None:
    """Remove a tag, and with the last tag its image; raise ExpectedError if it is in use.

    A missing tag is not an error: another program may have removed it.
    """
    from docker.errors import ImageNotFound

    with sdk_errors(f"removing {tag}"), suppress(ImageNotFound):
        connect().api.remove_image(tag)


def has_image(tag: str, ids: Collection[str]) -> bool:
    """Return whether a tag of the engine has one of these ids."""
    image = find_image(tag)
    return image is not None and image.id in ids


def load_image(archive: Path) -> None:
    """Load an image archive into the engine."""
    with sdk_errors(f"loading {archive.name} into the engine"), archive.open("rb") as file:
        connect().images.load(file)
