"""mamba's environment lock file in JSON, ``lockVersion`` 1: one environment and platform, no dependencies.

Format: https://github.com/mamba-org/mamba, ``libmamba/src/core/env_lockfile_mambajs.cpp``.
"""

import re

import msgspec

from orbiter.lockfiles.conda_files import build_of, channels, check_hashes, hashes, is_package
from orbiter.lockfiles.document import DAMAGED, as_number, load_json, too_new, typed
from orbiter.lockfiles.pip_files import normal, strangers
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

VERSION = 1
SPEC = re.compile(r"(?:.*::)?\s*([A-Za-z0-9_][\w.-]*)")


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
    """Whether a text is JSON and has the two keys that only this format has together."""
    return text.lstrip().startswith("{") and '"lockVersion"' in text and '"channels"' in text


def read(name: str, text: str) -> Lock:
    """Read a lock of mamba's. What a person asked for is what its specs name."""
    data = load_json(name, text)
    version = str(data.get("lockVersion"))
    major = as_number(version.partition(".")[0])
    if major is None or major > VERSION:
        raise too_new(name, "mamba's environment lock file", version, f"{VERSION}.x")
    document = typed(name, text, data, _Document)
    asked = {found[1].lower() for spec in document.specs if (found := SPEC.match(spec))}
    conda = [_conda(name, file, package, asked) for file, package in document.packages.items()]
    pip = [_pip(name, file, package) for file, package in document.pip_packages.items()]
    return Lock(
        name=name,
        format=f"mamba environment lock {version}",
        packages={Scope("", document.platform): tuple(package for package, _ in (*conda, *pip))},
        facts=channels(document.channels),
        notes=tuple(note for _, note in (*conda, *pip) if note),
    )


def _conda(name: str, file: str, package: _Package, asked: set[str]) -> tuple[PackageEntry, str]:
    if not is_package(file):
        raise ExpectedError(f"{name}: '{file}' is no file of conda's", DAMAGED)
    build, note = build_of(file, package.name, package.version)
    locked = PackageEntry(
        manager="conda",
        name=package.name,
        version=package.version,
        build=build,
        source=package.channel,
        files=(PackageFile(file, _hashes(name, package)),),
        direct=package.name.lower() in asked,
    )
    return locked, note


def _pip(name: str, file: str, package: _Package) -> tuple[PackageEntry, str]:
    locked = PackageEntry(
        manager="pip",
        name=normal(package.name),
        version=package.version,
        files=(PackageFile(file, _hashes(name, package)),),
    )
    return locked, strangers(locked.name, locked.version, locked.files)


def _hashes(name: str, package: _Package) -> tuple[str, ...]:
    told = package.hash
    check_hashes(f"{name}: the package {package.name}", {"md5": told.md5, "sha256": told.sha256})
    return hashes(told.md5, told.sha256)
