"""Reader of conda-lock.yml, format 1: https://conda.github.io/conda-lock/output/#unified-lockfile.

Files in the layout that conda-lock writes are read with a regular expression, all others with a
YAML parser. Both ways return the same lock.
"""

import re
from collections.abc import Iterable
from functools import cache
from sys import intern
from typing import Any

from msgspec.structs import replace

from orbiter.lockfiles.conda_files import (
    build_from_file,
    channel_facts,
    check_hashes,
    format_hashes,
    is_conda_file,
    parse_conda_url,
    parse_pip_url,
)
from orbiter.lockfiles.conda_lock_regular import CondaLockRow, read_regular_list
from orbiter.lockfiles.document import DAMAGED, as_number, unsupported_version
from orbiter.lockfiles.pip_files import foreign_file_note, normalise
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from orbiter.lockfiles.yaml import line_of_item, load_yaml
from resolvers.errors import ExpectedError

VERSION = "1"

COMMIT_DIGITS = 40
ALGORITHMS = {32: "md5", 64: "sha256"}
"""Algorithms by the number of their hexadecimal digits."""

PIXI_FIELD = re.compile(r"(?:subdir|arch|requires_dist): |dependencies:(?: \[\]|\s+- )")
"""Field in the first package of a pixi.lock 1 to 3, which otherwise resembles a conda-lock.yml."""

REQUIRED_FIELDS = ("name", "version", "manager", "platform", "url", "hash")
LAST_FIELDS = ("category", "optional")


def recognises(text: str) -> bool:
    """Return whether a text has the keys of a conda-lock.yml and is not a pixi.lock."""
    return has_conda_lock_keys(text) and not is_pixi(text)


def has_conda_lock_keys(text: str) -> bool:
    """Return whether a text has the keys that conda-lock.yml and pixi.lock 1 to 3 share."""
    return has_key(text, "package") and has_key(text, "metadata")


def has_key(text: str, key: str) -> bool:
    """Return whether a text has a top-level key."""
    return text.startswith(f"{key}:") or f"\n{key}:" in text


def is_pixi(text: str) -> bool:
    """Return whether a text with the shared keys is a pixi.lock.

    Its first package has a field of pixi; a file without packages has a version that conda-lock
    never had.
    """
    start = f"\n{text}".find("\npackage:")
    if re.match(r"package:\s*- ", text[start : start + 100]):
        return PIXI_FIELD.search(text, start, start + 2000) is not None
    return re.search(r"^version: *+(?!['\"]?1\b)", text, re.MULTILINE) is not None


def read(name: str, text: str) -> Lock:
    """Read a conda-lock.yml.

    The format does not record direct requirements, sizes or licences. A package that is listed
    once for each of its categories becomes one package with several groups.
    """
    try:
        lock = read_regular(name, text)
    except ExpectedError:
        lock = None  # the parser reports the error again, with the correct line
    return lock or read_irregular(name, text)


def read_regular(name: str, text: str) -> Lock | None:
    """Read a conda-lock.yml in the layout of conda-lock; None for any other layout.

    Raises ExpectedError if the rest of the file is invalid.
    """
    regular = read_regular_list(text)
    if regular is None:
        return None
    rest = text[: regular.start] + text[regular.end :]
    return _lock(name, load_yaml(name, rest), regular.rows)


def read_irregular(name: str, text: str) -> Lock:
    """Read any conda-lock.yml with a YAML parser."""
    data = load_yaml(name, text)
    _check_version(name, data)
    packages = data.get("package")
    if not isinstance(packages, list):
        raise ExpectedError(f"{name}: 'package' must be a list of packages", DAMAGED)
    rows = []
    for index, package in enumerate(packages):
        try:
            _check_fields(package, packages[0] if index == len(packages) - 1 else {})
            rows.append(_read_row(package))
        except ExpectedError as error:
            where = f"{name}:{line_of_item(text, 'package', index)}"
            raise ExpectedError(f"{where}: {error.message}", error.hint) from error
    return _lock(name, data, rows)


def _check_fields(package: Any, model: Any) -> None:
    """Raise ExpectedError if a package lacks a field.

    The last package needs all fields of its ``model``, the first: a truncated file ends in the
    middle of a package.
    """
    if not isinstance(package, dict):
        raise ExpectedError("an item of 'package' is not a mapping", DAMAGED)
    expected = [*REQUIRED_FIELDS, *(field for field in LAST_FIELDS if field in model)]
    for field in expected:
        if package.get(field) is None:
            name = package.get("name", "without a name")
            raise ExpectedError(f"the package {name} has no '{field}'", DAMAGED)


def _read_row(package: dict[str, Any]) -> CondaLockRow:
    name, version, manager, platform, url = (
        _text(package, field) for field in REQUIRED_FIELDS if field != "hash"
    )
    if manager not in {"conda", "pip"}:
        raise ExpectedError(
            f"the package {name} has the manager '{manager}' instead of conda or pip", DAMAGED
        )
    if manager == "conda" and not is_conda_file(parse_conda_url(url).file):
        raise ExpectedError(
            f"the url of the package {name} is not that of a conda package: '{url}'", DAMAGED
        )
    md5, sha256 = _hashes(package)
    requires = package.get("dependencies") or {}
    if not isinstance(requires, dict):
        raise ExpectedError(f"the dependencies of the package {name} are not a mapping", DAMAGED)
    category = _text(package, "category") if package.get("category") else ""
    names = tuple(map(str, requires))
    return CondaLockRow(name, version, manager, platform, names, url, md5, sha256, category)


def _text(package: dict[str, Any], field: str) -> str:
    value = package[field]
    if not isinstance(value, str):
        raise ExpectedError(f"the '{field}' of the package {package['name']} is not text", DAMAGED)
    return value


def _hashes(package: dict[str, Any]) -> tuple[str, str]:
    """Return the md5 and sha256 of a package, "" for a missing one.

    Drafts of the format had one text: ``md5:…`` or only the digits.
    """
    hashes = package["hash"]
    if isinstance(hashes, str):
        algorithm, colon, value = hashes.rpartition(":")
        hashes = {algorithm if colon else ALGORITHMS.get(len(value), ""): value}
    where = f"the package {package['name']}"
    if not isinstance(hashes, dict) or hashes.keys().isdisjoint({"md5", "sha256"}):
        raise ExpectedError(f"{where} has neither an md5 nor a sha256", DAMAGED)
    md5, sha256 = (_hash(where, hashes.get(algorithm)) for algorithm in ("md5", "sha256"))
    # For a git source, conda-lock stores the commit as sha256.
    is_commit = package["manager"] == "pip" and len(sha256) == COMMIT_DIGITS
    check_hashes(where, {"md5": md5, "sha256": "" if is_commit else sha256})
    return md5, sha256


def _hash(where: str, value: object) -> str:
    if value in (None, "null", "~"):
        return ""
    if not isinstance(value, str):
        raise ExpectedError(f"{where}: a hash is not text", DAMAGED)
    return value


def _check_version(name: str, data: dict[str, Any]) -> None:
    version = data.get("version")
    if version == VERSION:
        return
    if (as_number(version) or 0) > int(VERSION):
        raise unsupported_version(name, "conda-lock.yml", version, VERSION)
    if not version:
        raise ExpectedError(f"{name}: the 'version' of the format is missing", DAMAGED)
    raise ExpectedError(
        f"{name}: the 'version' of the format must be {VERSION}, not '{version}'", DAMAGED
    )


def _lock(name: str, data: dict[str, Any], rows: Iterable[CondaLockRow]) -> Lock:
    _check_version(name, data)
    metadata = data.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    # A platform without packages is a scope, too.
    platforms: dict[str, dict[tuple[str, ...], PackageEntry]] = {
        str(platform): {} for platform in metadata.get("platforms") or ()
    }
    notes: dict[str, None] = {}
    for row in rows:
        packages = platforms.setdefault(row.platform, {})
        identity = (row.manager, row.name, row.version, row.url, row.md5, row.sha256)
        if identity in packages:
            packages[identity] = _add_group(packages[identity], row.category)
            continue
        read_package = _conda if row.manager == "conda" else _pip
        packages[identity], note = read_package(row)
        if note:
            notes[note] = None
    return Lock(
        name=name,
        format=f"conda-lock.yml {VERSION}",
        packages={
            Scope("", intern(platform)): tuple(packages.values())
            for platform, packages in platforms.items()
        },
        facts=channel_facts(map(_channel, metadata.get("channels") or ())),
        notes=tuple(notes),
    )


def _channel(channel: object) -> str:
    """Return the URL of a channel in the metadata, which was a plain text in drafts."""
    return str(channel.get("url", "") if isinstance(channel, dict) else channel)


def _add_group(package: PackageEntry, category: str) -> PackageEntry:
    return replace(package, groups=tuple(dict.fromkeys((*package.groups, category))))


def _conda(row: CondaLockRow) -> tuple[PackageEntry, str]:
    """Return a conda package, and a note or ""."""
    url = parse_conda_url(row.url)
    build, note = build_from_file(url.file, row.name, row.version)
    package = PackageEntry(
        manager="conda",
        name=intern(row.name),
        version=row.version,
        build=build,
        source=url.channel,
        files=(PackageFile(url.file, format_hashes(row.md5, row.sha256), url.origin),),
        requires=row.requires,
        groups=_groups(row.category),
    )
    return package, note


def _pip(row: CondaLockRow) -> tuple[PackageEntry, str]:
    """Return a Python package, and a note or ""."""
    file, source, commit, origin = parse_pip_url(row.url)
    sha256 = row.sha256
    if len(sha256) == COMMIT_DIGITS:  # conda-lock stores the commit of a git source as sha256
        commit, sha256 = sha256, ""
    hashes = format_hashes(row.md5, sha256)
    package = PackageEntry(
        manager="pip",
        name=intern(normalise(row.name)),
        version=row.version,
        build=commit,
        source=source,
        files=(PackageFile(file, hashes, origin),) if hashes else (),
        requires=tuple(normalise(name.partition("[")[0].strip()) for name in row.requires),
        groups=_groups(row.category),
    )
    return package, foreign_file_note(package.name, package.version, package.files)


@cache
def _groups(category: str) -> tuple[str, ...]:
    return (category,) if category else ()
