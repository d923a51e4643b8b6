"""Reader of one package in a pixi.lock."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from orbiter.lockfiles.conda_files import (
    CondaUrl,
    build_from_file,
    check_hashes,
    format_hashes,
    is_conda_file,
    normalise_path,
    parse_conda_url,
    parse_file_name,
    parse_pip_url,
)
from orbiter.lockfiles.document import DAMAGED, without_credentials
from orbiter.lockfiles.pip_files import foreign_file_note, normalise, parse_distribution
from orbiter.lockfiles.types import PackageEntry, PackageFile
from resolvers.errors import ExpectedError
from resolvers.types.packages import MAX_SIZE

CONDA_SOURCE = re.compile(r"(?P<name>[^\s\[]+)(?:\[[^\]]*\])? @ (?P<path>.+)")
"""Location of a package that is built from source, from version 7 on."""

NAME = re.compile(r"[A-Za-z0-9_][\w.-]*")
EXTRA = re.compile(r"\bextra\s*==\s*['\"]([^'\"]+)")

CACHED_SPECS = 65_536
MAX_DIGITS = len(str(MAX_SIZE))

PixiEntry = Mapping[str, Any]


def read_package(
    kind: str, location: str, entry: PixiEntry, extras: tuple[str, ...], index: str
) -> tuple[PackageEntry, str]:
    """Return the package of an entry, and a note on anything unusual about it (otherwise "").

    ``kind`` is conda, conda_source or pypi. ``location`` is a URL or path. ``index`` is the
    Python index that needs no mention.
    Raises ExpectedError without file and line if the entry is incomplete or invalid.
    """
    if not location:
        name = entry.get("name", "without a name")
        raise ExpectedError(f"the package {name} has neither a url nor a path", DAMAGED)
    hashes = {algorithm: _text(entry, algorithm) for algorithm in ("md5", "sha256")}
    check_hashes(f"the package {location}", hashes)
    if kind == "pypi":
        return _read_pypi(location, entry, extras, index)
    if kind not in {"conda", "conda_source"}:
        raise ExpectedError(f"the package {location} has an unknown kind: '{kind}'", DAMAGED)
    url = parse_conda_url(location)
    if is_conda_file(url.file):
        return _read_conda(url, entry)
    return _read_conda_source(location, entry), ""


def _read_conda(url: CondaUrl, entry: PixiEntry) -> tuple[PackageEntry, str]:
    """Read a built conda package; its file name replaces fields that the entry omits."""
    parsed = parse_file_name(url.file)
    name = _text(entry, "name") or parsed.name
    version = _text(entry, "version") or parsed.version
    build, note = build_from_file(url.file, name, version)
    size = _text(entry, "size")
    licence = _text(entry, "license")
    if licence == "None":  # some packages have this text in their metadata
        licence = ""
    hashes = format_hashes(_text(entry, "md5"), _text(entry, "sha256"))
    package = PackageEntry(
        manager="conda",
        name=name.lower(),
        version=version,
        build=build,
        source=url.channel,
        files=(PackageFile(url.file, hashes, url.origin),),
        size=int(size) if size.isdecimal() and len(size) <= MAX_DIGITS else 0,
        licence=licence,
        requires=_conda_requires(entry.get("depends")),
        groups=_groups(entry),
    )
    return package, note


def _read_conda_source(location: str, entry: PixiEntry) -> PackageEntry:
    """Read a conda package that is built from source during the installation.

    It has no file, and may not have a version yet.
    """
    source = CONDA_SOURCE.fullmatch(location)
    name, path = (source["name"], source["path"]) if source else (_text(entry, "name"), location)
    if not name:
        raise ExpectedError(f"the package {location} has no name", DAMAGED)
    path = normalise_path(path)
    origin = entry.get("source") or entry.get("package_build_source") or {}
    keys = [key for key in ("git", "url", "rev", "sha256") if key in origin]
    details = " ".join(without_credentials(origin[key]) for key in keys)
    if details:
        path = f"{path} ({details})"
    return PackageEntry(
        manager="conda",
        name=name.lower(),
        version=_text(entry, "version"),
        build=_text(entry, "build"),
        source=path,
        licence=_text(entry, "license"),
        requires=_conda_requires(entry.get("depends")),
    )


def _read_pypi(
    location: str, entry: PixiEntry, extras: tuple[str, ...], index: str
) -> tuple[PackageEntry, str]:
    """Read a Python package.

    A folder has no file: its hash is that of a project under development, so it is ignored.
    """
    file, source, commit, origin = parse_pip_url(location)
    file_project, file_version = parse_distribution(file)
    name = normalise(_text(entry, "name")) or file_project
    version = _text(entry, "version") or file_version
    if not name:
        raise ExpectedError(f"the package {location} has no name", DAMAGED)
    own_index = _text(entry, "index")
    if own_index and own_index == index:
        source = ""
    elif own_index:
        source = without_credentials(own_index)
    hashes = format_hashes(_text(entry, "md5"), _text(entry, "sha256"))
    files = (PackageFile(file, hashes, origin),) if file and hashes else ()
    package = PackageEntry(
        manager="pip",
        name=name,
        version=version,
        build=commit,
        source=source,
        files=files,
        requires=tuple(dict.fromkeys(_pip_requires(entry.get("requires_dist"), extras))),
        groups=(*_groups(entry), *extras),
    )
    if not version:
        return package, ""
    return package, foreign_file_note(name, version, files)


def _text(entry: PixiEntry, key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        name = entry.get("name", "")
        raise ExpectedError(f"the '{key}' of the package {name} is not text", DAMAGED)
    return value


def _groups(entry: PixiEntry) -> tuple[str, ...]:
    category = _text(entry, "category")
    return (category,) if category else ()


def _conda_requires(specs: object) -> tuple[str, ...]:
    """Return the distinct names in conda requirements: ``python >=3.10,<3.11.0a0``."""
    if not isinstance(specs, list):
        return ()
    names = map(_name_in_spec, map(str, specs))
    return tuple(dict.fromkeys(filter(None, names)))


@lru_cache(CACHED_SPECS)
def _name_in_spec(spec: str) -> str:
    name = NAME.match(spec.rpartition("::")[2].strip())
    return name[0].lower() if name else ""


def _pip_requires(requirements: object, extras: tuple[str, ...]) -> Iterator[str]:
    """Yield the names in Python requirements, including those of the requested extras."""
    if not isinstance(requirements, list):
        return
    for requirement in map(str, requirements):
        specifier, _, marker = requirement.partition(";")
        extras_in_marker = set(EXTRA.findall(marker))
        if extras_in_marker and extras_in_marker.isdisjoint(extras):
            continue
        if name := NAME.match(specifier):
            yield normalise(name[0])
