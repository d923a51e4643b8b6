"""Exports of OSV databases on this machine: zip files and folders of JSON records.

osv.dev publishes one ``<ecosystem>/all.zip`` per ecosystem. A folder may contain several of them,
unpacked or not. The name of the folder or of the zip file is the ecosystem, and files elsewhere do
not count. If no file has such a name, the ecosystems are those of the records.
"""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from orbiter.advisories.ecosystems import ORDERS, base_of
from resolvers.errors import ExpectedError

MAX_RECORD = 32 * 1024 * 1024
"""Largest record in bytes; a longer one cannot be an advisory."""
MAX_EXPORT = 32 * 1024**3
"""Largest size of an unpacked export in bytes."""
NO_DATA = "name a folder with <ecosystem>/all.zip, as osv.dev publishes them"
DAMAGED = "download this export again; it is incomplete or damaged"


class ExportFile(msgspec.Struct, frozen=True, order=True):
    """A zip file or a JSON record of an export; ``ecosystem`` is "" if no name says it."""

    path: Path
    ecosystem: str = ""

    @property
    def is_zip(self) -> bool:
        """Return whether the file contains several records."""
        return self.path.suffix == ".zip"


def find_files(place: Path) -> tuple[ExportFile, ...]:
    """Return the files of an export, sorted by path; a place is a zip file or a folder.

    Raises ExpectedError if there are none.
    """
    if place.is_file():
        paths = [place]
    elif place.is_dir():
        paths = sorted(
            Path(folder, name)
            for folder, _, names in os.walk(place, onerror=_fail)
            for name in names
            if name.endswith((".zip", ".json"))
        )
    else:
        raise ExpectedError(f"no vulnerability database in {place}: it does not exist", NO_DATA)
    if not paths:
        raise ExpectedError(f"no vulnerability database in {place}: it has no records", NO_DATA)
    files = [ExportFile(path, _ecosystem_in(path, place)) for path in paths]
    return tuple([file for file in files if file.ecosystem] or files)


@contextmanager
def readable() -> Iterator[None]:
    """Turn the error of a file that cannot be read into an ExpectedError."""
    try:
        yield
    except OSError as error:
        raise ExpectedError(
            f"cannot read the vulnerability database: {error.filename}: {error.strerror}",
            "make its files readable",
        ) from error


def _fail(error: OSError) -> None:
    raise error


def stamp(files: tuple[ExportFile, ...]) -> str:
    """Return a text that changes if a file changes, without reading the files."""
    states = ((str(file.path), file.path.stat()) for file in files)
    lines = [
        (path, state.st_size, state.st_ino, state.st_mtime_ns, state.st_ctime_ns)
        for path, state in states
    ]
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def digest_of(files: tuple[ExportFile, ...], place: Path) -> str:
    """Return ``sha256:<hex>`` of all files and their paths within the place."""
    total = hashlib.sha256()
    for file in files:
        with file.path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        name = file.path.name if file.path == place else file.path.relative_to(place).as_posix()
        total.update(f"{content}  {name}\n".encode("utf-8", "surrogateescape"))
    return f"sha256:{total.hexdigest()}"


def read_records(file: ExportFile) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the text of each record in a file.

    Raises ExpectedError if the file is damaged or has no records.
    """
    if file.is_zip:
        yield from _read_zip(file.path)
        return
    if file.path.stat().st_size > MAX_RECORD:
        raise _too_large(str(file.path))
    yield str(file.path), file.path.read_bytes()


def _read_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".json")]
            if sum(entry.file_size for entry in entries) > MAX_EXPORT:
                raise _too_large(str(path))
            for entry in entries:
                yield f"{path}: {entry.filename}", _read_entry(archive, entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ExpectedError(f"{path} is not a complete zip file: {error}", DAMAGED) from error
    if not entries:
        raise ExpectedError(f"{path} contains no records", NO_DATA)


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > MAX_RECORD:
        raise _too_large(entry.filename)
    return archive.read(entry)


def _too_large(name: str) -> ExpectedError:
    return ExpectedError(f"{name} is too large for a vulnerability database", DAMAGED)


def _ecosystem_in(path: Path, place: Path) -> str:
    """Return the ecosystem that a folder or a zip file is named after, "" for none.

    Folders above the export do not count.
    """
    above = place.name if place.is_dir() else place.parent.name
    names = path.relative_to(place).parts[:-1] if place.is_dir() else ()
    stem = path.stem if path.suffix == ".zip" else ""
    candidates = (stem, stem.removesuffix("-all"), *reversed(names), above)
    return next((name for name in candidates if base_of(name) in ORDERS), "")
