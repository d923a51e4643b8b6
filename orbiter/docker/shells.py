"""Shells in base images, which are pinned by digest."""

from collections.abc import Mapping

from orbiter.oci.base_image import BaseStart
from resolvers.errors import ExpectedError, ProgramError
from resolvers.net import profile
from resolvers.net.once import Lazy
from resolvers.types.options import Shell

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

    _check_engine()
    image = base_image.pin(
        reference, platform, mirrors=client.mirrors(), credentials=client.credentials
    )
    return image.digest


def _check_engine() -> None:
    from orbiter.docker import client

    if reason := client.unavailable_reason():
        raise ExpectedError(
            f"locking base images, apk and apt needs a Docker engine: {reason}",
            "start Docker Engine with buildx, or lock only the other managers: "
            "orbiter lock --only conda,pip,npm",
        )


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
    """Return a shell in Debian's own image of a suite, for scripts about any platform.

    Only apt runs there, and it resolves for other platforms too. So the image is always that of the
    engine's own platform, which needs no emulation. It is not locked: its tag is read from the
    registry once.
    """
    reference = solver_image(suite)
    pinned: Lazy[tuple[str, str]] = Lazy(lambda: _pin_native(reference))

    def shell(script: str, *, platform: str, cache: str = "") -> str:  # noqa: ARG001
        digest, native = pinned()
        return _run(reference, digest, script, native, cache)

    return shell


def _pin_native(reference: str) -> tuple[str, str]:
    """Return the digest of an image for the engine's own platform, and this platform."""
    from orbiter.docker import client

    _check_engine()
    native = client.native_platform()
    return pin_base(reference, native), native


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
    from orbiter.docker import containers
    from orbiter.docker.load_base import load_base

    if profile.is_used():
        load_base(reference, digest)
    shell = containers.image_shell(reference, digest, platform)
    try:
        return shell(script, platform=platform, cache=cache)
    except ProgramError as error:
        # The init process of the container writes "Exec format error", the engine "exec".
        output = error.output.lower()
        hints = (hint for sign, hint in HINTS.items() if sign in output)
        hint = next(hints, error.hint)
        raise ProgramError(error.message, hint, output=error.output) from error
