"""Files in the ``.dist-info`` folder of a wheel behind a URL, read by HTTP range requests."""

import io
import zipfile
from collections.abc import Iterable
from typing import TYPE_CHECKING

from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.redaction import redact

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TAIL = 1 << 16
"""Bytes at the end of a wheel to request first.

They usually contain both its directory and its METADATA.
"""
PARTIAL_CONTENT = 206


def metadata(url: str) -> bytes:
    """Return the METADATA of the wheel at a URL.

    Downloads the whole wheel if the server does not support range requests. Raises HTTPError, or
    ExpectedError if the file is not a wheel.
    """
    return dist_info(url, ("METADATA",))["METADATA"]


def dist_info(url: str, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, bytes]:
    """Return files of the wheel's ``.dist-info`` folder by name; ``optional`` ones if they exist.

    Errors are those of ``metadata``.
    """
    try:
        with zipfile.ZipFile(io.BufferedReader(_RemoteFile(url), TAIL)) as wheel:
            paths = _dist_info_paths(wheel.namelist())
            if missing := sorted(set(required) - paths.keys()):
                raise KeyError(f"it has no {', '.join(missing)}")
            wanted = {*required, *optional} & paths.keys()
            return {name: wheel.read(paths[name]) for name in wanted}
    except (zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise ExpectedError(f"{redact(url)} is not a valid wheel: {error}") from error


def _dist_info_paths(names: Iterable[str]) -> dict[str, str]:
    """Return the paths of the files that are directly in the ``.dist-info`` folder, by name."""
    paths: dict[str, str] = {}
    for name in names:
        folder, _, file = name.partition("/")
        if folder.endswith(".dist-info"):
            paths.setdefault(file, name)
    return paths


class _RemoteFile(io.RawIOBase):
    """A seekable file behind a URL; the first request reads its tail, which is kept."""

    def __init__(self, url: str) -> None:
        super().__init__()
        response = http.get(url, headers=_range_headers(f"-{TAIL}"))
        self._url = url
        self._tail = response.content
        self._size = len(response.content)
        # A server without range requests returns the whole file, which then is the tail.
        if response.status == PARTIAL_CONTENT:
            self._size = int(response.headers["content-range"].rpartition("/")[2])
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = (0, self._position, self._size)[whence]
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer)
        content = self._read_at(self._position, target.nbytes)
        target[: len(content)] = content
        self._position += len(content)
        return len(content)

    def _read_at(self, start: int, length: int) -> bytes:
        tail_start = self._size - len(self._tail)
        if start >= tail_start:
            return self._tail[start - tail_start :][:length]
        last = min(start + length, tail_start) - 1
        content = http.get(self._url, headers=_range_headers(f"{start}-{last}")).content
        return content[: last - start + 1]


def _range_headers(byte_range: str) -> dict[str, str]:
    # A range of a compressed response would not be a range of the wheel.
    return {"range": f"bytes={byte_range}", "accept-encoding": "identity"}
