"""A wheel's METADATA, read by range requests."""

import io
import zipfile
from collections.abc import Iterable
from typing import TYPE_CHECKING

from resolvers.errors import ExpectedError
from resolvers.net import http

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


TAIL = 1 << 16
"""Bytes at a wheel's end that are asked for first: mostly they hold its table of contents and its metadata."""
PARTIAL = 206


def metadata(url: str) -> bytes:
    """The METADATA of the wheel at the URL, read by ranges where the server has them.

    Raises HTTPError, or ExpectedError when the file is no wheel.
    """
    try:
        with zipfile.ZipFile(io.BufferedReader(_Remote(url), TAIL)) as wheel:
            return wheel.read(_metadata_name(wheel.namelist()))
    except (zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise ExpectedError(f"{http.redact(url)} is no wheel: {error}") from error


def _metadata_name(names: Iterable[str]) -> str:
    for name in names:
        folder, _, file = name.partition("/")
        if folder.endswith(".dist-info") and file == "METADATA":
            return name
    raise KeyError("it has no METADATA")


class _Remote(io.RawIOBase):
    """A file behind a URL, seekable; what was fetched once is kept."""

    def __init__(self, url: str) -> None:
        super().__init__()
        tail = http.get(url, headers={"range": f"bytes=-{TAIL}", "accept-encoding": "identity"})
        self._url = url
        self._tail = tail.content
        self._size = len(tail.content)
        if tail.status == PARTIAL:
            self._size = int(tail.headers["content-range"].rpartition("/")[2])
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = (0, self._position, self._size)[whence] + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        found = self._at(self._position, view.nbytes)
        view[: len(found)] = found
        self._position += len(found)
        return len(found)

    def _at(self, start: int, length: int) -> bytes:
        tail = self._size - len(self._tail)
        if start >= tail:
            return self._tail[start - tail :][:length]
        end = min(start + length, tail) - 1
        headers = {"range": f"bytes={start}-{end}", "accept-encoding": "identity"}
        return http.get(self._url, headers=headers).content[: end - start + 1]
