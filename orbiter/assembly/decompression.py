"""Layers without their compression, whatever it is."""

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
GZIP_MAGIC = b"\x1f\x8b"


class Readable(Protocol):
    """A file that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; empty at the end."""


def is_compressed(blob: IO[bytes]) -> bool:
    """Return whether a file has the first bytes of gzip or zstd."""
    return _magic(blob).startswith((GZIP_MAGIC, ZSTD_MAGIC))


@contextmanager
def decompressed(blob: IO[bytes]) -> Iterator[Readable]:
    """Yield the bytes of a file without its compression, which its first bytes show."""
    magic = _magic(blob)
    if magic == ZSTD_MAGIC:
        with zstd.ZstdFile(blob) as file:
            yield file
    elif magic.startswith(GZIP_MAGIC):
        with gzip.GzipFile(fileobj=blob) as file:
            yield file
    else:
        yield blob


def _magic(blob: IO[bytes]) -> bytes:
    magic = blob.read(len(ZSTD_MAGIC))
    blob.seek(0)
    return magic
