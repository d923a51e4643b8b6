"""Reader of mamba's JSON lock: one environment on one platform, without dependencies.

Format: https://github.com/mamba-org/mamba, ``libmamba/src/core/env_lockfile_mambajs.cpp``.
"""

import re

import msgspec

from orbiter.lockfiles.conda_files import (
    build_from_file,
    channel_facts,
    check_hashes,
    format_hashes,
    is_conda_file,
)
from orbiter.lockfiles.document import DAMAGED, as_number, convert, load_json, unsupported_version
from orbiter.lockfiles.pip_files import foreign_file_note, normalise
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

VERSION = 1

SPEC_NAME = re.compile(r"(?:.*::)?\s*([A-Za-z0-9_][\w.-]*)")


class _Mirror(msgspec.Struct):
    url: str = ""


class _Hash(msgspec.Struct):
    md5: str = ""
    sha256: str = ""


class _Package(msgspec.Struct):
    name: str
    version: str
    build: str = ""
    channel: str = ""
    hash: _Hash = msgspec.field(default_factory=_Hash)


class _Document(msgspec.Struct, rename="camel"):
    platform: str
    specs: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    channel_info: dict[str, tuple[_Mirror, ...]] = {}
    packages: dict[str, _Package] = {}
    pip_packages: dict[str, _Package] = {}


def recognises(text: str) -> bool:
    """Return whether a text is JSON with the two keys that no other format combines."""
    return text.lstrip().startswith("{") and '"lockVersion"' in text and '"channels"' in text


def read(name: str, text: str) -> Lock:
    """Read a lock of mamba; packages in its ``specs`` are direct requirements."""
    data = load_json(name, text)
    version = str(data.get("lockVersion"))
    major = as_number(version.partition(".")[0])
    if major is None or major > VERSION:
        raise unsupported_version(name, "mamba's lock format", version, f"{VERSION}.x")
    document = convert(name, text, data, _Document)
    specs = filter(None, map(SPEC_NAME.match, document.specs))
    requested = {spec[1].lower() for spec in specs}
    read_packages = [
        *(_read_conda(name, *item, requested) for item in document.packages.items()),
        *(_read_pip(name, *item) for item in document.pip_packages.items()),
    ]
    scope = Scope("", document.platform)
    return Lock(
        name=name,
        format=f"mamba environment lock {version}",
        packages={scope: tuple(package for package, _ in read_packages)},
        facts=channel_facts(document.channels),
        notes=tuple(note for _, note in read_packages if note),
    )


def _read_conda(
    name: str, file: str, package: _Package, requested: set[str]
) -> tuple[PackageEntry, str]:
    if not is_conda_file(file):
        raise ExpectedError(f"{name}: '{file}' is not the name of a conda package file", DAMAGED)
    build, note = build_from_file(file, package.name, package.version)
    entry = PackageEntry(
        manager="conda",
        name=package.name,
        version=package.version,
        build=build,
        source=package.channel,
        files=(PackageFile(file, _hashes(name, package)),),
        direct=package.name.lower() in requested,
    )
    return entry, note


def _read_pip(name: str, file: str, package: _Package) -> tuple[PackageEntry, str]:
    entry = PackageEntry(
        manager="pip",
        name=normalise(package.name),
        version=package.version,
        files=(PackageFile(file, _hashes(name, package)),),
    )
    return entry, foreign_file_note(entry.name, entry.version, entry.files)


def _hashes(name: str, package: _Package) -> tuple[str, ...]:
    md5, sha256 = package.hash.md5, package.hash.sha256
    check_hashes(f"{name}: the package {package.name}", {"md5": md5, "sha256": sha256})
    return format_hashes(md5, sha256)
