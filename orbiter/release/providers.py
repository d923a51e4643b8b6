"""Packages of Debian and Alpine that provide a shared library."""

import re
from collections.abc import Iterable, Mapping
from lzma import LZMAError
from pathlib import Path
from tarfile import TarError

SONAME = re.compile(r"(?P<name>.+)\.so\.(?P<version>.+)|(?P<dashed>.+?)-(?P<number>[^-]+)\.so")
"""``libfoo.so.1`` or ``libfoo-1.2.so``: see deb-shlibs(5)."""


def locked_providers(packages: Iterable[Path]) -> dict[str, str]:
    """Return the Debian packages by the library and version that they provide.

    Reads the ``shlibs`` of .deb files: ``libxcb 1`` is provided by ``libxcb1``.
    """
    from debian.arfile import ArError
    from debian.debfile import DebFile

    found: dict[str, str] = {}
    for package in packages:
        try:
            with DebFile(package) as deb:
                control = deb.control
                if control.has_file("shlibs"):
                    text = control.get_content("shlibs", encoding="utf-8")
                    found |= _shlibs(text or "")
        except (ArError, TarError, LZMAError, EOFError, OSError):
            continue  # the build has read the file already
    return found


def _shlibs(text: str) -> dict[str, str]:
    """Return the packages of lines such as ``libxcb 1 libxcb1 (>= 1.2)``."""
    found = {}
    for line in text.splitlines():
        match line.split():
            case [name, version, package, *_] if not name.endswith(":"):  # "udeb: libxcb 1 ..."
                found[f"{name} {version}"] = package
    return found


def provider(library: str, locked: Mapping[str, str]) -> str:
    """Return the locked Debian package that provides a library; empty if none does. Pure."""
    return locked.get(_key(library), "")


def likely_package(library: str) -> str:
    """Return the name that Debian's policy (8.1) gives to the package of a library. Pure."""
    name = re.sub(r"([0-9])\.so\.", r"\1-", library)
    return re.sub(r"\.so(\.|$)", "", name).lower().replace("_", "-")


def _key(library: str) -> str:
    """Return ``libxcb 1`` for ``libxcb.so.1``."""
    match = SONAME.fullmatch(library)
    if match is None:
        return library.removesuffix(".so")
    return f"{match['name'] or match['dashed']} {match['version'] or match['number']}"
