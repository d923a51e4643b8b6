"""Image archives that BuildKit wrote: the digests of their images, and the entries of layers.

Formats: https://github.com/opencontainers/image-spec (index, manifest, config, layers).
"""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, cast

from orbiter.lockset.record import RecordedImage, RecordedLayer
from orbiter.oci.layout import INDEX_FILE, blob_path
from resolvers.errors import ExpectedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20
"""Bytes that are read at once."""
BUFFER = 1 << 16
"""Buffer of a stream of tar entries; tarfile copies the rest of it at each read."""
XATTR = "SCHILY.xattr."
"""Prefix of extended attributes in a tar file."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class LayerEntry(NamedTuple):
    """One entry of a layer: its path, and its line in the recorded list of the layer."""

    path: str
    line: str


def read_images(archive: Path) -> dict[str, RecordedImage]:
    """Return the images in an archive by platform (``linux/arm64``)."""
    with tarfile.open(archive) as tar:
        return dict(_images(tar, _read_json(tar, INDEX_FILE)))


def read_entries(archive: Path, layer: RecordedLayer) -> Iterator[LayerEntry]:
    """Yield the entries of one layer in their order, read as a stream.

    Raises ExpectedError at the end if the layer does not have its diff ID.
    """
    with tarfile.open(archive) as outer:
        blob = outer.extractfile(blob_path(layer.digest))
        assert blob is not None
        with _decompressed(blob) as decompressed:
            stream = _HashingReader(decompressed)
            with tarfile.open(fileobj=stream, mode="r|", bufsize=BUFFER) as tar:
                for member in tar:
                    yield LayerEntry(member.name, _line(tar, member))
            stream.drain()
    if stream.digest != layer.diff_id:
        raise ExpectedError(
            f"{archive.name}: the bytes of layer {layer.diff_id} have the digest {stream.digest}"
        )


def read_members(
    archive: Path, layer: RecordedLayer
) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Yield the members of one layer with their tar file, in their order, read as a stream."""
    with tarfile.open(archive) as outer:
        blob = outer.extractfile(blob_path(layer.digest))
        assert blob is not None
        with (
            _decompressed(blob) as decompressed,
            tarfile.open(fileobj=cast("IO[bytes]", decompressed), mode="r|", bufsize=BUFFER) as tar,
        ):
            for member in tar:
                yield tar, member


def _images(tar: tarfile.TarFile, index: Any) -> Iterator[tuple[str, RecordedImage]]:
    """Yield the platform and the digests of each image in an index, which may contain indexes."""
    for descriptor in index["manifests"]:
        manifest = _read_json(tar, blob_path(descriptor["digest"]))
        if "manifests" in manifest:
            yield from _images(tar, manifest)
            continue
        config_digest = manifest["config"]["digest"]
        config = _read_json(tar, blob_path(config_digest))
        diff_ids = config["rootfs"]["diff_ids"]
        layers = tuple(
            RecordedLayer(diff_id=diff_id, digest=layer["digest"], size=layer["size"])
            for diff_id, layer in zip(diff_ids, manifest["layers"], strict=True)
        )
        image = RecordedImage(digest=descriptor["digest"], config=config_digest, layers=layers)
        yield _platform(config), image


def _platform(config: Any) -> str:
    architecture, variant = config["architecture"], config.get("variant", "")
    # BuildKit adds the variant v8 to arm64, which has no other variants.
    if variant and (architecture, variant) != ("arm64", "v8"):
        return f"{config['os']}/{architecture}/{variant}"
    return f"{config['os']}/{architecture}"


def _read_json(tar: tarfile.TarFile, path: str) -> Any:
    file = tar.extractfile(path)
    assert file is not None
    return json.load(file)


@contextmanager
def _decompressed(blob: IO[bytes]) -> Iterator[_Readable]:
    magic = blob.read(len(ZSTD_MAGIC))
    blob.seek(0)
    if magic == ZSTD_MAGIC:
        with zstd.ZstdFile(blob) as file:
            yield file
    elif magic.startswith(GZIP_MAGIC):
        with gzip.GzipFile(fileobj=blob) as file:
            yield file
    else:
        yield blob


class _HashingReader(io.RawIOBase):
    """A file that hashes the bytes which are read from it."""

    def __init__(self, file: _Readable) -> None:
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
    """Return the line of an entry: six hex digits for the entry, three for its time."""
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
    # The header has fractions of a second as exact text.
    time = str(member.pax_headers.get("mtime", member.mtime))
    return hasher.hexdigest()[:6] + hashlib.sha256(time.encode()).hexdigest()[:3]
