"""A file that a package index offers, and the project and version in its name."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version


# A lock may involve 100,000 of these, and they never form reference cycles: hence no gc.
class IndexFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One file that an index offers.

    ``url`` may contain credentials: use it for downloads, but never show or store it. ``hashes``
    maps algorithms to hexadecimal digests. ``size`` is in bytes, or 0 if unknown. ``yanked`` is the
    reason, possibly empty, or None for a file that is not yanked. ``metadata`` holds the hashes of
    the file at ``url`` + ``.metadata`` (PEP 658): ``{}`` if the index offers that file without a
    hash, None if it does not offer it.
    """

    name: str
    url: str
    hashes: Mapping[str, str] = {}
    size: int = 0
    upload_time: datetime | None = None
    requires_python: str = ""
    yanked: str | None = None
    metadata: Mapping[str, str] | None = None


def project_of(file_name: str) -> str:
    """Return the normalised project name of a wheel or sdist, or "" for any other file."""
    try:
        return _project_and_version(file_name)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""


def version_of(file_name: str) -> Version | None:
    """Return the version of a wheel or sdist, or None for any other file."""
    try:
        return _project_and_version(file_name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


@cache
def supports(requires_python: str, python: str) -> bool:
    """Return whether a Requires-Python allows a Python; True if it is not valid."""
    try:
        return SpecifierSet(requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        return True


def _project_and_version(file_name: str) -> tuple[NormalizedName, Version]:
    if file_name.endswith(".whl"):
        return parse_wheel_filename(file_name)[:2]
    return parse_sdist_filename(file_name)
