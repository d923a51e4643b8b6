"""Debian's names of platforms."""

from collections.abc import Mapping

from resolvers.errors import ExpectedError

ARCHITECTURES: Mapping[str, str] = {
    "linux/386": "i386",
    "linux/amd64": "amd64",
    "linux/arm/v7": "armhf",
    "linux/arm64": "arm64",
    "linux/ppc64le": "ppc64el",
    "linux/riscv64": "riscv64",
    "linux/s390x": "s390x",
}
"""The release architectures of Debian by Docker's name of the platform."""


def architecture_of(platform: str) -> str:
    """Return Debian's name of a platform. Raises ExpectedError if Debian does not support it."""
    if platform not in ARCHITECTURES:
        raise ExpectedError(
            f"apt: Debian has no packages for {platform}",
            f"use platforms that it supports: {', '.join(ARCHITECTURES)}",
        )
    return ARCHITECTURES[platform]
