"""The field Source of a Debian package: ``name (version)``; see deb-control(5)."""

import re
from typing import NamedTuple

SOURCE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9+.-]*)(?: \((?P<version>[^\s()]+)\))?")


class SourcePackage(NamedTuple):
    """The source package that a binary package was built from."""

    name: str
    version: str


def parse_source(field: str, name: str, version: str) -> SourcePackage:
    """Return the source package of a binary package with this name and version.

    An empty field means the same name and version, and a field without a version the same version.
    Raises ValueError if the field is malformed.
    """
    match = SOURCE.fullmatch(field.strip() or name)
    if match is None:
        raise ValueError(f"the source package {field!r}")
    return SourcePackage(match["name"], match["version"] or version)
