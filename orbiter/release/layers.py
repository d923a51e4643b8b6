"""Assembled images: the digests that a release records, and the entries of their layers."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from typing import IO, NamedTuple, cast

from orbiter.assembly.decompression import Readable, decompressed
from orbiter.assembly.image import AssembledImage, Layer
from orbiter.assembly.raw_layer import XATTR
from orbiter.lockset.record import RecordedImage, RecordedLayer
from resolvers.errors import ExpectedError
from resolvers.types.tar_entry import CheckedTarInfo

CHUNK = 1 << 20
"""Bytes that are read at once."""
BUFFER = 1 << 16
"""Buffer of a stream of tar entries; tarfile copies the rest of it at each read."""


class ListedEntry(NamedTuple):
    """An entry in the list of a layer: its path, and its line in the list."""

    path: str
    line: str


def recorded_image(image: AssembledImage) -> RecordedImage:
    """Return the digests of an image as a release records them."""
    layers = tuple(
        RecordedLayer(diff_id=layer.diff_id, digest=layer.digest, size=layer.size)
        for layer in image.layers
    )
    return RecordedImage(digest=image.digest, config=image.config_digest, layers=layers)


def read_entries(layer: Layer) -> Iterator[ListedEntry]:
    """Yield the entries of a layer in their order, read as a stream.

    Raises ExpectedError at the end if the layer does not have its diff ID.
    """
    with layer.path.open("rb") as blob, decompressed(blob) as content:
        stream = _HashingReader(content)
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=CheckedTarInfo, bufsize=BUFFER) as tar:
            for member in tar:
                yield ListedEntry(member.name, _line(tar, member))
        stream.drain()
    if stream.digest != layer.diff_id:
        raise ExpectedError(
            f"{layer.path}: the bytes of layer {layer.diff_id} have the digest {stream.digest}",
            "remove the file, and build again",
        )


def read_members(layer: Layer) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Yield the members of a layer with their tar file, in their order, read as a stream."""
    with (
        layer.path.open("rb") as blob,
        decompressed(blob) as content,
        tarfile.open(
            fileobj=cast("IO[bytes]", content),
            mode="r|",
            tarinfo=CheckedTarInfo,
            bufsize=BUFFER,
        ) as tar,
    ):
        for member in tar:
            yield tar, member


class _HashingReader(io.RawIOBase):
    """A file that hashes the bytes which are read from it."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._hasher = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; empty at the end."""
        chunk = self._file.read(size)
        self._hasher.update(chunk)
        return chunk

    def drain(self) -> None:
        """Read to the end: a tar file continues after its last entry."""
        while self.read(CHUNK):
            pass

    @property
    def digest(self) -> str:
        """Return the digest of all bytes that were read."""
        return f"sha256:{self._hasher.hexdigest()}"


def _line(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """Return the line of an entry: six hex digits for everything except its time."""
    xattrs = {key: value for key, value in member.pax_headers.items() if key.startswith(XATTR)}
    properties = {
        "path": member.name,
        "type": member.type.decode(),
        "mode": member.mode,
        "link": member.linkname,
        "owner": [member.uid, member.gid, member.uname, member.gname],
        "device": [member.devmajor, member.devminor],
        "xattrs": xattrs,
    }
    hasher = hashlib.sha256(json.dumps(properties, sort_keys=True).encode())
    if member.isreg() and (content := tar.extractfile(member)):
        while chunk := content.read(CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()[:6]
