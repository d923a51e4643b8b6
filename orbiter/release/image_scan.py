"""The contents of an image's layers, as the check of shared libraries needs them."""

from collections.abc import Iterable, Mapping
from tarfile import TarFile, TarInfo

import msgspec

from orbiter.assembly.file_system import parents
from orbiter.assembly.image import Layer
from orbiter.assembly.package_records import KINDS
from orbiter.assembly.raw_layer import OPAQUE, WHITEOUT
from orbiter.release.elf import needed_libraries
from orbiter.release.layers import read_members

ENVIRONMENT = "opt/env/"
EXECUTABLE = 0o111


class LayerScan(msgspec.Struct, frozen=True, kw_only=True):
    """One layer.

    ``paths`` are all files and links. ``removed`` are files and folders of lower layers, ``hidden``
    are folders whose lower contents are removed. ``needed`` maps ELF files of /opt/env to the
    libraries that they need. ``records`` are the lists of files of packages by path.
    """

    paths: frozenset[str]
    removed: frozenset[str]
    hidden: frozenset[str]
    needed: Mapping[str, tuple[str, ...]]
    records: Mapping[str, bytes]


class ImageScan(msgspec.Struct, frozen=True, kw_only=True):
    """An image; see LayerScan. ``names`` are the last parts of all paths."""

    names: frozenset[str]
    needed: Mapping[str, tuple[str, ...]]
    records: Mapping[str, bytes]


def scan_layer(layer: Layer, platform: str) -> LayerScan:
    """Read a layer of the image for a platform."""
    paths, removed, hidden = set(), set(), set()
    needed: dict[str, tuple[str, ...]] = {}
    records: dict[str, bytes] = {}
    for tar, member in read_members(layer):
        path = member.name.removeprefix("./").rstrip("/")
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            hidden.add(folder)
        elif name.startswith(WHITEOUT):
            removed.add(f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/"))
        elif not member.isdir():
            paths.add(path)
            if _is_record(path):
                records[path] = _record(tar, member, records)
            elif libraries := _needed(tar, member, path, platform):
                needed[path] = libraries
    return LayerScan(
        paths=frozenset(paths),
        removed=frozenset(removed),
        hidden=frozenset(hidden),
        needed=needed,
        records=records,
    )


def merge(layers: Iterable[LayerScan]) -> ImageScan:
    """Return the image of these layers, the lowest first. Pure."""
    paths: set[str] = set()
    needed: dict[str, tuple[str, ...]] = {}
    records: dict[str, bytes] = {}
    for layer in layers:
        removed = _removed(paths, layer)
        # A later layer may replace a file by another one, which needs no library.
        for path in removed | layer.paths:
            needed.pop(path, None)
            records.pop(path, None)
        paths -= removed
        paths |= layer.paths
        needed |= layer.needed
        records |= layer.records
    names = frozenset(path.rpartition("/")[2] for path in paths)
    return ImageScan(names=names, needed=needed, records=records)


def _removed(lower: Iterable[str], layer: LayerScan) -> set[str]:
    """Return the paths of lower layers that a layer removes."""
    folders = layer.removed | layer.hidden
    # Most layers remove nothing, and images have many layers.
    if not folders:
        return set()
    return {
        path for path in lower if path in layer.removed or not folders.isdisjoint(parents(path))
    }


def _needed(tar: TarFile, member: TarInfo, path: str, platform: str) -> tuple[str, ...]:
    """Return the libraries that a file of /opt/env needs; empty for other files."""
    is_program = bool(member.mode & EXECUTABLE) or ".so" in path or path.endswith(".node")
    if not (path.startswith(ENVIRONMENT) and member.isreg() and is_program):
        return ()
    return needed_libraries(_content(tar, member), platform)


def _is_record(path: str) -> bool:
    """Return whether a file of /opt/env is the list of files of a package."""
    return path.startswith(ENVIRONMENT) and any(kind.match(path) for kind in KINDS)


def _record(tar: TarFile, member: TarInfo, earlier: Mapping[str, bytes]) -> bytes:
    """Return a record; empty for a link to a file that is not a record of this layer."""
    if member.isreg():
        return _content(tar, member)
    # Equal files may be hard links; the content comes with the first of them.
    return earlier.get(member.linkname.removeprefix("./"), b"")


def _content(tar: TarFile, member: TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()
