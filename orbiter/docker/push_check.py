"""What may be pushed: a version tag that names another image in its registry already is not moved."""

from collections.abc import Sequence

from orbiter.docker.bake import BuiltImage
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import Credentials, repositories
from orbiter.oci.upload import tag_digest
from resolvers.errors import ExpectedError
from resolvers.net import http


def images_to_push(
    built: Sequence[BuiltImage], credentials: Credentials, *, force: bool = False
) -> tuple[BuiltImage, ...]:
    """The images that the registry does not have under their tags; all, and nobody is asked, with ``force``.

    Raises ExpectedError when a tag names another image, which tells of every one, and when a registry does not answer.
    """
    if force:
        return tuple(built)
    there = {image.tag: _named(image.tag, credentials) for image in built}
    moved = [image for image in built if there[image.tag] not in {"", image.digest}]
    if moved:
        lines = [
            f"  {image.tag}\n    there {there[image.tag]}\n    built {image.digest}"
            for image in moved
        ]
        raise ExpectedError(
            "\n".join(["nothing was pushed: the registry has another image under", *lines]),
            "a version tag stays as it is: begin the next release (orbiter bump), "
            "or move it for all who pull it (orbiter push --force)",
        )
    return tuple(image for image in built if not there[image.tag])


def _named(tag: str, credentials: Credentials) -> str:
    """The digest that a tag names in its registry now; empty for none."""
    place = repositories(tag, credentials=credentials)[-1]
    try:
        return tag_digest(place, parse_reference(tag).tag)
    except http.HTTPError as error:
        raise ExpectedError(
            f"pushing {tag} failed: what it names now cannot be read: {error.message}",
            f"docker login {place.registry}; orbiter push --force pushes without asking what the tags name",
        ) from error
