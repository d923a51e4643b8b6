"""Addresses of npm packages that do not come from a registry. Pure.

``npm help package-spec`` describes them. A lock set may come from anybody, so these patterns also
check the addresses in its locks.
"""

import re

_HOST = r"[A-Za-z0-9.-]+(?::\d+)?"
_PATH = r"(?:/[A-Za-z0-9._~+%@-]+)+"
_TARBALL = re.compile(rf"https?://{_HOST}{_PATH}")
URL = "url:"
"""Start of the source of a tarball with an address of its own."""


def is_address(text: str) -> bool:
    """Return whether what package.json requires is an address, valid or not, instead of a range."""
    return text.startswith(("https:", "http:"))


def is_tarball(text: str) -> bool:
    """Return whether a text is the address of a tarball: http or https, and no credentials."""
    return _TARBALL.fullmatch(text) is not None


def source_of(resolved: str) -> str:
    """Return the source of a package that a lock resolved to an address; "" for any other text."""
    return URL + resolved if is_tarball(resolved) else ""
