"""Shells in base images, which are pinned by digest."""

from collections.abc import Mapping

from orbiter.oci.base_image import BaseStart
from resolvers.errors import ExpectedError, ProgramError
from resolvers.net.once import OncePerKey
from resolvers.types import Shell

HINTS = {
    "exec format error": "let the Docker engine emulate that platform (QEMU with binfmt_misc), "
    "lock on a machine of that platform, "
    "or lock only the managers that do not need it: orbiter lock --only conda,pip,npm",
    "apk: not found": "the builder alpine needs an image of Alpine: "
    "set its 'from' to one, such as alpine:3.23",
    "apt-get: not found": "this builder needs an image of Debian: "
    "set its 'from' to one, such as debian:trixie-slim",
}
"""Remedies by a part of the output of a failed shell."""


def pin_base(reference: str, platform: str) -> str:
    """Return the digest of an image's manifest for one platform, read from its registry."""
    from orbiter.docker import client
    from orbiter.oci import base_image

    if reason := client.unavailable_reason():
        raise ExpectedError(
            f"locking base images, apk and apt needs a Docker engine: {reason}",
            "start Docker, or lock only the other managers: orbiter lock --only conda,pip,npm",
        )
    image = base_image.pin(
        reference, platform, mirrors=client.mirrors(), credentials=client.credentials
    )
    return image.digest


def read_start(reference: str, digest: str) -> BaseStart:
    """Return what a pinned base image starts, read from its registry."""
    from orbiter.docker import client
    from orbiter.oci import base_image

    return base_image.start(
        reference, digest, mirrors=client.mirrors(), credentials=client.credentials
    )


def solver_image(suite: str) -> str:
    """Return Debian's own image of a suite, in which apt resolves a base made of packages."""
    return f"debian:{suite}-slim"


def solver_shell(suite: str) -> Shell:
    """Return a shell in Debian's own image of a suite.

    Only apt runs there, so the image is not locked: its tag is read from the registry once.
    """
    reference = solver_image(suite)
    digests: OncePerKey[str, str] = OncePerKey()

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        digest = digests(platform, lambda: pin_base(reference, platform))
        return _run(reference, digest, script, platform, cache)

    return shell


def base_shell(reference: str, digests: Mapping[str, str]) -> Shell:
    """Return a shell in a base image, given its digests by platform.

    Running the shell raises ExpectedError if the platform has no digest or no engine runs.
    """

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

    shell = client.image_shell(reference, digest, platform)
    try:
        return shell(script, platform=platform, cache=cache)
    except ProgramError as error:
        # The init process of the container writes "Exec format error", the engine "exec".
        output = error.output.lower()
        hints = (hint for sign, hint in HINTS.items() if sign in output)
        hint = next(hints, error.hint)
        raise ProgramError(error.message, hint, output=error.output) from error
