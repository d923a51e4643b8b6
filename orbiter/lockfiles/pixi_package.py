"""One package of a pixi.lock. Pure."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from orbiter.lockfiles.conda_files import (
    build_of,
    check_hashes,
    hashes,
    is_package,
    local,
    origin,
    parts,
    pip_origin,
)
from orbiter.lockfiles.document import DAMAGED, address
from orbiter.lockfiles.pip_files import normal, project, strangers
from orbiter.lockfiles.types import PackageEntry, PackageFile
from resolvers.errors import ExpectedError

SOURCE = re.compile(r"(?P<name>[^\s\[]+)(?:\[[^\]]*\])? @ (?P<path>.+)")
"""A package that is built from source, from version 7 on."""
NAME = re.compile(r"[A-Za-z0-9_][\w.-]*")
EXTRA = re.compile(r"\bextra\s*==\s*['\"]([^'\"]+)")
SPECS = 65_536

Entry = Mapping[str, Any]


def package(
    kind: str, where: str, entry: Entry, extras: tuple[str, ...], index: str
) -> tuple[PackageEntry, str]:
    """The package of an entry that lies at ``where``, and a note on what is odd with it or "".

    ``kind`` is conda, conda_source or pypi; ``index`` the one that needs no mention. Raises ExpectedError, without the
    file and line, for what is missing or broken.
    """
    if not where:
        raise ExpectedError(
            f"the package {entry.get('name', 'without a name')} has neither url nor path", DAMAGED
        )
    check_hashes(f"the package {where}", {each: _text(entry, each) for each in ("md5", "sha256")})
    if kind == "pypi":
        return _pypi(where, entry, extras, index)
    if kind not in {"conda", "conda_source"}:
        raise ExpectedError(
            f"the package {where} is of a kind that Orbiter does not know: '{kind}'", DAMAGED
        )
    file, channel, _ = origin(where)
    return _file(file, channel, entry) if is_package(file) else (_source(where, entry), "")


def _file(file: str, channel: str, entry: Entry) -> tuple[PackageEntry, str]:
    """A conda package that was built already: what the entry does not tell, the name of its file does."""
    found = parts(file)
    name, version = _text(entry, "name") or found.name, _text(entry, "version") or found.version
    build, note = build_of(file, name, version)
    size = _text(entry, "size")
    licence = _text(entry, "license")
    locked = PackageEntry(
        manager="conda",
        name=name.lower(),
        version=version,
        build=build,
        source=channel,
        files=(PackageFile(file, hashes(_text(entry, "md5"), _text(entry, "sha256"))),),
        size=int(size) if size.isdecimal() else 0,
        licence="" if licence == "None" else licence,
        requires=_needs(entry.get("depends")),
        groups=_groups(entry),
    )
    return locked, note


def _source(where: str, entry: Entry) -> PackageEntry:
    """A conda package that is built from source when it is installed: it has no file, and may have no version yet."""
    found = SOURCE.fullmatch(where)
    name = found["name"] if found else _text(entry, "name")
    if not name:
        raise ExpectedError(f"the package {where} has no name", DAMAGED)
    path = local(found["path"] if found else where)
    built_from = entry.get("source") or entry.get("package_build_source") or {}
    detail = " ".join(
        address(built_from[key]) for key in ("git", "url", "rev", "sha256") if key in built_from
    )
    return PackageEntry(
        manager="conda",
        name=name.lower(),
        version=_text(entry, "version"),
        build=_text(entry, "build"),
        source=f"{path} ({detail})" if detail else path,
        licence=_text(entry, "license"),
        requires=_needs(entry.get("depends")),
    )


def _pypi(
    where: str, entry: Entry, extras: tuple[str, ...], index: str
) -> tuple[PackageEntry, str]:
    """A Python package; a folder has no file, and its hash is that of a project that people work on."""
    file, source, commit = pip_origin(where)
    told, read = project(file)
    name, version = normal(_text(entry, "name")) or told, _text(entry, "version") or read
    if not name:
        raise ExpectedError(f"the package {where} has no name", DAMAGED)
    if found := _text(entry, "index"):
        source = "" if found == index else address(found)
    digests = hashes(_text(entry, "md5"), _text(entry, "sha256"))
    files = (PackageFile(file, digests),) if file and digests else ()
    locked = PackageEntry(
        manager="pip",
        name=name,
        version=version,
        build=commit,
        source=source,
        files=files,
        requires=tuple(dict.fromkeys(_python_needs(entry.get("requires_dist"), extras))),
        groups=(*_groups(entry), *extras),
    )
    return locked, strangers(name, version, files) if version else ""


def _text(entry: Entry, key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ExpectedError(
            f"the '{key}' of the package {entry.get('name', '')} is no text", DAMAGED
        )
    return value


def _groups(entry: Entry) -> tuple[str, ...]:
    category = _text(entry, "category")
    return (category,) if category else ()


def _needs(specs: object) -> tuple[str, ...]:
    """The names of conda requirements, each once: ``python >=3.10,<3.11.0a0``."""
    if not isinstance(specs, list):
        return ()
    return tuple(dict.fromkeys(filter(None, map(_needed, map(str, specs)))))


@lru_cache(SPECS)
def _needed(spec: str) -> str:
    found = NAME.match(spec.rpartition("::")[2].strip())
    return found[0].lower() if found else ""


def _python_needs(requirements: object, extras: tuple[str, ...]) -> Iterable[str]:
    """The names of Python requirements, those of extras only where these were asked for."""
    for requirement in requirements if isinstance(requirements, list) else ():
        needed, _, marker = str(requirement).partition(";")
        wanted = EXTRA.findall(marker)
        if (not wanted or set(wanted) & set(extras)) and (found := NAME.match(needed)):
            yield normal(found[0])
