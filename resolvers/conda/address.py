"""The address of a conda package, which stands for one build of the package. Pure."""

import re

import msgspec

_NAME = r"[a-z0-9_][a-z0-9_.-]*"
_ADDRESS = re.compile(
    rf"(?P<url>https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?(?:/[A-Za-z0-9._~+%-]+)*"
    rf"/(?P<name>{_NAME})-(?P<version>[A-Za-z0-9._+!]+)-(?P<build>[A-Za-z0-9._+]+)"
    r"(?:\.conda|\.tar\.bz2))"
    r"(?:#(?:(?P<md5>[0-9a-f]{32})|(?:sha256:)?(?P<sha256>[0-9a-f]{64})))?"
)
TOKEN = re.compile(r"/t/[^/]+/")
"""A part of a channel's address that holds a token."""


class PackageAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address, and what its file name says; the hashes are "" if the address has none."""

    url: str
    name: str
    version: str
    build: str
    md5: str = ""
    sha256: str = ""

    @property
    def spec(self) -> str:
        """The requirement that only this build meets."""
        return f"{self.name} =={self.version} {self.build}"


def is_address(text: str) -> bool:
    """Return whether a requirement is an address, valid or not."""
    return "://" in text and "::" not in text and "[" not in text


def parse_address(text: str) -> PackageAddress | None:
    """Return the package at an address: http or https, and no credentials; None otherwise.

    ``#`` and the md5 or the sha256 may follow, as in explicit files of conda.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or TOKEN.search(match["url"]):
        return None
    return PackageAddress(
        url=match["url"],
        name=match["name"],
        version=match["version"],
        build=match["build"],
        md5=match["md5"] or "",
        sha256=match["sha256"] or "",
    )
