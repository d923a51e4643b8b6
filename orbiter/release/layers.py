"""RecordedImage archives as BuildKit writes them: the digests in them, and what each entry of a layer is.

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
from typing import IO, Any, NamedTuple, Protocol

from orbiter.lockset.record import RecordedImage, RecordedLayer
from resolvers.errors import ExpectedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZSTD, GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
"""How a compressed layer begins."""
CHUNK = 1 << 20
XATTR = "SCHILY.xattr."
"""How tar names extended attributes."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class LayerEntry(NamedTuple):
    """One entry of a layer's tar: its path, and its line in the layer's list."""

    path: str
    line: str


def read_images(archive: Path) -> dict[str, RecordedImage]:
    """The images in an archive by platform (``linux/arm64``)."""
    with tarfile.open(archive) as tar:
        return dict(_images(tar, _json(tar, "index.json")))


def _images(tar: tarfile.TarFile, index: Any) -> Iterator[tuple[str, RecordedImage]]:
    for each in index["manifests"]:
        content = _json(tar, _path(each["digest"]))
        if "manifests" in content:
            yield from _images(tar, content)
            continue
        config = _json(tar, _path(content["config"]["digest"]))
        layers = tuple(
            RecordedLayer(diff_id=diff_id, digest=layer["digest"], size=layer["size"])
            for diff_id, layer in zip(config["rootfs"]["diff_ids"], content["layers"], strict=True)
        )
        yield (
            _platform(config),
            RecordedImage(digest=each["digest"], config=content["config"]["digest"], layers=layers),
        )


def _platform(config: Any) -> str:
    variant = config.get("variant", "")
    words = [config["os"], config["architecture"]]
    if variant and (config["architecture"], variant) != ("arm64", "v8"):  # every arm64 is v8
        words.append(variant)
    return "/".join(words)


def _json(tar: tarfile.TarFile, path: str) -> Any:
    file = tar.extractfile(path)
    assert file is not None
    return json.load(file)


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def read_entries(archive: Path, layer: RecordedLayer) -> Iterator[LayerEntry]:
    """The entries of one layer, in its order, read as a stream.

    Raises ExpectedError, at the end, when the layer is not what its diff id says.
    """
    with tarfile.open(archive) as outer:
        blob = outer.extractfile(_path(layer.digest))
        assert blob is not None
        with _unpacked(blob) as unpacked:
            stream = _Hashed(unpacked)
            with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as tar:
                for member in tar:
                    yield LayerEntry(member.name, _line(tar, member))
            stream.drain()
    if stream.digest != layer.diff_id:
        raise ExpectedError(
            f"{archive.name}: layer {layer.diff_id} has the bytes of {stream.digest}"
        )


@contextmanager
def _unpacked(blob: IO[bytes]) -> Iterator[_Readable]:
    start = blob.read(4)
    blob.seek(0)
    if start == ZSTD:
        with zstd.ZstdFile(blob) as file:
            yield file
    elif start.startswith(GZIP):
        with gzip.GzipFile(fileobj=blob) as file:
            yield file
    else:
        yield blob


class _Hashed(io.RawIOBase):
    """A file that hashes what is read of it."""

    def __init__(self, file: _Readable) -> None:
        self._file = file
        self._hasher = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""
        chunk = self._file.read(size)
        self._hasher.update(chunk)
        return chunk

    def drain(self) -> None:
        """Read to the end: a tar may go on behind its last entry."""
        while self.read(CHUNK):
            pass

    @property
    def digest(self) -> str:
        """The hash of all that was read."""
        return f"sha256:{self._hasher.hexdigest()}"


def _line(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """Six hex digits of what the entry is, three of its time."""
    facts = {
        "path": member.name, "type": member.type.decode(), "mode": member.mode, "link": member.linkname,
        "owner": [member.uid, member.gid, member.uname, member.gname], "device": [member.devmajor, member.devminor],
        "xattrs": {key: value for key, value in member.pax_headers.items() if key.startswith(XATTR)},
    }  # fmt: skip
    hasher = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    if member.isreg() and (content := tar.extractfile(member)):
        while chunk := content.read(CHUNK):
            hasher.update(chunk)
    time = hashlib.sha256(str(member.pax_headers.get("mtime", member.mtime)).encode())
    return hasher.hexdigest()[:6] + time.hexdigest()[:3]
