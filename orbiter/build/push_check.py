"""Check before a push that no version tag would move to another image."""

from collections.abc import Sequence

from orbiter.build.built_image import BuiltImage
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import Credentials, repositories
from orbiter.oci.upload import tag_digest
from resolvers.errors import ExpectedError
from resolvers.net import http


def images_to_push(
    built: Sequence[BuiltImage], credentials: Credentials, *, force: bool = False
) -> tuple[BuiltImage, ...]:
    """Return the images that the registry does not have yet under their tags.

    With ``force``, returns all of them without reading the registry. Raises ExpectedError if the
    registry cannot be read, and if tags name other images; the error lists all of these tags.
    """
    if force:
        return tuple(built)
    pushed = {image.tag: _pushed_digest(image.tag, credentials) for image in built}
    moved = [image for image in built if pushed[image.tag] not in {"", image.digest}]
    if moved:
        lines = [
            f"  {image.tag}\n    pushed {pushed[image.tag]}\n    built  {image.digest}"
            for image in moved
        ]
        raise ExpectedError(
            "\n".join(
                ["nothing was pushed, because these tags already name other images:", *lines]
            ),
            "start the next release (orbiter bump), because a version tag must not change; "
            "to move the tag for everyone who pulls it: orbiter push --force",
        )
    return tuple(image for image in built if not pushed[image.tag])


def _pushed_digest(tag: str, credentials: Credentials) -> str:
    """Return the digest that a tag names in its registry; empty if there is no such tag."""
    # Mirrors come first, but a push goes to the registry itself.
    repository = repositories(tag, credentials=credentials)[-1]
    try:
        return tag_digest(repository, parse_reference(tag).tag)
    except http.HTTPError as error:
        raise ExpectedError(
            f"pushing {tag} failed: cannot read the tag from the registry: {error.message}",
            f"run docker login {repository.registry}, "
            "or push without reading the tags: orbiter push --force",
        ) from error
