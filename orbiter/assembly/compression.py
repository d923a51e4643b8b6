"""Compression of layers, with libraries whose versions are pinned in pyproject.toml."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from orbiter.config.layer_keys import Compression
from orbiter.threads import raise_if_stopped

ZSTD_LEVEL = 10
"""Higher levels take many times longer for a few percent: see docs/explanation/assembly.md."""
ZSTD_WINDOW = 24
"""The logarithm of the window, 16 MiB: packages repeat much of their content over long distances.

Decoders of zstd refuse windows above 128 MiB.
"""
GZIP_LEVEL = 9
GZIP_FORMAT = 31
"""A window of 32 KiB, with the header of gzip: without a name, and with the time 0."""
MEDIA_TYPES: dict[Compression, str] = {
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
}
CHUNK = 1 << 20
"""Bytes that are compressed at once."""


class Sink(Protocol):
    """A file that takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""


class Compressed(msgspec.Struct, frozen=True, kw_only=True):
    """The digests of a file before (``diff_id``) and after compression, and its size in bytes."""

    diff_id: str
    digest: str
    size: int


class _Compressor(Protocol):
    """The compressor objects of zlib and zstandard."""

    def compress(self, data: bytes, /) -> bytes:
        """Compress bytes; return those that are ready."""

    def flush(self) -> bytes:
        """Return the rest."""


class _HashedFile:
    """A file that hashes what is written to it."""

    def __init__(self, file: Sink) -> None:
        self._file = file
        self._hasher = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes, /) -> None:
        """Write bytes."""
        self._hasher.update(data)
        self._file.write(data)
        self.size += len(data)

    @property
    def digest(self) -> str:
        """Return the digest of all bytes that were written."""
        return f"sha256:{self._hasher.hexdigest()}"


class _CompressedFile:
    """A file that compresses what is written to it."""

    def __init__(self, file: Sink, compressor: _Compressor) -> None:
        self._file = file
        self._compressor = compressor

    def write(self, data: bytes, /) -> None:
        """Compress bytes."""
        raise_if_stopped()
        self._file.write(self._compressor.compress(data))

    def finish(self) -> None:
        """Write the rest."""
        self._file.write(self._compressor.flush())


def compress(path: Path, compression: Compression, write: Callable[[Sink], None]) -> Compressed:
    """Compress what ``write`` writes into a new file; equal bytes give an equal file."""
    with path.open("xb") as file:
        target = _HashedFile(file)
        compressed = _CompressedFile(target, _compressor(compression))
        source = _HashedFile(compressed)
        write(source)
        compressed.finish()
    return Compressed(diff_id=source.digest, digest=target.digest, size=target.size)


def _compressor(compression: Compression) -> _Compressor:
    """Return a compressor without threads: the bytes must not depend on their number."""
    compressor: _Compressor
    if compression == "gzip":
        from zlib_ng import zlib_ng

        compressor = zlib_ng.compressobj(GZIP_LEVEL, zlib_ng.DEFLATED, GZIP_FORMAT)
    else:
        import zstandard

        parameters = zstandard.ZstdCompressionParameters.from_level(
            ZSTD_LEVEL, window_log=ZSTD_WINDOW, write_checksum=True
        )
        compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor


def describe(compression: Compression) -> str:
    """Return the library, its version and the level, on which the compressed bytes depend."""
    if compression == "gzip":
        import zlib_ng

        return f"zlib-ng {zlib_ng.__version__}, level {GZIP_LEVEL}"
    import zstandard

    return f"zstandard {zstandard.__version__}, level {ZSTD_LEVEL}, window {ZSTD_WINDOW}"
