"""Sdists made from the commits of git repositories, with the same bytes on every machine."""

import tomllib
from datetime import datetime
from typing import NamedTuple

from packaging.utils import parse_sdist_filename

from resolvers import git
from resolvers.errors import ExpectedError
from resolvers.index.git_address import GitAddress, parse_source
from resolvers.index.tar_archive import files_in, pack
from resolvers.scratch import temporary_folder
from resolvers.types.options import TreeFile

METADATA = "PKG-INFO"
PROJECT = "pyproject.toml"


class Project(NamedTuple):
    """The name and the version that pyproject.toml states; "" for one that it does not."""

    name: str
    version: str


def sdist_name(name: str, version: str) -> str:
    """Return the file name of the sdist of a package."""
    return f"{name.replace('-', '_')}-{version}.tar.gz"


def sdist(files: tuple[TreeFile, ...], name: str, version: str) -> bytes:
    """Return the sdist of a package.

    Many packages take their version from the tags of their repository. These tools read it from
    PKG-INFO instead, so an sdist has this file unless its pyproject.toml states the version.
    """
    paths = {file.path for file in files}
    if version and METADATA not in paths and not stated_project(files).version:
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files = (*files, TreeFile(METADATA, text.encode()))
    folder = sdist_name(name, version).removesuffix(".tar.gz")
    return pack(files, folder)


def stated_project(files: tuple[TreeFile, ...]) -> Project:
    """Return what the pyproject.toml of a source tree states. Raises ExpectedError."""
    content = next((file.content for file in files if file.path == PROJECT), b"")
    return project_in(content.decode("utf-8", "replace"))


def project_in(text: str) -> Project:
    """Return what the text of a pyproject.toml states. Raises ExpectedError."""
    try:
        project = tomllib.loads(text).get("project", {})
    except (ValueError, RecursionError) as error:  # a TOMLDecodeError is a ValueError
        raise ExpectedError(f"{PROJECT} is not valid TOML: {error}") from error
    if not isinstance(project, dict):
        return Project("", "")
    return Project(str(project.get("name", "")), str(project.get("version", "")))


class Commit(NamedTuple):
    """A commit: its files below the folder of an address, its submodules there, and its time."""

    files: tuple[TreeFile, ...]
    submodules: tuple[str, ...]
    made: datetime


def read_commit(address: GitAddress) -> Commit:
    """Return the commit that ``ref`` of an address names. Raises ExpectedError."""
    with temporary_folder() as scratch:
        archive, repository = scratch / "tree.tar", scratch / "repository"
        repository.mkdir()
        git.write_archive(address.url, address.ref, archive, repository, address.folder)
        return Commit(
            files=files_in(archive),
            submodules=git.submodules(repository, address.ref, address.folder),
            made=git.commit_time(repository, address.ref),
        )


def sdist_of(source: str, file_name: str) -> bytes:
    """Make the sdist with this source and this file name again. Raises ExpectedError."""
    address = parse_source(source)
    if address is None:
        raise ExpectedError(f"'{source}' is not a source of git", "lock again")
    name, version = parse_sdist_filename(file_name)
    return sdist(read_commit(address).files, name, str(version))
