"""Names and files of Python packages, shared by all their lock formats."""

from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from orbiter.lockfiles.types import EntryFault, PackageFile

SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz", ".tar")


def normalise(name: str) -> str:
    """Return the name of a project in the normalised form of PEP 503."""
    # Locks have tens of thousands of names, and replacing is faster than a regular expression.
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def file_name(url: str) -> str:
    """Return the last component of a URL or path, without fragment and query."""
    path = url.partition("#")[0].partition("?")[0]
    return unquote(path.rstrip("/").rpartition("/")[2])


def parse_distribution(file: str) -> tuple[str, str]:
    """Return the normalised name and the version in the file name of a wheel or sdist.

    Both are "" for any other file.
    """
    if file.endswith(".whl"):
        name, _, rest = file.partition("-")
        return normalise(name), rest.partition("-")[0]
    for suffix in SDIST_SUFFIXES:
        if file.endswith(suffix):
            name, _, version = file.removesuffix(suffix).rpartition("-")
            return normalise(name), version
    return "", ""


def download_size(wheels: Iterable[tuple[str, int]], sdists: Iterable[tuple[str, int]]) -> int:
    """Return the size of the file that all machines download; 0 if they differ or it is unknown.

    Files are pairs of name and size. All machines download the same file if there is one wheel
    for any platform, or one sdist and no wheel.
    """
    offered = list(wheels) or list(sdists)
    if len(offered) != 1:
        return 0
    ((name, size),) = offered
    is_universal = name.endswith("-none-any.whl") or not name.endswith(".whl")
    return size if is_universal else 0


def foreign_file_note(name: str, version: str, files: Iterable[PackageFile]) -> str:
    """Return a note on a file that belongs to another project or version; "" if there is none.

    Such an entry results from a merge that took one line from each side.
    """
    for file in files:
        # Most files start with the name and contain the version, which is quick to check.
        if version in file.name and file.name.partition("-")[0] == name:
            continue
        file_project, file_version = parse_distribution(file.name)
        if file_project and (
            file_project != name or (file_version and not _is_same_version(version, file_version))
        ):
            return EntryFault(f"{name} {version} lists the file {file.name}, which is not its own")
    return ""


def _is_same_version(version: str, file_version: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) == Version(file_version.replace("_", "+", 1))
    except InvalidVersion:
        return True  # in old file names, the text after the last dash is not always a version


def most_common_index(indexes: Iterable[str]) -> str:
    """Return the index of most packages, which depends on the machine that wrote the lock."""
    counts = Counter(index for index in indexes if index)
    return counts.most_common(1)[0][0] if counts else ""


def index_facts(index: str) -> Mapping[str, Mapping[str, str]]:
    """Return the facts of a lock about its main index.

    With them, a move of all packages to another index is reported once.
    """
    return {"index": {"of most packages": index}} if index else {}
