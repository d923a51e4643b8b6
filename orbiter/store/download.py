"""The download of one file into the store: locked, resumable, and hashed as it arrives."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from orbiter.threads import raise_if_stopped
from resolvers.cache import CACHE_HINT
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.scratch import try_lock, writing_to

if TYPE_CHECKING:
    from hashlib import _Hash

CHUNK = 1 << 20
"""Bytes to hash at a time; large enough for several threads to hash concurrently."""
LOCK_PAUSE = 0.1
"""Seconds between two attempts to lock a part file that another process is writing."""

OpenSource = Callable[[Mapping[str, str]], AbstractContextManager[http.Stream]]
"""Opens a file at its source; the headers may request a range."""
ReportBytes = Callable[[int, int], None]
"""Receives the bytes of a file that have arrived and its size (0 if unknown); may raise to stop."""


class HashMismatchError(ExpectedError):
    """A file whose bytes differ from those that the lock set names."""


@contextmanager
def open_part(target: Path, progress: ReportBytes) -> Iterator[BinaryIO]:
    """Open and lock the part file of ``target``; writing appends to the bytes of earlier attempts.

    Calls ``progress`` while another process holds the lock, so that waiting can be interrupted.
    Raises DiskError if the disk is full or read-only.
    """
    with writing_to(target.parent, CACHE_HINT), _open_part(target, progress) as part:
        yield part


@contextmanager
def _open_part(target: Path, progress: ReportBytes) -> Iterator[BinaryIO]:
    path = target.with_name(f"{target.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _open_locked(path, progress)
    try:
        yield part
    except HashMismatchError:
        part.truncate(0)
        raise
    finally:
        part.flush()
        # Nobody else can have replaced the path in the meantime: that requires the lock.
        if _is_at(part, path) and (part_size(part) == 0 or target.exists()):
            path.unlink()
        part.close()


def _open_locked(path: Path, progress: ReportBytes) -> BinaryIO:
    while True:
        part = path.open("a+b")
        if not try_lock(part.fileno()):
            part.close()
            progress(0, 0)
            time.sleep(LOCK_PAUSE)
            continue
        if _is_at(part, path):
            return part
        part.close()  # it was renamed or removed between opening and locking


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Return whether an open file still has this path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def part_size(part: BinaryIO) -> int:
    """Return the size of a part file in bytes."""
    part.flush()
    return os.fstat(part.fileno()).st_size


def finish_part(part: BinaryIO, target: Path) -> None:
    """Rename a verified part file to ``target`` and make it read-only."""
    # No fsync: if a power cut truncates the file, Store.verify notices, since it reads every byte.
    part.flush()
    Path(part.name).replace(target)
    # After the renaming, so that a killed run never leaves a read-only part file behind.
    os.fchmod(part.fileno(), 0o444)


def download_rest(
    part: BinaryIO, digest: str, size: int, source: OpenSource, progress: ReportBytes
) -> str:
    """Append the missing bytes to a part file, and return the hash of the whole file.

    Repeats the request as long as each attempt adds bytes. Raises HTTPError if ``source`` fails;
    the bytes that arrived stay for the next attempt.
    """
    while True:
        hasher, size_before = _hash_part(part, digest), part_size(part)
        if size_before and format_hash(hasher) == digest:
            return digest
        try:
            return _append(part, hasher, size, source, progress)
        except http.HTTPError as error:
            if error.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and size_before:
                part.truncate(0)
            elif not error.temporary or part_size(part) <= size_before:
                raise


def _append(
    part: BinaryIO, hasher: "_Hash", size: int, source: OpenSource, progress: ReportBytes
) -> str:
    """Append the bytes of one request to a part file; return the hash of the whole file."""
    received = part_size(part)
    with source({"range": f"bytes={received}-"} if received else {}) as stream:
        content_range = stream.headers.get("content-range", "")
        if received and not content_range.startswith(f"bytes {received}-"):
            part.truncate(0)  # the source ignored the range and sends the whole file
            hasher, received = hashlib.new(hasher.name), 0
        total = size or received + int(stream.headers.get("content-length", 0))
        for chunk in stream.chunks:
            part.write(chunk)
            hasher.update(chunk)
            received += len(chunk)
            progress(received, total)
            if size and received > size:
                break  # the hash cannot match any more
    return format_hash(hasher)


def _hash_part(part: BinaryIO, digest: str) -> "_Hash":
    part.seek(0)
    hasher = hashlib.new(digest.partition(":")[0])
    while chunk := part.read(CHUNK):
        hasher.update(chunk)
    return hasher


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            raise_if_stopped()
            yield chunk


def format_hash(hasher: "_Hash") -> str:
    """Return a hash as locks write it: ``sha256:<hex>``."""
    return f"{hasher.name}:{hasher.hexdigest()}"
