"""The source packages of locked Debian and Alpine packages, and their releases. Pure.

Advisories of both distributions are about source packages in one release.
"""

import re
from collections.abc import Container, Mapping
from typing import NamedTuple

import msgspec

from orbiter.config.image_set import Builder
from orbiter.lockfiles.types import PackageEntry
from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import LockSet
from resolvers.apk import lock_file as apk_lock
from resolvers.apt import lock_file as apt_lock
from resolvers.apt.source_field import SourcePackage

SUITES = {
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
    "duke": "15",
}
"""Numbers of Debian's releases, as advisories name them."""
REBUILD = re.compile(r"\+b[0-9]+$")
"""The part of a binary package's version that counts rebuilds of the same source."""
POOL = re.compile(r"pool/(?:[^/]+/)*?[a-z0-9]{1,4}/(?P<source>[^/]+)/[^/]+")
ALPINE_BRANCH = re.compile(r"(v[0-9]+\.[0-9]+)/[^/]+/")
NO_RELEASE = "the lock does not say the release of the distribution"
NO_LOCK_SET = "the lock does not name the source package"
FOREIGN = "the package is not from the distribution's own release"


class EcosystemSource(NamedTuple):
    """A source package; ``is_derived`` says that the lock does not record its version."""

    ecosystem: str
    name: str
    version: str
    is_derived: bool


Found = EcosystemSource | str
"""A source package, or the reason why it is not known."""


class Sources(msgspec.Struct, frozen=True):
    """Source packages by builder, manager, and name and version of the binary package.

    ``builders`` maps stages to builders.
    """

    builders: Mapping[str, str] = {}
    packages: Mapping[tuple[str, str, str, str], Found] = {}

    def find(self, stage: str, entry: PackageEntry) -> Found:
        """Return the source package of an entry, or the reason why it is not known."""
        key = (self.builders.get(stage, ""), entry.manager, entry.name, entry.version)
        return self.packages.get(key, NO_LOCK_SET)


def system_sources(lock_set: LockSet) -> Sources:
    """Return the source packages of all packages of apk and apt in a lock set.

    Raises ExpectedError if a lock file is invalid.
    """
    image_set = lock_set.image_set
    packages: dict[tuple[str, str, str, str], Found] = {}
    for name, builder in image_set.builders.items():
        if files := locked_files(lock_set, name, "apt"):
            ecosystem = debian_ecosystem(builder)
            lock = apt_lock.parse(files)
            recorded = apt_lock.recorded_sources(lock)
            known = {(_source_folder(deb), _without_rebuild(deb.version)) for deb in lock.package}
            for deb in lock.package:
                found = _of_deb(deb, ecosystem, recorded, known)
                packages[name, "apt", deb.name, deb.version] = found
        if files := locked_files(lock_set, name, "apk"):
            for apk in apk_lock.parse(files).package:
                packages[name, "apk", apk.name, apk.version] = _of_apk(apk)
    return Sources({stage.name: stage.builder for stage in image_set.stages}, packages)


def debian_ecosystem(builder: Builder) -> str:
    """Return the ecosystem of a builder's Debian packages, such as ``Debian:13``; "" if unknown."""
    if builder.suite:
        return _numbered(builder.suite)
    repository, _, tag = builder.base.partition("@")[0].rpartition(":")
    words = re.split("[-_.]", tag)
    named = next((SUITES[word] for word in words if word in SUITES), "")
    is_debian = repository.rpartition("/")[2] == "debian"
    number = words[0] if is_debian and words[0] in SUITES.values() else named
    return f"Debian:{number}" if number else ""


def _numbered(suite: str) -> str:
    return f"Debian:{SUITES[suite]}" if suite in SUITES else ""


def _of_deb(
    package: apt_lock.AptPackage,
    ecosystem: str,
    recorded: Mapping[str, SourcePackage],
    known: Container[tuple[str, str]],
) -> Found:
    """Return the source of a package.

    Locks of older versions of Orbiter have recorded none. Then it follows from the folder of the
    package in the pool, which is named after its source. ``known`` are the sources and versions of
    all packages of the builder.
    """
    source = _source_folder(package)
    if package.repository or package.url or not source:
        return FOREIGN
    if not ecosystem:
        return NO_RELEASE
    if locked := recorded.get(package.sha256):
        return EcosystemSource(ecosystem, locked.name, locked.version, False)
    version = _without_rebuild(package.version)
    # util-linux 2.41.5-0 has the packages login 1:4.16.0-2+really2.41.5-0 and bsdutils 1:2.41.5-0.
    shorter = (version.partition(":")[2], version.rpartition("really")[2])
    of_source = next((each for each in shorter if (source, each) in known), version)
    return EcosystemSource(ecosystem, source, of_source, True)


def _source_folder(package: apt_lock.AptPackage) -> str:
    match = POOL.fullmatch(package.file)
    return match["source"] if match else ""


def _without_rebuild(version: str) -> str:
    return REBUILD.sub("", version)


def _of_apk(package: apk_lock.ApkPackage) -> Found:
    """Return the origin of a package; all packages of an origin have its version."""
    branch = ALPINE_BRANCH.match(package.file)
    if package.repository or package.url or not package.origin:
        return FOREIGN
    if not branch:
        return NO_RELEASE
    return EcosystemSource(f"Alpine:{branch[1]}", package.origin, package.version, False)
