"""URLs, file names and hashes of packages, shared by the lock formats of conda.

File names: https://docs.conda.io/projects/conda-build/en/latest/resources/package-spec.html#package-naming-conventions.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from orbiter.lockfiles.document import DAMAGED, without_credentials
from orbiter.lockfiles.origins import INDEX_PATH, folder_of, origin_of
from orbiter.lockfiles.pip_files import file_name
from orbiter.lockfiles.types import EntryFault
from resolvers.errors import ExpectedError

SUFFIXES = (".conda", ".tar.bz2")
HASHES = {"md5": re.compile("[0-9a-f]{32}"), "sha256": re.compile("[0-9a-f]{64}")}

TOKEN = re.compile(r"/t/[^/]+(?=/)")
"""Access token of anaconda.org in a URL."""

COMMIT = re.compile(r"[0-9a-f]{7,40}")

PIP_SUFFIXES = (".whl", ".zip", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")

CACHED_FOLDERS = 4096
"""Cached channel folders; a lock has about ten."""


class CondaUrl(NamedTuple):
    """The components of a conda package's URL.

    ``channel`` is the path without the host; ``subdir`` is ``noarch`` or a platform; ``origin`` is
    the folder of the channel with its host.
    """

    file: str
    channel: str
    subdir: str
    origin: str


class CondaFileName(NamedTuple):
    """The components of a conda package's file name."""

    name: str
    version: str
    build: str


class PipSource(NamedTuple):
    """The file of a Python package, its source, and its git commit; each may be "".

    The source of the public index and of its mirrors is "": their hosts depend on the machine.
    """

    file: str
    source: str
    commit: str
    origin: str = ""


def parse_conda_url(url: str) -> CondaUrl:
    """Split a URL: ``https://HOST/conda-forge/linux-64/bzip2-1.0.8-h4bc722e_7.conda``."""
    folder, _, file = url.partition("#")[0].rpartition("/")
    channel, subdir, origin = _parse_folder(folder)
    return CondaUrl(unquote(file) if "%" in file else file, channel, subdir, origin)


@lru_cache(CACHED_FOLDERS)
def _parse_folder(folder: str) -> tuple[str, str, str]:
    channel, _, subdir = folder.rpartition("/")
    host, path = origin_of(channel), channel_path(channel)
    return path, subdir, f"{host}/{path}" if host else ""


def channel_path(channel: str) -> str:
    """Return a channel without host and token, so that all mirrors of a channel are equal.

    A local folder is returned unchanged.
    """
    scheme, separator, rest = channel.partition("://")
    if not separator or scheme == "file":
        return channel
    return TOKEN.sub("", f"/{rest.partition('/')[2]}").strip("/")


def channel_facts(channels: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Return the facts of a lock about its channels, given in order of priority."""
    formatted = format_urls(channels)
    return {"channels": {"in order": formatted}} if formatted else {}


def format_urls(urls: Iterable[str]) -> str:
    """Join URLs in one line, without credentials and tokens."""
    return ", ".join(TOKEN.sub("", without_credentials(url)) for url in urls)


def is_conda_file(file: str) -> bool:
    """Return whether a file name is that of a conda package."""
    return file.endswith(SUFFIXES) and file.count("-") > 1


def parse_file_name(file: str) -> CondaFileName:
    """Split the file name of a conda package."""
    return CondaFileName(*_stem(file).rsplit("-", 2))


def _stem(file: str) -> str:
    suffix = ".conda" if file.endswith(".conda") else ".tar.bz2"
    return file[: -len(suffix)]


def build_from_file(file: str, name: str, version: str) -> tuple[str, str]:
    """Return the build in a package's file name, and a note.

    The note is "" unless the file belongs to another package or version.
    """
    prefix = f"{name}-{version}-"
    build = _stem(file)[len(prefix) :]
    if file.startswith(prefix) and "-" not in build:
        return build, ""
    parsed = parse_file_name(file)
    is_same_name = parsed.name.lower() == name.lower()
    if is_same_name and _components(parsed.version) == _components(version):
        return parsed.build, ""
    fault = EntryFault(f"{name} {version} lists the file {file}, which is not its own")
    return parsed.build, fault


def _components(version: str) -> list[str]:
    """Return the components of a version without trailing zeros: some tools shorten 3.000."""
    runs = re.findall(r"[0-9]+|[a-z]+|\+|!", version.lower())
    components = [run.lstrip("0") or "0" for run in runs]
    while components and components[-1] == "0":
        components.pop()
    return components


def check_hashes(where: str, hashes: Mapping[str, str]) -> None:
    """Raise ExpectedError if an md5 or sha256 is malformed, for example cut off.

    ``where`` is the start of the message.
    """
    for algorithm, value in hashes.items():
        if value and not HASHES[algorithm].fullmatch(value):
            raise ExpectedError(f"{where}: '{value}' is not a valid {algorithm}", DAMAGED)


def format_hashes(md5: str, sha256: str) -> tuple[str, ...]:
    """Return the hashes of a file as ``algorithm:hex``, given "" for a missing one."""
    # Written out, because it runs for every package of a lock.
    if md5 and sha256:
        return f"md5:{md5}", f"sha256:{sha256}"
    if md5:
        return (f"md5:{md5}",)
    return (f"sha256:{sha256}",) if sha256 else ()


def parse_pip_url(url: str) -> PipSource:
    """Return the file, source and commit in the URL of a Python package."""
    url = url.removeprefix("direct+")
    if url.startswith("git+"):
        return _parse_git_url(url)
    file = file_name(url)
    if not file.endswith(PIP_SUFFIXES):
        return PipSource("", normalise_path(url), "")
    folder = url.partition("#")[0].partition("?")[0].rpartition("/")[0]
    scheme, separator, rest = folder.partition("://")
    if not separator:
        return PipSource(file, normalise_path(folder), "")
    host, _, path = rest.partition("/")
    if in_index := INDEX_PATH.search(f"/{path}"):
        index = f"/{path}"[: in_index.start()].strip("/")
        return PipSource(file, index, "", folder_of(url))
    is_address = host or scheme == "file"
    source = without_credentials(folder) if is_address else ""
    return PipSource(file, source, "", folder_of(url))


def _parse_git_url(url: str) -> PipSource:
    """Split ``git+https://HOST/PATH@REF``; pixi writes ``?rev=REF#COMMIT`` instead of ``@REF``.

    A branch or tag remains part of the source.
    """
    repository, _, fragment = url.partition("#")
    address = repository.partition("?")[0]
    path, _, reference = address.rpartition("@")
    if not path or "/" in reference:  # the @ follows a user name, so there is no reference
        path, reference = address, ""
    for commit in (fragment.partition("&")[0], reference):
        if COMMIT.fullmatch(commit):
            return PipSource("", without_credentials(path), commit)
    suffix = f"@{reference}" if reference else ""
    return PipSource("", without_credentials(path) + suffix, "")


def normalise_path(path: str) -> str:
    """Return the normal form of a path (``./a`` is ``a``), or a URL without credentials."""
    return without_credentials(path) if "://" in path else posixpath.normpath(path)
