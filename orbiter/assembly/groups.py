"""Layers that the files of a stage go into. Pure.

The rules of ``group`` belong to assembly format 1. They never change under this number, because
the digests of released images depend on them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256

import msgspec

from orbiter.assembly.tree import Entry

LONE_SIZE = 4 * 1024**2
"""Bytes of a package that has a layer of its own."""
LARGE_SIZE = 16 * 1024**2
"""Bytes of a large file that no package owns."""
PACKAGE_RECORDS, LARGE_FILES, FILES = "package records", "large files", "files"
MOST_LAYERS = {
    "others": 24,
    "lone": 12,
    "native": 8,
    "system": 4,
    PACKAGE_RECORDS: 1,
    LARGE_FILES: 1,
    FILES: 1,
}
"""The most layers of a stage by their kind: shared by small packages of apt and apk ("system"),
shared by small packages of other managers with ("native") and without machine code ("others"), and
of one large package ("lone"). Packages without machine code are the same on all platforms."""
IMAGE_LAYERS = 64
"""Layers of an image above which a stage has fewer layers."""
STAGE_LAYERS = 7
"""Layers that a stage may always have."""
LIMIT = 110
"""Layers of an image above which a stage has one layer. Engines refuse more than about 125."""

SYSTEM_MANAGERS = ("apk", "apt")
SHARED = {"system": "system packages", "native": "native packages", "others": "packages"}
ORDER = ("system", "native", "others", PACKAGE_RECORDS, LARGE_FILES, FILES)

RECORDS = re.compile(
    # dpkg's database, without the files of single packages; apt; debconf
    r"var/lib/dpkg/(?!info/[^/]*\.).+|var/lib/apt/.+|var/cache/debconf/.+"
    # apk's database
    r"|(usr/)?lib/apk/db/.+|etc/apk/world"
    # Packages add accounts and libraries
    r"|etc/(passwd|group|shadow|gshadow|subuid|subgid)|etc/ld\.so\.cache"
    # conda and npm
    r"|(.*/)?conda-meta/history|(.*/)?node_modules/\.package-lock\.json"
    # Orbiter's list of packages, and its requirements for npm
    r"|usr/share/orbiter/packages\.json|opt/env/lib/npm/package\.json"
)
"""Small files that change with almost every package."""

_Layer = tuple[int, str]
"""A layer: the position of its kind in ``ORDER``, and its name."""


class LayerGroup(msgspec.Struct, frozen=True):
    """The paths of one layer, sorted. ``name`` says for people what the layer is for."""

    name: str
    paths: tuple[str, ...]


def group(
    own: Mapping[str, Entry],
    owner: Mapping[str, str],
    native: Collection[str],
    lower_layers: int,
) -> tuple[LayerGroup, ...]:
    """Return the layers of a stage, so that few of them change when a package changes.

    ``own`` are the entries that the stage adds or changes, ``owner`` maps files to their packages
    (``pip:numpy``), ``native`` are the packages with machine code, and ``lower_layers`` is the
    number of layers below the stage. Every path is in exactly one layer.

    1. Files that change with almost every package, see ``RECORDS``, are the layer "package
       records".
    2. A package with at least ``LONE_SIZE`` has a layer of its own, with the name of the package.
       While there are more such packages than the limit of rule 4, the size doubles. The size of a
       package is that of its files without those of rule 1; hard links count once.
    3. The other packages share layers by the sha256 of ``manager:name``, as a big-endian number,
       modulo the limit of rule 4. They are "system packages 3" for apt and apk, else
       "native packages 5" or "packages 17".
    4. The limits are those of ``MOST_LAYERS`` for the kinds of layers that the stage has; "lone"
       and "files" always count. While the limits and ``lower_layers`` are more than
       ``IMAGE_LAYERS``, and the limits are more than ``STAGE_LAYERS``, the largest one is halved;
       of equal ones the first in ``MOST_LAYERS``. The number of packages does not matter, because
       most layers change with a limit.
    5. Other files with at least ``LARGE_SIZE`` are the layer "large files", and the rest the layer
       "files".
    6. Hard links to one file stay together. If rules 1 and 2 put them into different layers, the
       file is one of "package records", because it changes with several packages, or one of "large
       files" by its size.
    7. A folder is in the layer of the first file or link below it, which contains the folder
       anyway. Folders without one are in "files".
    8. If an image with ``STAGE_LAYERS`` more layers had more than ``LIMIT``, the stage has only the
       layer "files".

    Layers of system packages come first, then those of native packages and of other packages, each
    sorted by name, then "package records", "large files" and "files". Paths and names are sorted by
    code points.
    """
    if not own:
        return ()
    if lower_layers + STAGE_LAYERS > LIMIT:
        return (LayerGroup(FILES, tuple(sorted(own))),)
    files = _files(own)
    units = [_unit(paths, own[paths[0]], owner) for paths in files]
    sizes = Counter[str]()
    for unit, paths in zip(units, files, strict=True):
        sizes[unit] += _size(own[paths[0]])
    layers = _layers(sizes, frozenset(native), lower_layers)
    layer = {path: layers[unit] for unit, paths in zip(units, files, strict=True) for path in paths}
    result: dict[_Layer, list[str]] = {}
    for path, of_path in sorted((layer | _folders(own, layer)).items()):
        result.setdefault(of_path, []).append(path)
    return tuple(LayerGroup(each[1], tuple(result[each])) for each in sorted(result))


def _files(own: Mapping[str, Entry]) -> list[list[str]]:
    """Return the paths of each file and symbolic link: several are hard links."""
    links = defaultdict[int | str, list[str]](list)
    for path, entry in own.items():
        if entry.kind != "folder":
            has_links = entry.kind == "file" and entry.inode != 0
            links[entry.inode if has_links else path].append(path)
    return [*links.values()]


def _unit(paths: Iterable[str], entry: Entry, owner: Mapping[str, str]) -> str:
    """Return the package that a file with these paths stays with, or the name of its layer."""
    units = {
        PACKAGE_RECORDS if RECORDS.fullmatch(path) else owner.get(path, FILES) for path in paths
    }
    if len(units) == 1 and units != {FILES}:
        return units.pop()
    if _size(entry) >= LARGE_SIZE:
        return LARGE_FILES
    return FILES if units == {FILES} else PACKAGE_RECORDS


def _size(entry: Entry) -> int:
    return entry.content.size if entry.content else 0


def _layers(
    sizes: Mapping[str, int], native: Collection[str], lower_layers: int
) -> dict[str, _Layer]:
    """Return the layers of units with these sizes."""
    kinds = {unit: _kind(unit, native) for unit in sizes}
    limits = _limits(lower_layers, {*kinds.values(), "lone", FILES})
    packages = [unit for unit in sizes if unit not in ORDER]
    lone_size = _lone_size([sizes[package] for package in packages], limits["lone"])
    layers = {unit: _layer(unit, unit) for unit in (PACKAGE_RECORDS, LARGE_FILES, FILES)}
    for package in packages:
        kind = kinds[package]
        is_lone = sizes[package] >= lone_size
        layers[package] = _layer(kind, package if is_lone else _shared(package, kind, limits[kind]))
    return layers


def _layer(kind: str, name: str) -> _Layer:
    return ORDER.index(kind), name


def _kind(unit: str, native: Collection[str]) -> str:
    """Return the kind of the layer of a unit."""
    if unit in ORDER:
        return unit
    if unit.partition(":")[0] in SYSTEM_MANAGERS:
        return "system"
    return "native" if unit in native else "others"


def _limits(lower_layers: int, kinds: Collection[str]) -> dict[str, int]:
    """Return the most layers of each of these kinds."""
    limits = {kind: most for kind, most in MOST_LAYERS.items() if kind in kinds}
    while sum(limits.values()) > max(IMAGE_LAYERS - lower_layers, STAGE_LAYERS):
        limits[max(limits, key=limits.__getitem__)] //= 2
    return limits


def _lone_size(sizes: Collection[int], most: int) -> int:
    """Return the size from which packages have a layer of their own."""
    lone_size = LONE_SIZE
    while sum(size >= lone_size for size in sizes) > most:
        lone_size *= 2
    return lone_size


def _shared(package: str, kind: str, layers: int) -> str:
    """Return the name of the layer that a package shares with others of its kind."""
    number = int.from_bytes(sha256(package.encode()).digest(), "big") % layers + 1
    return f"{SHARED[kind]} {number}"


def _folders(own: Mapping[str, Entry], layer: Mapping[str, _Layer]) -> dict[str, _Layer]:
    """Return the layer of each folder. ``layer`` has those of all other paths."""
    first: dict[str, _Layer] = {}
    for path in sorted(layer):
        folder = path.rpartition("/")[0]
        while folder and folder not in first:
            first[folder] = layer[path]
            folder = folder.rpartition("/")[0]
    folders = [path for path, entry in own.items() if entry.kind == "folder"]
    return {path: first.get(path, _layer(FILES, FILES)) for path in folders}
