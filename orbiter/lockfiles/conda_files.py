"""What conda's lock files share: where a file comes from, and what its name says. Pure.

File names: https://docs.conda.io/projects/conda-build/en/latest/resources/package-spec.html#package-naming-conventions.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from orbiter.lockfiles.document import DAMAGED, address
from orbiter.lockfiles.pip_files import file_name
from resolvers.errors import ExpectedError

ENDINGS = (".conda", ".tar.bz2")
HASHES = {"md5": re.compile("[0-9a-f]{32}"), "sha256": re.compile("[0-9a-f]{64}")}
TOKEN = re.compile(r"/t/[^/]+(?=/)")
"""How anaconda.org's tokens stand in an address."""
STORED = re.compile(r"/packages/(?:[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}|[\w.]+/\w/[\w.-]+)$")
"""How Python's public index, and all its mirrors, store files below their own path."""
COMMIT = re.compile(r"[0-9a-f]{7,40}")
PLACES = 4096
"""Folders of channels that are remembered; a lock has some ten."""


class Origin(NamedTuple):
    """What the address of a conda file tells. ``channel`` is its path without the host, ``subdir`` is ``noarch``…"""

    file: str
    channel: str
    subdir: str


class Parts(NamedTuple):
    """What a conda file's name tells."""

    name: str
    version: str
    build: str


def origin(url: str) -> Origin:
    """Where a conda file lies: ``https://HOST/conda-forge/linux-64/bzip2-1.0.8-h4bc722e_7.conda``."""
    folder, _, file = url.partition("#")[0].rpartition("/")
    return Origin(unquote(file) if "%" in file else file, *_folder(folder))


@lru_cache(PLACES)
def _folder(folder: str) -> tuple[str, str]:
    channel, _, subdir = folder.rpartition("/")
    return channel_path(channel), subdir


def channel_path(channel: str) -> str:
    """A channel without host and token, so that all its mirrors are one; a local folder stays as it is."""
    scheme, separator, rest = channel.partition("://")
    if not separator or scheme == "file":
        return channel
    return TOKEN.sub("", f"/{rest.partition('/')[2]}").strip("/")


def channels(listed: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """The facts of a lock by its channels in their order of priority."""
    found = shown(listed)
    return {"channels": {"in order": found}} if found else {}


def shown(addresses: Iterable[str]) -> str:
    """Addresses in one line, without secrets."""
    return ", ".join(TOKEN.sub("", address(each)) for each in addresses)


def is_package(file: str) -> bool:
    """Whether a file's name is that of a conda package."""
    return file.endswith(ENDINGS) and file.count("-") > 1


def parts(file: str) -> Parts:
    """Name, version and build of a conda file, which ``is_package``."""
    stem = file[:-6] if file.endswith(".conda") else file[:-8]
    return Parts(*stem.rsplit("-", 2))


def build_of(file: str, name: str, version: str) -> tuple[str, str]:
    """The build of a package by its file's name, and a note where that is the file of another package or version."""
    head = f"{name}-{version}-"
    if file.startswith(head) and "-" not in (
        build := file[len(head) : -6 if file.endswith(".conda") else -8]
    ):
        return build, ""
    found = parts(file)
    if found.name.lower() == name.lower() and _numbers(found.version) == _numbers(version):
        return found.build, ""
    return found.build, f"{name} {version} lists the file {file}, which is not its own"


def _numbers(version: str) -> list[str]:
    """A version by its parts, as some tools write 3.000 as 3.0."""
    found = [part.lstrip("0") or "0" for part in re.findall(r"[0-9]+|[a-z]+|\+|!", version.lower())]
    while found and found[-1] == "0":
        found.pop()
    return found


def check_hashes(where: str, told: Mapping[str, str]) -> None:
    """Refuse an md5 or sha256 that is none, as where a file was cut off. ``where`` begins the message."""
    for kind, value in told.items():
        if value and not HASHES[kind].fullmatch(value):
            raise ExpectedError(f"{where}: '{value}' is no {kind}", DAMAGED)


def hashes(md5: str, sha256: str) -> tuple[str, ...]:
    """The hashes of a file; "" for one that is not told."""
    if md5:
        return (f"md5:{md5}", f"sha256:{sha256}") if sha256 else (f"md5:{md5}",)
    return (f"sha256:{sha256}",) if sha256 else ()


class PipOrigin(NamedTuple):
    """Where a file of a Python package comes from: its name ("" for none), its source, and a commit of git or ""."""

    file: str
    source: str
    commit: str


def pip_origin(url: str) -> PipOrigin:
    """Tell it by the address. The source is "" for the public index and its mirrors, whose hosts are configuration."""
    url = url.removeprefix("direct+")
    if url.startswith("git+"):
        return _git(url)
    file = file_name(url)
    if not file.endswith((".whl", ".zip", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")):
        return PipOrigin("", local(url), "")
    scheme, separator, rest = (
        url.partition("#")[0].partition("?")[0].rpartition("/")[0].partition("://")
    )
    if not separator:
        return PipOrigin(file, local(scheme), "")
    host, _, path = rest.partition("/")
    if stored := STORED.search(f"/{path}"):
        return PipOrigin(file, f"/{path}"[: stored.start()].strip("/"), "")
    return PipOrigin(file, address(f"{scheme}://{rest}") if host or scheme == "file" else "", "")


def _git(url: str) -> PipOrigin:
    """``git+https://HOST/PATH@REF``, where pixi writes ``?rev=REF#COMMIT``; a branch or tag stays in the source."""
    repository, _, fragment = url.partition("#")
    path, _, reference = repository.partition("?")[0].rpartition("@")
    if not path or "/" in reference:  # that @ is behind a user's name
        path, reference = repository.partition("?")[0], ""
    for commit in (fragment.partition("&")[0], reference):
        if COMMIT.fullmatch(commit):
            return PipOrigin("", address(path), commit)
    return PipOrigin("", f"{address(path)}@{reference}" if reference else address(path), "")


def local(path: str) -> str:
    """A path in one spelling, as ``./`` and ``.`` are the same; an address without secrets."""
    return address(path) if "://" in path else posixpath.normpath(path)
