"""Reader of what ``conda list`` and ``conda list --export`` print: names, versions and builds.

Format: https://docs.conda.io/projects/conda/en/stable/commands/list.html. The output has no
addresses and no hashes.
"""

import re
from collections.abc import Iterator

from orbiter.lockfiles.document import DAMAGED, VERSIONS_ONLY
from orbiter.lockfiles.pip_files import normalise
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from resolvers.errors import ExpectedError

TABLE = re.compile(r"^# packages in environment at |^#? *Name +Version +Build", re.MULTILINE)
EXPORT = re.compile(r"^# \$ conda create --name <env> --file <this file>$", re.MULTILINE)
PLATFORM = re.compile(r"^# platform: *+(\S+)", re.MULTILINE)
PYPI = "pypi"
FIELDS = 3
"""Name, version and build; a fourth is the channel."""


def recognises(text: str) -> bool:
    """Return whether a text has the head of one of the two outputs."""
    return TABLE.search(text) is not None or EXPORT.search(text) is not None


def read(name: str, text: str) -> Lock:
    """Read the output of ``conda list``; packages of the channel ``pypi`` belong to pip."""
    platform = PLATFORM.search(text)
    scope = Scope("", platform[1] if platform else "")
    separator = "=" if EXPORT.search(text) else None
    packages = tuple(_packages(name, text, separator))
    return Lock(
        name=name,
        format="conda list (versions only)",
        packages={scope: packages},
        notes=(VERSIONS_ONLY,),
    )


def _packages(name: str, text: str, separator: str | None) -> Iterator[PackageEntry]:
    for number, line in enumerate(text.splitlines(), 1):
        fields = [field.strip() for field in line.split(separator)]
        is_head = line.lstrip().startswith(("#", "─", "List of packages")) or "Name" in fields[:1]
        if not line.strip() or is_head:
            continue
        if len(fields) < FIELDS - 1:
            raise ExpectedError(f"{name}:{number}: '{line}' is not a package", DAMAGED)
        yield _entry([*fields, "", ""])


def _entry(fields: list[str]) -> PackageEntry:
    title, version, build, channel = fields[:4]
    if PYPI in {build.partition("_")[0], channel}:
        return PackageEntry(manager="pip", name=normalise(title), version=version)
    return PackageEntry(manager="conda", name=title, version=version, build=build, source=channel)
