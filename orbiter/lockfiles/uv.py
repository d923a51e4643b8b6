"""Reader of uv.lock, version 1 and its revisions.

Format: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import msgspec

from orbiter.lockfiles.document import (
    convert,
    load_toml,
    unsupported_version,
    without_credentials,
)
from orbiter.lockfiles.origins import folder_of
from orbiter.lockfiles.pip_files import (
    download_size,
    file_name,
    foreign_file_note,
    index_facts,
    most_common_index,
    normalise,
)
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.types.packages import FileSize

VERSION = 1
HEAD = re.compile(r"(?:\s|#.*\n)*version = \d+\n(?:revision|requires-python) = ")

NameGroups = Mapping[str, set[str]]
"""Names, each with the extras and dependency groups that request it."""


class _Requirement(msgspec.Struct, gc=False):
    name: str
    extra: tuple[str, ...] = ()


class _File(msgspec.Struct, gc=False):
    url: str = ""
    path: str = ""
    hash: str = ""
    size: FileSize = 0

    @property
    def name(self) -> str:
        return file_name(self.url or self.path)


class _Source(msgspec.Struct, gc=False):
    registry: str = ""
    git: str = ""
    url: str = ""
    path: str = ""
    directory: str = ""
    editable: str = ""
    virtual: str = ""


class _Package(msgspec.Struct, rename="kebab"):
    name: str
    version: str = ""
    source: _Source = msgspec.field(default_factory=_Source)
    dependencies: tuple[_Requirement, ...] = ()
    optional_dependencies: dict[str, tuple[_Requirement, ...]] = {}
    dev_dependencies: dict[str, tuple[_Requirement, ...]] = {}
    sdist: _File | None = None
    wheels: tuple[_File, ...] = ()

    def requirements(self) -> Iterable[_Requirement]:
        """Return all requirements, including those of all extras and groups."""
        return chain(
            self.dependencies, *self.optional_dependencies.values(), *self.dev_dependencies.values()
        )


class _Manifest(msgspec.Struct, rename="kebab"):
    members: tuple[str, ...] = ()
    requirements: tuple[_Requirement, ...] = ()
    dependency_groups: dict[str, tuple[_Requirement, ...]] = {}


class _Document(msgspec.Struct):
    manifest: _Manifest = msgspec.field(default_factory=_Manifest)
    package: tuple[_Package, ...] = ()


def recognises(text: str) -> bool:
    """Return whether a text starts like a uv.lock; a Cargo.lock is similar but has no Python."""
    return HEAD.match(text) is not None


def read(name: str, text: str) -> Lock:
    """Read a uv.lock.

    The project and the members of its workspace are packages too, some without a version.
    """
    data = load_toml(name, text)
    version, revision = data.get("version"), data.get("revision")
    if version != VERSION:
        raise unsupported_version(name, "uv.lock", version, str(VERSION))
    document = convert(name, text, data, _Document)
    index = most_common_index(package.source.registry for package in document.package)
    direct, extras = _direct_requirements(document), _requested_extras(document)
    packages = tuple(_read_package(package, index, direct, extras) for package in document.package)
    notes = [
        _truncation_note(document),
        *(foreign_file_note(package.name, package.version, package.files) for package in packages),
    ]
    return Lock(
        name=name,
        format=f"uv.lock {version}.{revision}" if revision else f"uv.lock {version}",
        packages={Scope(): packages},
        facts=index_facts(without_credentials(index)),
        notes=tuple(filter(None, notes)),
    )


def _direct_requirements(document: _Document) -> NameGroups | None:
    """Return the requirements of the project and the members of its workspace.

    None if the lock has neither a project nor requirements, as that of a script without any.
    """
    # A lock without a workspace has no list of members, only the project at the path ".".
    members = set(document.manifest.members) or {
        package.name
        for package in document.package
        if "." in {package.source.editable, package.source.virtual}
    }
    direct: dict[str, set[str]] = {}
    for group, requirement in _grouped_requirements(document, members):
        groups = direct.setdefault(normalise(requirement.name), set())
        if group:
            groups.add(group)
    return direct if members or direct else None


def _grouped_requirements(
    document: _Document, members: set[str]
) -> Iterator[tuple[str, _Requirement]]:
    """Yield direct requirements, each with its extra or dependency group, "" for none."""
    manifest = document.manifest
    yield from _with_group({"": manifest.requirements})
    yield from _with_group(manifest.dependency_groups)
    for package in document.package:
        if package.name in members:
            yield from _with_group({"": package.dependencies})
            yield from _with_group(package.optional_dependencies)
            yield from _with_group(package.dev_dependencies)


def _with_group(
    groups: Mapping[str, tuple[_Requirement, ...]],
) -> Iterator[tuple[str, _Requirement]]:
    for group, requirements in groups.items():
        for requirement in requirements:
            yield group, requirement


def _requested_extras(document: _Document) -> NameGroups:
    """Return the extras that any requirement in the lock requests, by name."""
    extras: dict[str, set[str]] = {}
    of_packages = (package.requirements() for package in document.package)
    for requirement in chain(document.manifest.requirements, *of_packages):
        if requirement.extra:
            extras.setdefault(requirement.name, set()).update(requirement.extra)
    return extras


def _read_package(
    package: _Package, index: str, direct: NameGroups | None, extras: NameGroups
) -> PackageEntry:
    name = normalise(package.name)
    source, commit = _source(package.source, index)
    sdists = [file for file in (package.sdist,) if file]
    return PackageEntry(
        manager="pip",
        name=name,
        version=package.version,
        build=commit,
        source=source,
        files=tuple(map(_package_file, (*package.wheels, *sdists))),
        size=download_size(
            ((wheel.name, wheel.size) for wheel in package.wheels),
            ((sdist.name, sdist.size) for sdist in sdists),
        ),
        requires=_requires(package, extras.get(package.name, set())),
        direct=None if direct is None else name in direct,
        groups=_groups(name, direct or {}),
    )


def _groups(name: str, direct: NameGroups) -> tuple[str, ...]:
    return tuple(sorted(direct.get(name, ())))


def _package_file(file: _File) -> PackageFile:
    return PackageFile(file.name, (file.hash,) if file.hash else (), folder_of(file.url))


def _source(source: _Source, index: str) -> tuple[str, str]:
    """Return the URL or path that a package comes from, "" for the main index; the git commit."""
    if source.git:
        repository, _, commit = source.git.partition("#")
        return without_credentials(repository.partition("?")[0]), commit
    if source.registry:
        return "" if source.registry == index else without_credentials(source.registry), ""
    path = source.url or source.path or source.directory or source.editable or source.virtual
    return without_credentials(path), ""


def _requires(package: _Package, extras: set[str]) -> tuple[str, ...]:
    of_extras = (package.optional_dependencies.get(extra, ()) for extra in extras)
    requirements = chain(package.dependencies, *of_extras)
    names = {normalise(requirement.name) for requirement in requirements}
    return tuple(sorted(names - {normalise(package.name)}))


def _truncation_note(document: _Document) -> str:
    """Return a note if a required package is missing.

    A lock contains all packages that it requires, and a file that ends after any table is valid
    TOML.
    """
    names = {package.name for package in document.package}
    for package in document.package:
        for requirement in package.requirements():
            if requirement.name not in names:
                return (
                    f"{package.name} needs {requirement.name}, which is not in the file: "
                    "its end may be missing"
                )
    return ""
