"""The tarball of an npm package in a git repository, with the same bytes on every machine.

npm would run ``prepare`` and other scripts of the package to make one, and its bytes would depend
on npm's version. This tarball has the files of the commit as they are. It is not compressed,
because compressed bytes depend on the version of zlib.
"""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path, PurePosixPath

from resolvers import git
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.npm.address import GitAddress
from resolvers.scratch import temporary_folder
from resolvers.types.tar_entry import CheckedTarInfo

MTIME = 499162500
"""26 October 1985, as in the tarballs that npm itself makes; in seconds."""
PREPARE = ("prepare", "prepack", "build")
"""Scripts that make files which a repository does not have (``npm help scripts``)."""
CHUNK = 1 << 20


def write_tarball(address: GitAddress, path: Path) -> None:
    """Write the tarball of a commit. Raises ExpectedError if git cannot read it."""
    with temporary_folder() as folder:
        archive, repository = folder / "archive.tar", folder / "repository"
        repository.mkdir()
        git.write_archive(address.repository, address.reference, archive, repository)
        with (
            tarfile.open(archive, tarinfo=CheckedTarInfo) as source,
            tarfile.open(path, "w", format=FORMAT) as target,
        ):
            for member in _files(source):
                target.addfile(_normal(member), source.extractfile(member))
    if not package_json(path):
        raise ExpectedError(
            f"{address} has no package.json in its top folder",
            "name another repository or another commit",
        )


FORMAT = tarfile.GNU_FORMAT


def _files(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the files in order of their paths; npm ignores links and everything else."""
    files = [member for member in archive.getmembers() if member.isfile()]
    for member in files:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise ExpectedError(f"the git archive has an invalid path: {member.name!r}")
    yield from sorted(files, key=lambda member: member.name)


def _normal(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return the entry of a file without the user and the time."""
    normal = tarfile.TarInfo(f"package/{member.name}")
    normal.size = member.size
    normal.mtime = MTIME
    normal.mode = 0o755 if member.mode & 0o100 else 0o644
    return normal


def package_json(path: Path) -> Mapping[str, object]:
    """Return the package.json in a tarball that ``write_tarball`` wrote; empty if it has none."""
    with tarfile.open(path, tarinfo=CheckedTarInfo) as tarball:
        try:
            file = tarball.extractfile("package/package.json")
            content = json.load(io.TextIOWrapper(file, "utf-8")) if file else {}
        except (KeyError, ValueError, RecursionError):
            return {}
    return content if isinstance(content, dict) else {}


def scripts_not_run(path: Path) -> tuple[str, ...]:
    """Return the scripts of a tarball's package that would prepare its files."""
    scripts = package_json(path).get("scripts")
    return tuple(name for name in PREPARE if isinstance(scripts, dict) and name in scripts)


@contextmanager
def open_tarball(address: GitAddress, _headers: Mapping[str, str]) -> Iterator[http.Stream]:
    """Stream the tarball of a commit, made anew; ranges are ignored."""
    with temporary_folder() as folder:
        path = folder / "package.tar"
        write_tarball(address, path)
        with path.open("rb") as file:
            length = {"content-length": str(path.stat().st_size)}
            chunks = iter(lambda: file.read(CHUNK), b"")
            yield http.Stream(HTTPStatus.OK, str(address), length, chunks)
