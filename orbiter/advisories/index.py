"""The index of a vulnerability database: made once in the cache, then read by package.

The index is an SQLite file. It is made again if a file of the database changes.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from orbiter.advisories.ecosystems import base_of
from orbiter.advisories.exports import (
    ExportFile,
    digest_of,
    find_files,
    read_records,
    readable,
    stamp,
)
from orbiter.advisories.groups import group_names
from orbiter.advisories.records import AdvisedPackage, Record, advised_packages, parse_record
from resolvers import cache
from resolvers.errors import DiskError, ExpectedError
from resolvers.scratch import locked, scratch_folder

FORMAT = 1
"""Version of the index; another one is made again."""
STEP = 10_000
"""Records between two lines of progress."""
TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE advised (id TEXT, ecosystem TEXT, name TEXT, content BLOB);
CREATE TABLE advisory (id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
CREATE TABLE database (content BLOB);
"""
QUERY = """
SELECT advisory.name, content FROM advised JOIN advisory USING (id)
WHERE ecosystem = ? AND advised.name = ? ORDER BY advised.id, advised.rowid
"""
EXISTS = "SELECT 1 FROM advised WHERE ecosystem = ? AND id GLOB ? LIMIT 1"

Progress = Callable[[str], None]


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """The provenance of an answer.

    ``digest`` is that of all files. ``newest`` is the time of the last change of a record; times
    in the future do not count, because some records have a wrong year. ``records`` counts the
    records by ecosystem, with those that are ``withdrawn``.
    """

    digest: str
    newest: str
    records: Mapping[str, int]
    withdrawn: int

    def covers(self, ecosystem: str) -> bool:
        """Return whether the database has the records of an ecosystem, such as ``Debian:13``."""
        return not self.records.keys().isdisjoint({ecosystem, base_of(ecosystem)})


class Index:
    """An open index; close it at the end."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            (content,) = self._connection.execute("SELECT content FROM database").fetchone()
            self._stamp, self.database = msgspec.msgpack.decode(content, type=tuple[str, Database])
        except BaseException:
            self._connection.close()
            raise

    def is_for(self, expected: str) -> bool:
        """Return whether the index was made from files with this stamp."""
        return self._stamp == expected

    def lookup(self, ecosystem: str, name: str) -> tuple[tuple[str, AdvisedPackage], ...]:
        """Return the records about a package, each with the name of its advisory."""
        rows = self._connection.execute(QUERY, (ecosystem, name))
        return tuple((group, _DECODER.decode(content)) for group, content in rows)

    def has_records(self, ecosystem: str, prefix: str) -> bool:
        """Return whether there are records about an ecosystem whose ids start with a prefix."""
        rows = self._connection.execute(EXISTS, (ecosystem, f"{prefix}*"))
        return rows.fetchone() is not None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


_DECODER = msgspec.msgpack.Decoder(AdvisedPackage)


def open_index(place: Path, progress: Progress = lambda _line: None) -> Index:
    """Open the index of the database in a zip file or folder, and make it if necessary.

    Raises ExpectedError if the database is missing, damaged or has another schema.
    """
    place = place.absolute()
    with readable():
        files = find_files(place)
        state = f"{FORMAT} {stamp(files)}"
    folder = cache.folder("advisories")
    path = folder / f"{hashlib.sha256(bytes(place)).hexdigest()[:32]}.sqlite"
    if index := _open_if_valid(path, state):
        return index
    with locked(folder):
        if index := _open_if_valid(path, state):
            return index
        with scratch_folder(folder, "new-", cache.CACHE_HINT) as scratch:
            new = scratch / path.name
            _make(new, state, files, place, progress)
            new.replace(path)
    return Index(path)


def _open_if_valid(path: Path, state: str) -> Index | None:
    if not path.exists():
        return None
    try:
        index = Index(path)
    except (sqlite3.Error, msgspec.DecodeError, TypeError):
        return None  # an incomplete file or another format
    if index.is_for(state):
        return index
    index.close()
    return None


class _Totals:
    """The sums over all records; a record that two exports contain counts in its newer version."""

    def __init__(self) -> None:
        self.modified: dict[str, str] = {}
        self.rows: dict[str, tuple[int, int]] = {}
        self.aliases: dict[str, tuple[str, ...]] = {}
        self.records: dict[str, int] = {}
        self.withdrawn: set[str] = set()

    def is_older(self, record: Record) -> bool:
        return record.modified <= self.modified.get(record.id, "")

    def add(self, record: Record) -> None:
        self.modified[record.id] = record.modified
        self.withdrawn.discard(record.id)
        self.aliases.pop(record.id, None)
        if record.withdrawn:
            self.withdrawn.add(record.id)
        else:
            self.aliases[record.id] = record.aliases or ()


def _make(
    path: Path, state: str, files: tuple[ExportFile, ...], place: Path, progress: Progress
) -> None:
    try:
        with closing(sqlite3.connect(path)) as connection, readable():
            connection.executescript(TABLES)
            totals = _store_all(connection, files, progress)
            names = group_names(totals.aliases)
            connection.executemany("INSERT INTO advisory VALUES (?, ?)", names.items())
            database = Database(
                digest=digest_of(files, place),
                newest=_newest(totals.modified.values()),
                records=dict(sorted(totals.records.items())),
                withdrawn=len(totals.withdrawn),
            )
            content = msgspec.msgpack.encode((state, database))
            connection.execute("INSERT INTO database VALUES (?)", (content,))
            connection.commit()
    except sqlite3.Error as error:
        message = f"cannot write the index of the vulnerability database: {error}"
        raise DiskError(message, cache.CACHE_HINT) from error


def _store_all(
    connection: sqlite3.Connection, files: tuple[ExportFile, ...], progress: Progress
) -> _Totals:
    totals = _Totals()
    for number, (file, record) in enumerate(_all_records(files), 1):
        for ecosystem in _counted_ecosystems(file, record):
            totals.records[ecosystem] = totals.records.get(ecosystem, 0) + 1
        if not totals.is_older(record):
            totals.add(record)
            _store(connection, totals, record)
        if number % STEP == 0:
            progress(f"{number:,} advisories indexed")
    connection.execute("CREATE INDEX by_package ON advised (ecosystem, name)")
    return totals


def _newest(times: Iterable[str]) -> str:
    now = datetime.now(UTC).isoformat()
    return max((time for time in times if time < now), default="")


def _all_records(files: tuple[ExportFile, ...]) -> Iterator[tuple[ExportFile, Record]]:
    for file in files:
        for name, content in read_records(file):
            yield file, parse_record(content, name)


def _counted_ecosystems(file: ExportFile, record: Record) -> set[str]:
    """Return the ecosystems that a record counts for."""
    if file.ecosystem:
        return {file.ecosystem}
    entries = record.affected or ()
    return {base_of(entry.package.ecosystem) for entry in entries if entry.package}


def _store(connection: sqlite3.Connection, totals: _Totals, record: Record) -> None:
    """Write the rows of a record in place of those of its older version."""
    if record.id in totals.rows:
        first, last = totals.rows.pop(record.id)
        connection.execute("DELETE FROM advised WHERE rowid BETWEEN ? AND ?", (first, last))
    if record.withdrawn:
        return
    rows = []
    for advised in advised_packages(record):
        row = (record.id, advised.ecosystem, advised.name, msgspec.msgpack.encode(advised))
        rows.append(connection.execute("INSERT INTO advised VALUES (?, ?, ?, ?)", row).lastrowid)
    if rows:
        totals.rows[record.id] = (rows[0] or 0, rows[-1] or 0)


def require_ecosystems(database: Database, ecosystems: set[str]) -> None:
    """Raise ExpectedError if the database has no records of an ecosystem."""
    missing = sorted(each for each in ecosystems if not database.covers(each))
    if missing:
        known = ", ".join(database.records) or "none"
        raise ExpectedError(
            f"the vulnerability database has no advisories for {', '.join(missing)} "
            f"(it has: {known})",
            "add the export of this ecosystem",
        )
