"""What all lock files of Python packages share: names, files, and files that do not fit what they stand under. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from orbiter.lockfiles.types import PackageFile

SDISTS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz", ".tar")


def normal(name: str) -> str:
    """A project's name as PEP 503 normalises it."""
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def file_name(url: str) -> str:
    """The last part of a URL or path, without fragment and query."""
    return unquote(url.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2])


def project(file: str) -> tuple[str, str]:
    """Name (normalised) and version of a wheel or an sdist by its file name; ("", "") for any other file."""
    if file.endswith(".whl"):
        name, _, rest = file.partition("-")
        return normal(name), rest.partition("-")[0]
    for ending in SDISTS:
        if file.endswith(ending):
            name, _, version = file.removesuffix(ending).rpartition("-")
            return normal(name), version
    return "", ""


def only_size(wheels: Iterable[tuple[str, int]], sdists: Iterable[tuple[str, int]]) -> int:
    """The size of the one file that every machine downloads; 0 where machines differ, or where it is not told.

    Files are given as name and size: one wheel for all, or one sdist and no wheel.
    """
    offered = list(wheels) or list(sdists)
    if len(offered) != 1:
        return 0
    ((name, size),) = offered
    return size if name.endswith("-none-any.whl") or not name.endswith(".whl") else 0


def strangers(name: str, version: str, files: Iterable[PackageFile]) -> str:
    """What to tell of a package one of whose files is another project's or version's; "" where all fit.

    That is what a merge leaves behind that took one line from each side.
    """
    for file in files:
        if version in file.name and file.name.partition("-")[0] == name:
            continue
        found, other = project(file.name)
        if found and (found != name or (other and not _same(version, other))):
            return f"{name} {version} lists the file {file.name}, which is not its own"
    return ""


def _same(version: str, other: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) == Version(other.replace("_", "+", 1))
    except InvalidVersion:
        return True  # an old file name: what follows its last dash need not be a version


def main_index(indexes: Iterable[str]) -> str:
    """The index that most packages come from: which one that is, is configuration of the machine that locked."""
    found = Counter(index for index in indexes if index)
    return found.most_common(1)[0][0] if found else ""


def index_facts(index: str) -> Mapping[str, Mapping[str, str]]:
    """The facts of a lock by its main index, so that it is told once when all packages move to another one."""
    return {"index": {"of most packages": index}} if index else {}
