"""The Python that pip's packages are for, if both the base image and its packages provide one."""

import re
from collections.abc import Collection
from typing import Protocol

SYSTEM = "/usr/bin/python3"
"""The path of the Python that packages of apk and apt install."""
PACKAGES = frozenset({"python3", "python3-minimal"})
"""The packages of apk and apt that install it."""


class BasePython(Protocol):
    """The ``python3`` of a base image; both fields are empty if it has none."""

    @property
    def python(self) -> str:
        """Version, such as ``3.13.2``."""

    @property
    def interpreter(self) -> str:
        """Path of the interpreter."""


def first_version(bases: Collection[BasePython], locked: Collection[str]) -> str:
    """Return the version of the first ``python3`` on PATH, or an empty string if there is none.

    ``locked`` holds the versions that packages install at SYSTEM. A Python that the image has at
    another path comes before it on PATH.
    """
    # Images such as python:3.13-slim have their own Python in /usr/local.
    own = {base.python for base in bases if base.interpreter not in {"", SYSTEM}}
    distribution = {base.python for base in bases}
    # A locked package replaces the distribution's Python in the base image.
    versions = own or set(locked) or distribution
    return max(versions, key=_numbers)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def is_available(base: BasePython, packages: Collection[str]) -> bool:
    """Return whether the base image or one of the packages provides a Python."""
    return bool(base.python) or not PACKAGES.isdisjoint(packages)
