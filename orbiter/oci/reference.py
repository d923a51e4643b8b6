"""Image references such as ``debian:trixie-slim``, read as Docker reads them."""

import re

import msgspec

from resolvers.errors import ExpectedError
from resolvers.net.addresses import is_url

HUB = "docker.io"
_REFERENCE = re.compile(
    r"(?:(?P<registry>localhost(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?|[^/@]*[.:][^/@]*)/)?"
    r"(?P<repository>[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """An image reference in full.

    ``registry`` defaults to ``docker.io``. ``tag`` defaults to ``latest`` if there is no digest.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""


def parse_reference(text: str) -> Reference:
    """Parse ``debian``, ``debian:trixie-slim`` or ``registry:5000/a/b:tag@sha256:…``.

    Raises ExpectedError if the text is not an image reference.
    """
    match = _match(text)
    if not match:
        raise ExpectedError(
            f"'{text}' is not an image reference", "write it like debian:trixie-slim"
        )
    registry = (match["registry"] or HUB).replace("index.docker.io", HUB)
    repository = match["repository"]
    if registry == HUB and "/" not in repository:
        repository = f"library/{repository}"
    digest = match["digest"] or ""
    default_tag = "" if digest else "latest"
    return Reference(
        registry=registry, repository=repository, tag=match["tag"] or default_tag, digest=digest
    )


def is_reference(text: str) -> bool:
    """Return whether a text is an image reference."""
    return _match(text) is not None


def _match(text: str) -> re.Match[str] | None:
    match = _REFERENCE.fullmatch(text)
    # The pattern does not check brackets and ports, with which no address can be made.
    if match and is_url(f"//{match['registry'] or HUB}"):
        return match
    return None
