"""One file on its way into the store: locked, resumable, every byte hashed."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from orbiter.files import try_lock
from resolvers.errors import ExpectedError
from resolvers.net import http

if TYPE_CHECKING:
    from hashlib import _Hash

CHUNK = 1 << 20
"""Bytes that are hashed at once; large enough for several threads to hash side by side."""
LOCK_PAUSE = 0.1
"""Seconds between two looks at a part file that another Orbiter is filling."""
RANGE_NOT_SATISFIABLE = 416

Open = Callable[[Mapping[str, str]], AbstractContextManager[http.Stream]]
"""Opens a file where it comes from; the headers may ask for a range."""
Progress = Callable[[int, int], None]
"""Takes the bytes of a file that are here and those it has in all (0 for unknown); may raise to stop."""


class WrongBytesError(ExpectedError):
    """A file whose bytes are not those that the lock set names."""


@contextmanager
def part_of(target: Path, progress: Progress) -> Iterator[BinaryIO]:
    """The part file of ``target``, locked; an earlier try's bytes are in it, and writing appends to them."""
    path = target.with_name(f"{target.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _locked(path, progress)
    try:
        yield file
    except WrongBytesError:
        file.truncate(0)
        raise
    finally:
        file.flush()
        if _is(file, path) and (length(file) == 0 or target.exists()):
            path.unlink()  # nobody else can have replaced it: that takes the lock
        file.close()


def _locked(path: Path, progress: Progress) -> BinaryIO:
    while True:
        file = path.open("a+b")
        if not try_lock(file.fileno()):
            file.close()
            progress(0, 0)  # waiting must be possible to interrupt
            time.sleep(LOCK_PAUSE)
            continue
        if _is(file, path):
            return file
        file.close()  # it was renamed or removed between opening and locking


def _is(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def length(file: BinaryIO) -> int:
    """The bytes of a part file."""
    file.flush()
    return os.fstat(file.fileno()).st_size


def finish(part: BinaryIO, target: Path) -> None:
    """Give a verified part file its name."""
    # No fsync: what a power cut leaves half-written is found by `verify`, which reads every byte.
    part.flush()
    Path(part.name).replace(target)
    os.fchmod(
        part.fileno(), 0o444
    )  # after the renaming, so that no run that was killed leaves a part read-only


def fill(part: BinaryIO, digest: str, size: int, source: Open, progress: Progress) -> str:
    """Fetch what the part lacks, for as long as every try brings something; give the hash of it all.

    Raises HTTPError when ``source`` fails; what came until then stays, for the next time.
    """
    while True:
        hasher, before = _hashed(part, digest), length(part)
        if before and spelled(hasher) == digest:
            return digest
        try:
            return _fetch_rest(part, hasher, size, source, progress)
        except http.HTTPError as error:
            if error.status == RANGE_NOT_SATISFIABLE and before:
                part.truncate(0)
            elif not error.temporary or length(part) <= before:
                raise


def _fetch_rest(
    part: BinaryIO, hasher: "_Hash", size: int, source: Open, progress: Progress
) -> str:
    done = length(part)
    with source({"range": f"bytes={done}-"} if done else {}) as stream:
        if done and not stream.headers.get("content-range", "").startswith(f"bytes {done}-"):
            part.truncate(0)  # the whole file comes, not what was asked for
            hasher, done = hashlib.new(hasher.name), 0
        total = size or done + int(stream.headers.get("content-length", 0))
        for chunk in stream.chunks:
            part.write(chunk)
            hasher.update(chunk)
            done += len(chunk)
            progress(done, total)
            if size and done > size:
                break
    return spelled(hasher)


def _hashed(part: BinaryIO, digest: str) -> "_Hash":
    part.seek(0)
    hasher = hashlib.new(digest.partition(":")[0])
    while chunk := part.read(CHUNK):
        hasher.update(chunk)
    return hasher


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, in pieces."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def spelled(hasher: "_Hash") -> str:
    """A hash as locks write it: ``sha256:<hex>``."""
    return f"{hasher.name}:{hasher.hexdigest()}"
