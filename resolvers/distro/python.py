"""Which Python packages of pip are for, where both the base image and its package manager may have one."""

import re
from collections.abc import Collection
from typing import Protocol

SYSTEM = "/usr/bin/python3"
"""Where the packages of apk and apt have it."""
PACKAGES = frozenset({"python3", "python3-minimal"})
"""Those of them that do."""
FACTS = """\
python3 -c 'import platform, sys; print("python", platform.python_version()); print("interpreter", sys.executable)' \\
    2>/dev/null || true
"""
"""What tells it in a base image."""


class Platform(Protocol):
    """What a lock says of a base image: the version of the ``python3`` that comes first there, and its path."""

    @property
    def python(self) -> str:
        """Its version, such as ``3.13.2``; ``""`` where there is none."""

    @property
    def interpreter(self) -> str:
        """Its path; ``""`` where there is none."""


def version(platforms: Collection[Platform], locked: Collection[str]) -> str:
    """The version of the ``python3`` that comes first once packages are installed; ``""`` for none.

    ``locked`` are versions that packages install at SYSTEM. An image's own elsewhere comes before that on PATH.
    """
    own = {each.python for each in platforms if each.interpreter not in {"", SYSTEM}}
    found = own or set(locked) or {each.python for each in platforms}
    return max(found, key=lambda text: [int(part) for part in re.findall(r"\d+", text)])
