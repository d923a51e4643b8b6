"""Reader of yarn.lock, version 1: https://classic.yarnpkg.com/lang/en/docs/yarn-lock/.

A package has one or more patterns (``NAME@RANGE``), with which others require it. The format does
not record direct requirements.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping

import msgspec

from orbiter.lockfiles.document import DAMAGED, without_credentials
from orbiter.lockfiles.npm_files import merge_copies, required_names, tarball
from orbiter.lockfiles.types import Copy, Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

MARK = re.compile(r"^# yarn lockfile v1$", re.MULTILINE)
WORD = re.compile(r'"((?:\\.|[^"\\])*+)"?|([^\s",:]+(?::[^\s",:]+)*+)')
"""A text, in quotes or without them; a missing final quote keeps the expression linear."""

REQUIREMENTS = ("dependencies:", "optionalDependencies:")
FIELD, REQUIREMENT = 2, 4
"""Columns of the fields of a package, and of its requirements."""

PAIR = 2
SHA1 = re.compile("[0-9a-f]{40}")


class _Package(msgspec.Struct):
    line: int
    patterns: tuple[str, ...]
    fields: dict[str, str] = {}
    requires: dict[str, str] = {}

    def name(self) -> str:
        """Return the name in the registry; an alias has it after ``npm:``."""
        alias, _, reference = self.patterns[0][1:].partition("@")
        name = self.patterns[0][:1] + alias
        if reference.startswith("npm:"):
            real = reference.removeprefix("npm:")
            return real[:1] + real[1:].partition("@")[0]
        return name


def recognises(text: str) -> bool:
    """Return whether a text has the comment of a yarn.lock."""
    return MARK.search(text) is not None


def read(name: str, text: str) -> Lock:
    """Read a yarn.lock of version 1."""
    packages = list(_packages(name, text))
    ids = {pattern: package.patterns[0] for package in packages for pattern in package.patterns}
    names = {package.patterns[0]: package.name() for package in packages}
    entries = [_entry(name, package, ids, names) for package in packages]
    return Lock(name=name, format="yarn.lock 1", packages={Scope(): merge_copies(entries)})


def _packages(name: str, text: str) -> Iterator[_Package]:
    package: _Package | None = None
    is_requirement = False
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        column = len(line) - len(line.lstrip(" "))
        if column == 0:
            if package:
                yield package
            patterns = tuple(filter(None, _words(content.removesuffix(":"))))
            package = _Package(number, patterns)
            is_requirement = False
            if not patterns:
                raise ExpectedError(f"{name}:{number}: a package without a name", DAMAGED)
        elif package is None:
            raise ExpectedError(f"{name}:{number}: a line without a package", DAMAGED)
        elif column == FIELD and content.endswith(":"):
            is_requirement = content in REQUIREMENTS
        else:
            _add(f"{name}:{number}", package, content, column, is_requirement=is_requirement)
    if package:
        yield package


def _words(text: str) -> Iterator[str]:
    for match in WORD.finditer(text):
        yield match[1] if match[1] is not None else match[2]


def _add(where: str, package: _Package, content: str, column: int, *, is_requirement: bool) -> None:
    words = list(_words(content))
    if len(words) < PAIR:
        raise ExpectedError(f"{where}: '{content}' has no value", DAMAGED)
    if column == FIELD:
        package.fields[words[0]] = " ".join(words[1:])
    elif is_requirement:
        package.requires[words[0]] = words[1]


def _entry(
    file: str, package: _Package, ids: Mapping[str, str], names: dict[str, str]
) -> PackageEntry:
    where, name = f"{file}:{package.line}", package.name()
    version = package.fields.get("version")
    if not version:
        raise ExpectedError(f"{where}: {name} has no version", DAMAGED)
    address, _, fragment = package.fields.get("resolved", "").partition("#")
    patterns = (f"{required}@{range_}" for required, range_ in package.requires.items())
    required = tuple(ids[pattern] for pattern in patterns if pattern in ids)
    is_tarball = address.endswith(".tgz") or not address
    return PackageEntry(
        manager="npm",
        name=name,
        version=version,
        build="" if is_tarball else fragment,
        source="" if is_tarball else without_credentials(address),
        files=_files(where, package, version),
        requires=required_names(required, names),
        copies=(Copy(package.patterns[0], required),),
    )


def _files(where: str, package: _Package, version: str) -> tuple[PackageFile, ...]:
    """Return the tarball; old files have only its sha1, as the fragment of its URL."""
    name, integrity = package.name(), package.fields.get("integrity", "")
    url, _, fragment = package.fields.get("resolved", "").partition("#")
    if not integrity and SHA1.fullmatch(fragment):
        integrity = f"sha1-{b64encode(bytes.fromhex(fragment)).decode()}"
    try:
        return tarball(name, version, integrity, url)
    except ValueError as error:
        raise ExpectedError(f"{where}: the integrity is not a valid hash", DAMAGED) from error
