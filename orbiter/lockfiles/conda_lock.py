"""conda-lock.yml, format 1: https://conda.github.io/conda-lock/output/#unified-lockfile.

There are two ways to read it that give the same: one regular expression for the shapes that conda-lock itself writes,
which is twenty times faster, and ``yaml12`` for every other file.
"""

import re
from collections.abc import Iterable
from functools import cache
from sys import intern
from typing import Any, NamedTuple

from msgspec.structs import replace

from orbiter.lockfiles.conda_files import (
    build_of,
    channels,
    check_hashes,
    hashes,
    is_package,
    origin,
    pip_origin,
)
from orbiter.lockfiles.document import DAMAGED, as_number, too_new
from orbiter.lockfiles.pip_files import normal, strangers
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from orbiter.lockfiles.yaml import line_of_item, load_yaml
from resolvers.errors import ExpectedError

VERSION = "1"
COMMIT = 40
"""Digits of a git commit."""
WORD = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
FIELDS = {
    "name": rf"name: (?P<name>{WORD})\n",
    "version": r"""version: (?P<q>['"]?)(?P<version>[A-Za-z0-9_][A-Za-z0-9_.+!-]*)(?P=q)\n""",
    "manager": r"manager: (?P<manager>conda|pip)\n",
    "platform": rf"platform: (?P<platform>{WORD})\n",
    "dependencies": rf"dependencies:(?: \{{\}}\n|\n(?P<requires>(?:I  {WORD}: [^\n]+\n)+))",
    "url": r"url: (?P<url>https?://[A-Za-z0-9_.~/%!$&()*+,;=@:-]*/[A-Za-z0-9_.~%!$&()*+,;=@-]+)\n",
    "hash": r"hash:\n(?=I  (?:md5|sha256):)"
    r"(?:I  md5: (?P<md5>[0-9a-f]{32})\n)?(?:I  sha256: (?P<sha256>[0-9a-f]{64})\n)?",
    "category": rf"category: (?P<category>{WORD})\n",
    "optional": r"optional: (?:true|false)(?:\n|\Z)",
    "source": r"source: null\n",
}
"""What a field looks like where nothing is unusual; ``I`` is the indentation of the fields."""
ORDERS = (
    "name version manager platform dependencies url hash category optional",
    "category dependencies hash manager name optional platform source? url version",
)
"""The orders in which conda-lock has written fields."""
NEED = re.compile(rf""" +({WORD}): (?:'[^'\n]*'|"[^"\\\n]*"|[A-Za-z0-9_=<^~/.][ -"$-&(-9;-~]*)\n""")
"""A dependency: its name, and any scalar on one line."""
PIXI = re.compile(r"(?:subdir|arch|requires_dist): |dependencies:(?: \[\]|\s+- )")
"""What the first package of pixi.lock 1 to 3 has, which looked much like conda-lock.yml."""


class Row(NamedTuple):
    """One entry of the list of packages, as text; ``requires`` are names as written."""

    name: str
    version: str
    manager: str
    platform: str
    requires: tuple[str, ...]
    url: str
    md5: str
    sha256: str
    category: str


def recognises(text: str) -> bool:
    """Whether a text has the parts of a conda-lock.yml, and is none of the pixi.locks that had them too."""
    return is_shaped(text) and not is_pixi(text)


def is_shaped(text: str) -> bool:
    """Whether a text has the parts that conda-lock.yml and pixi.lock 1 to 3 share."""
    return has_key(text, "package") and has_key(text, "metadata")


def has_key(text: str, key: str) -> bool:
    """Whether a text has a key at its left margin."""
    return text.startswith(f"{key}:") or f"\n{key}:" in text


def is_pixi(text: str) -> bool:
    """Whether a text with these parts is pixi's: by its first entry, or by a version that conda-lock never had."""
    start = f"\n{text}".find("\npackage:")
    if re.match(r"package:\s*- ", text[start : start + 100]):
        return PIXI.search(text, start, start + 2000) is not None
    return re.search(r"^version: *(?!['\"]?1\b)", text, re.MULTILINE) is not None


def read(name: str, text: str) -> Lock:
    """Read a conda-lock.yml. It tells neither what a person asked for, nor sizes and licences.

    A package that stands there once for each of several categories is one package with these groups.
    """
    try:
        found = regular(name, text)
    except ExpectedError:
        found = None  # the other way tells it with the right line
    return found or irregular(name, text)


def regular(name: str, text: str) -> Lock | None:
    """Read a conda-lock.yml written as conda-lock itself does, fast; None for any other. Raises ExpectedError."""
    start = f"\n{text}".find("\npackage:\n") + len("package:\n")
    pattern = _pattern(text, start)
    if not pattern:
        return None
    rows, end = _rows(pattern, text, start)
    if text[end : end + 1] in {" ", "-", "#"} or rows is None:
        return None
    return _lock(name, load_yaml(name, text[:start] + text[end:]), rows)


def _pattern(text: str, start: int) -> re.Pattern[str] | None:
    """What the entries of this list look like, judging by how the first begins."""
    head = re.match(r"( *)- (name|category): ", text[start : start + 40])
    if not head:
        return None
    order = ORDERS[0] if head[2] == "name" else ORDERS[1]
    indent = f"{head[1]}  "
    fields = (
        f"(?:{indent}{FIELDS[key[:-1]]})?"
        if key.endswith("?")
        else indent + FIELDS[key].replace("I", indent)
        for key in order.split()
    )
    return re.compile(f"{head[1]}- {''.join(fields)[len(indent) :]}")


def _rows(pattern: re.Pattern[str], text: str, start: int) -> tuple[list[Row] | None, int]:
    """The entries that follow each other without a gap, and where they end; None for what needs a closer look."""
    end, rows = start, []
    fields = [pattern.groupindex[field] for field in Row._fields]
    needs: dict[str | None, tuple[str, ...]] = {None: ()}
    for found in pattern.finditer(text, start):
        if found.start() != end:
            break
        end = found.end()
        name, version, manager, platform, block, url, md5, sha256, category = found.group(*fields)
        if manager == "conda" and not is_package(url[url.rindex("/") + 1 :]):
            return None, end
        requires = needs.get(block)
        if requires is None:
            requires = needs[block] = tuple(map(intern, NEED.findall(block)))
            if not len(set(requires)) == len(requires) == block.count("\n"):
                return None, end
        rows.append(
            Row(name, version, manager, platform, requires, url, md5 or "", sha256 or "", category)
        )
    return rows, end


def irregular(name: str, text: str) -> Lock:
    """Read any conda-lock.yml by way of a YAML parser."""
    data = load_yaml(name, text)
    _check_version(name, data)
    entries = data.get("package")
    if not isinstance(entries, list):
        raise ExpectedError(f"{name}: it has no list of packages under 'package'", DAMAGED)
    last = len(entries) - 1
    rows = []
    for number, entry in enumerate(entries):
        try:
            rows.append(_row(entry, entries[0] if number == last else None))
        except ExpectedError as error:
            where = f"{name}:{line_of_item(text, 'package', number)}"
            raise ExpectedError(f"{where}: {error.message}", error.hint) from error
    return _lock(name, data, rows)


def _row(entry: object, first: Any) -> Row:
    """One entry. Of the last one ``first`` is given: what that has and this one lacks was cut off."""
    if not isinstance(entry, dict):
        raise ExpectedError("an entry of 'package' is no mapping", DAMAGED)
    needed = ("name", "version", "manager", "platform", "url", "hash")
    whole = [key for key in ("category", "optional") if first and key in first]
    if missing := [key for key in (*needed, *whole) if entry.get(key) is None]:
        raise ExpectedError(
            f"the package {entry.get('name', 'without a name')} has no '{missing[0]}'", DAMAGED
        )
    name, version, manager, platform, url = (_text(entry, key) for key in needed[:-1])
    if manager not in {"conda", "pip"}:
        raise ExpectedError(
            f"the package {name} has the manager '{manager}', not conda or pip", DAMAGED
        )
    if manager == "conda" and not is_package(origin(url).file):
        raise ExpectedError(
            f"the package {name} has the url '{url}', which is no file of conda's", DAMAGED
        )
    md5, sha256 = _hashes(entry)
    requires = entry.get("dependencies") or {}
    if not isinstance(requires, dict):
        raise ExpectedError(f"the dependencies of the package {name} are no mapping", DAMAGED)
    category = _text(entry, "category") if entry.get("category") else ""
    return Row(
        name, version, manager, platform, tuple(map(str, requires)), url, md5, sha256, category
    )


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str):
        raise ExpectedError(f"the '{key}' of the package {entry['name']} is no text", DAMAGED)
    return value


def _hashes(entry: dict[str, Any]) -> tuple[str, str]:
    """md5 and sha256, "" for what is not told; drafts of the format had ``md5:…`` as one text."""
    told = entry["hash"]
    if isinstance(told, str):
        kind, _, value = told.partition(":")
        told = {kind: value}
    if not isinstance(told, dict) or not told.keys() & {"md5", "sha256"}:
        raise ExpectedError(f"the package {entry['name']} has neither an md5 nor a sha256", DAMAGED)
    md5, sha256 = (
        "" if told.get(kind) in {None, "null", "~"} else str(told[kind])
        for kind in ("md5", "sha256")
    )
    is_commit = entry["manager"] == "pip" and len(sha256) == COMMIT
    check_hashes(
        f"the package {entry['name']}", {"md5": md5, "sha256": "" if is_commit else sha256}
    )
    return md5, sha256


def _check_version(name: str, data: dict[str, Any]) -> None:
    version = data.get("version")
    if version == VERSION:
        return
    if (as_number(version) or 0) > int(VERSION):
        raise too_new(name, "conda-lock.yml", version, VERSION)
    what = (
        f"the version of its format is '{version}', not {VERSION}"
        if version
        else "it has no 'version'"
    )
    raise ExpectedError(f"{name}: {what}", DAMAGED)


def _lock(name: str, data: dict[str, Any], rows: Iterable[Row]) -> Lock:
    _check_version(name, data)
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    places: dict[str, dict[tuple[str, ...], PackageEntry]] = {
        str(each): {} for each in metadata.get("platforms") or ()
    }
    notes: dict[str, None] = {}
    for row in rows:
        place = places.setdefault(row.platform, {})
        same = (row.manager, row.name, row.version, row.url, row.md5, row.sha256)
        if same in place:
            place[same] = _also(place[same], row.category)
        else:
            place[same], note = _conda(row) if row.manager == "conda" else _pip(row)
            if note:
                notes[note] = None
    return Lock(
        name=name,
        format=f"conda-lock.yml {VERSION}",
        packages={
            Scope("", intern(platform)): tuple(place.values()) for platform, place in places.items()
        },
        facts=channels(_channel(each) for each in metadata.get("channels") or ()),
        notes=tuple(notes),
    )


def _channel(listed: object) -> str:
    """A channel of the metadata: a mapping with its url, in drafts a text."""
    return str(listed.get("url", "") if isinstance(listed, dict) else listed)


def _also(package: PackageEntry, category: str) -> PackageEntry:
    return replace(package, groups=tuple(dict.fromkeys((*package.groups, category))))


def _conda(row: Row) -> tuple[PackageEntry, str]:
    file, channel, _ = origin(row.url)
    build, note = build_of(file, row.name, row.version)
    locked = PackageEntry(
        manager="conda",
        name=intern(row.name),
        version=row.version,
        build=build,
        source=channel,
        files=(PackageFile(file, hashes(row.md5, row.sha256)),),
        requires=row.requires,
        groups=_groups(row.category),
    )
    return locked, note


def _pip(row: Row) -> tuple[PackageEntry, str]:
    file, source, commit = pip_origin(row.url)
    sha256 = row.sha256
    if len(sha256) == COMMIT:  # of a git source, stored as if it were a sha256
        commit, sha256 = sha256, ""
    found = hashes(row.md5, sha256)
    normalised = intern(normal(row.name))
    files = (PackageFile(file, found),) if found else ()
    locked = PackageEntry(
        manager="pip",
        name=normalised,
        version=row.version,
        build=commit,
        source=source,
        files=files,
        requires=tuple(normal(each.partition("[")[0].strip()) for each in row.requires),
        groups=_groups(row.category),
    )
    return locked, strangers(normalised, row.version, files)


@cache
def _groups(category: str) -> tuple[str, ...]:
    return (category,) if category else ()
