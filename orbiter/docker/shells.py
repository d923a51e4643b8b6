"""Shells in base images, pinned by digest."""

from collections.abc import Mapping

from resolvers.errors import ExpectedError, ProgramError
from resolvers.net.once import Once
from resolvers.types import Shell

HINTS = {
    "exec format error": "this engine runs no programs of that platform: let it emulate them (QEMU by binfmt_misc), "
    "lock where they run, or lock what needs none of them: orbiter lock --only conda,pip,npm",
    "apk: not found": "the builder alpine stands on images of Alpine: name one in its from, such as alpine:3.23",
    "apt-get: not found": "this builder stands on images of Debian: name one in its from, such as debian:trixie-slim",
}
"""What to do about what a shell in a base image says when it fails."""


def pin_base(reference: str, platform: str) -> str:
    """The digest of an image's manifest for one platform, as its registry has it now."""
    from orbiter.docker import client
    from orbiter.oci import base_image

    if reason := client.available():
        raise ExpectedError(
            f"base images, apk and apt are locked inside a Docker engine: {reason}",
            "start one, or lock the other managers alone: orbiter lock --only conda,pip,npm",
        )
    return base_image.pin(
        reference, platform, mirrors=client.mirrors(), credentials=client.credentials
    ).digest


def solver_image(suite: str) -> str:
    """Debian's own image of a suite, which apt solves in for a base that is made of packages."""
    return f"debian:{suite}-slim"


def solver_shell(suite: str) -> Shell:
    """A shell in Debian's own image of a suite as its registry has it now: apt runs there, and nothing else is used."""
    reference = solver_image(suite)
    digests: Once[str, str] = Once()

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        digest = digests(platform, lambda: pin_base(reference, platform))
        return _run(reference, digest, script, platform, cache)

    return shell


def base_shell(reference: str, digests: Mapping[str, str]) -> Shell:
    """A shell inside a base image; what is missing (a digest, an engine) is told when it is used."""

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        if platform not in digests:
            raise ExpectedError(
                f"the base image {reference} is not locked for {platform}",
                "run orbiter lock without --only",
            )
        return _run(reference, digests[platform], script, platform, cache)

    return shell


def _run(reference: str, digest: str, script: str, platform: str, cache: str) -> str:
    from orbiter.docker import client

    try:
        return client.image_shell(reference, digest, platform)(
            script, platform=platform, cache=cache
        )
    except ProgramError as error:
        hint = next((hint for sign, hint in HINTS.items() if sign in error.output), error.hint)
        raise ProgramError(error.message, hint, output=error.output) from error
