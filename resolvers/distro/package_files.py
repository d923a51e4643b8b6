"""Packages that images.toml names by the address of their file, for apk and apt. Pure."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec.structs import replace

from resolvers.errors import ExpectedError
from resolvers.types.options import SystemPackageFile
from resolvers.types.request import Group


class ReadFile(Protocol):
    """A package file whose metadata has been read."""

    @property
    def file(self) -> SystemPackageFile:
        """The file as images.toml names it."""

    @property
    def name(self) -> str:
        """Name of the package."""

    @property
    def version(self) -> str:
        """Version of the package."""


def versions_of(files: Iterable[ReadFile], manager: str) -> dict[str, str]:
    """Return the versions by name. Raises ExpectedError if a package has two files."""
    first: dict[str, ReadFile] = {}
    for each in files:
        other = first.setdefault(each.name, each).file
        if other.url != each.file.url:
            problem = f"{manager}: {each.name} comes from {other.url} in {other.group},"
            problem += f" but from {each.file.url} in {each.file.group}"
            hint = "use one file of a package in all stages of a builder"
            raise ExpectedError(problem, hint)
    return {name: each.version for name, each in first.items()}


def with_files(groups: tuple[Group, ...], files: Iterable[ReadFile]) -> tuple[Group, ...]:
    """Return the groups with a requirement for exactly the version of each file."""
    own: dict[str, tuple[str, ...]] = {}
    for each in files:
        group = each.file.group
        own[group] = (*own.get(group, ()), f"{each.name}={each.version}")
    return tuple(
        replace(group, requirements=(*group.requirements, *own.get(group.name, ())))
        for group in groups
    )


def check_architecture(
    file: SystemPackageFile,
    architecture: str,
    independent: str,
    names: Mapping[str, str],
    manager: str,
) -> None:
    """Check that a package is for the platform of its file.

    ``independent`` is the architecture of packages for all platforms, and ``names`` has those of
    the platforms. Raises ExpectedError.
    """
    expected = names.get(file.platform, "")
    if architecture not in {independent, expected}:
        problem = f"{manager}: {file.url} is for the architecture {architecture!a},"
        problem += f" not for {file.platform}"
        hint = f"name the file for {expected} in platforms of the download"
        raise ExpectedError(problem, hint)


def in_index_too(file: ReadFile, manager: str) -> ExpectedError:
    """Return the error for a file whose package and version the index has as well."""
    return ExpectedError(
        f"{manager}: the index has {file.name} in the version of {file.file.url} too",
        f"remove the download and list the package under {manager}, or use another version",
    )
