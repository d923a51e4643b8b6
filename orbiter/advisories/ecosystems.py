"""The ecosystems of OSV that Orbiter compares, with their names and orders of versions. Pure."""

import re
from functools import lru_cache

from packaging.utils import canonicalize_name, canonicalize_version

ORDERS = {"Alpine": "apk", "Debian": "apt", "PyPI": "pip", "npm": "npm"}
"""Manager whose order of versions an ecosystem has."""
PLAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*", re.ASCII)
TRAILING_ZEROS = re.compile(r"(?:\.0)+$")
MAX_LENGTH = 1000


def base_of(ecosystem: str) -> str:
    """Return an ecosystem without its release: ``Debian`` for ``Debian:13``."""
    return ecosystem.partition(":")[0]


def normalise_name(ecosystem: str, name: str) -> str:
    """Return the name of a package as locks have it."""
    return canonicalize_name(name) if ecosystem == "PyPI" else name


@lru_cache(maxsize=1 << 16)
def canonical_version(ecosystem: str, version: str) -> str:
    """Return one text for all spellings of a version, or the text if it is not a version.

    A local part (``+cpu``) is left out: advisories are about what the index has.
    """
    if ecosystem != "PyPI" or len(version) > MAX_LENGTH:
        return version
    if PLAIN.fullmatch(version):
        return TRAILING_ZEROS.sub("", version) if version.endswith(".0") else version
    return canonicalize_version(version).partition("+")[0]
