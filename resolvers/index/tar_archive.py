"""Source trees in tar archives, with the same bytes on every machine."""

import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from resolvers.types.options import TreeFile
from resolvers.types.tar_entry import CheckedTarInfo

TIME = 946684800
"""The modification time of all files: 2000-01-01, in seconds. Zip files start in 1980."""
STORED_BLOCK = 0xFFFF
"""The largest size in bytes of a block that DEFLATE does not compress (RFC 1951, 3.2.4)."""
GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
"""RFC 1952, 2.3: DEFLATE, without a name, a time or a system."""


def files_in(archive: Path) -> tuple[TreeFile, ...]:
    """Return the files and links in a tar archive, sorted by path."""
    with tarfile.open(archive, tarinfo=CheckedTarInfo) as tar:
        return tuple(sorted(_files(tar)))


def _files(tar: tarfile.TarFile) -> Iterator[TreeFile]:
    for member in tar:
        if member.issym():
            yield TreeFile(member.name, link=member.linkname)
        elif content := tar.extractfile(member):
            yield TreeFile(member.name, content.read(), bool(member.mode & 0o100))


def pack(files: Iterable[TreeFile], folder: str) -> bytes:
    """Return a .tar.gz with all files in one folder: sorted, with fixed times, owners and modes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(files):
            tar.addfile(_member(file, folder), io.BytesIO(file.content))
    return _gzip(packed.getvalue())


def _member(file: TreeFile, folder: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"{folder}/{file.path}")
    member.mtime = TIME
    member.mode = 0o755 if file.is_executable else 0o644
    member.size = len(file.content)
    if file.link:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, file.link, 0o777
    return member


def _gzip(content: bytes) -> bytes:
    """Return the content as a gzip file without compression.

    Compressed bytes depend on the version of the library, and zlib has several successors.
    """
    blocks = [content[at : at + STORED_BLOCK] for at in range(0, len(content), STORED_BLOCK)]
    stored = bytearray(GZIP_HEADER)
    for number, block in enumerate(blocks, 1):
        size = len(block)
        stored.append(number == len(blocks))  # whether it is the last one
        stored += size.to_bytes(2, "little") + (size ^ STORED_BLOCK).to_bytes(2, "little") + block
    stored += zlib.crc32(content).to_bytes(4, "little")
    stored += (len(content) & 0xFFFFFFFF).to_bytes(4, "little")
    return bytes(stored)
