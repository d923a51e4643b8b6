"""The file system of an image, read from its layers without running the image."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from orbiter.assembly.decompression import Readable, decompressed
from orbiter.assembly.file_system import FileSystem
from orbiter.assembly.raw_layer import CHUNK, RawLayer, read_layer
from orbiter.assembly.tree import Entry, Tree
from orbiter.audit.image import ImageLayer, not_an_image
from orbiter.store.unpack import UNREADABLE
from orbiter.tasks import Report
from orbiter.threads import raise_if_stopped, stoppable_threads
from resolvers.errors import ExpectedError

READERS = 2
"""Layers that are read at the same time; one thread hashes while another one decompresses."""


class HashedLayer(msgspec.Struct, frozen=True, kw_only=True):
    """The digests of the bytes of a layer, whatever the image says; "" if not computed."""

    diff_id: str = ""
    digest: str


class ReadLayer(HashedLayer, frozen=True, kw_only=True):
    """A layer that was read."""

    raw: RawLayer


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The file system of an image.

    ``layer`` has the position of the layer that each path comes from, 0 for the lowest one.
    ``special`` are the paths of devices, pipes and sockets.
    """

    layers: tuple[ReadLayer, ...]
    tree: Tree
    layer: dict[str, int]
    special: frozenset[str]

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; of nothing else."""
        content = self.tree[path].content
        return content.read() if content else b""


def read_contents(
    name: str, layers: Sequence[ImageLayer], scratch: Path, report: Report
) -> Contents:
    """Read the layers of an image; their tar files go to ``scratch``.

    Raises ExpectedError for a layer that is not a tar file.
    """
    report(f"reading {len(layers)} layers")

    def read(position: int) -> ReadLayer:
        return _read(name, layers[position], scratch / f"{position}.tar")

    with stoppable_threads(READERS) as pool:
        found = tuple(pool.map(read, range(len(layers))))
    return contents_of(found)


def _read(name: str, layer: ImageLayer, tar: Path) -> ReadLayer:
    try:
        diff_id, digest = _unpack(layer, tar)
        return ReadLayer(raw=read_layer(tar), diff_id=diff_id, digest=digest)
    except (*UNREADABLE, ExpectedError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise not_an_image(name, f"layer {layer.diff_id}: {error}") from error


def _unpack(layer: ImageLayer, tar: Path) -> tuple[str, str]:
    """Write the tar file of a layer; return its digest, and that of the blob."""
    inner = hashlib.sha256()
    with layer.blob.open() as blob, decompressed(blob) as content, tar.open("xb") as output:
        for chunk in _chunks(content):
            inner.update(chunk)
            output.write(chunk)
    diff_id = f"sha256:{inner.hexdigest()}"
    return diff_id, _digest(layer)


def hash_layers(layers: Sequence[ImageLayer]) -> tuple[HashedLayer, ...]:
    """Return the digests of layers: of the blobs, or of the tar files if these have no digest."""
    with stoppable_threads(READERS) as pool:
        return tuple(pool.map(_hash, layers))


def _hash(layer: ImageLayer) -> HashedLayer:
    digest = _digest(layer)
    if layer.blob.digest:
        return HashedLayer(digest=digest)
    inner = hashlib.sha256()
    with layer.blob.open() as blob, decompressed(blob) as content:
        for chunk in _chunks(content):
            inner.update(chunk)
    return HashedLayer(diff_id=f"sha256:{inner.hexdigest()}", digest=digest)


def _digest(layer: ImageLayer) -> str:
    """Return the digest of the blob of a layer."""
    hasher = hashlib.sha256()
    with layer.blob.open() as blob:
        for chunk in _chunks(blob):
            hasher.update(chunk)
    return f"sha256:{hasher.hexdigest()}"


def _chunks(content: Readable) -> Iterable[bytes]:
    while chunk := content.read(CHUNK):
        raise_if_stopped()
        yield chunk


def contents_of(layers: Sequence[ReadLayer]) -> Contents:
    """Return the file system of layers, the lowest one first. Pure."""
    system = FileSystem()
    layer: dict[str, int] = {}
    special: set[str] = set()
    for position, each in enumerate(layers):
        raw = each.raw
        system.apply(raw)
        layer |= dict.fromkeys((*raw.entries, *raw.hard_links), position)
        special = {path for path in special if path not in raw.removed and path not in system.tree}
        special |= raw.dropped
    tree: dict[str, Entry] = system.tree
    return Contents(
        layers=tuple(layers),
        tree=tree,
        layer={path: layer[path] for path in tree if path in layer},
        special=frozenset(special),
    )
