"""The changes that a stage makes to the file system below it. Pure.

The rules are part of the assembly format: released images depend on them. People read them in
docs/explanation/assembly.md.
"""

import re
from collections.abc import Callable, Collection, Mapping

import msgspec

from orbiter.assembly.file_system import parents
from orbiter.assembly.tree import Entry, Tree

STATE = re.compile(
    # Logs, and the lists and caches of package managers
    r"var/log/.+|var/lib/apt/lists/.+|var/cache/apt/.+|var/cache/(fontconfig|ldconfig)/.+"
    r"|(usr/)?lib/apk/db/lock"
    # Copies that programs make before they change a file
    r"|var/cache/debconf/[^/]*-old|var/lib/dpkg/[^/]*-old"
    r"|etc/(passwd|group|shadow|gshadow|subuid|subgid)-"
    # Identities and locks of a machine
    r"|etc/machine-id|var/lib/dbus/machine-id|etc/\.pwd\.lock"
    # Folders that a container gets from the engine
    r"|(dev|proc|sys|tmp)/.+"
)
"""Files that describe the machine and the moment of the build. Folders in these places stay."""
MOUNTED = ("dev/", "proc/", "sys/", "tmp/")
"""The start of paths in folders that a container gets from the engine."""
BYTE_CODE = re.compile(r"(?:.*/)?__pycache__/[^/]+\.pyc")
CACHE = re.compile(r"(?:.*/)?__pycache__")
HEADER = 8
"""Bytes of byte-code that show whether it has the time of its source: see PEP 552."""


class Changes(msgspec.Struct, frozen=True):
    """The entries that a stage adds or changes, and the paths that it removes, sorted."""

    own: Mapping[str, Entry]
    removed: tuple[str, ...]


def changes(
    tree: Tree, lower: Tree, keep: Collection[str], read: Callable[[str], bytes]
) -> Changes:
    """Return the changes between two file systems, without state of the build.

    ``keep`` are the targets of own files and downloads, which stay wherever they are. ``read``
    returns the bytes of a file of ``tree``.
    """
    own = {
        path: entry
        for path, entry in tree.items()
        if not entry.equals(lower.get(path)) and not _is_state(path, entry, keep, read)
    }
    for path in _empty_caches(own, lower):
        del own[path]
    removed = (path for path in lower if path not in tree and _has_folder(path, tree))
    return Changes(own, tuple(sorted(removed)))


def _empty_caches(own: Tree, lower: Tree) -> list[str]:
    """Return the new folders of byte-code in which nothing is left."""
    used = {path.rpartition("/")[0] for path in own}
    return [
        path
        for path, entry in own.items()
        if entry.kind == "folder" and CACHE.fullmatch(path) and not (path in used or path in lower)
    ]


def _has_folder(path: str, tree: Tree) -> bool:
    """Return whether the folder of a removed path is still a folder.

    Otherwise the removal or the replacement of that folder removes the path too.
    """
    folder = path.rpartition("/")[0]
    return not folder or (folder in tree and tree[folder].kind == "folder")


def _is_state(path: str, entry: Entry, keep: Collection[str], read: Callable[[str], bytes]) -> bool:
    if entry.kind == "folder":
        return path.startswith(MOUNTED)
    is_state = bool(STATE.fullmatch(path)) or _has_time(path, entry, read)
    return is_state and not _is_kept(path, keep)


def _is_kept(path: str, keep: Collection[str]) -> bool:
    return path in keep or any(folder in keep for folder in parents(path))


def _has_time(path: str, entry: Entry, read: Callable[[str], bytes]) -> bool:
    """Return whether a file is byte-code for a source with a certain time.

    Assembly changes the times of all files, so Python would ignore such byte-code.
    """
    if entry.content is None or not BYTE_CODE.fullmatch(path):
        return False
    return read(path)[4:HEADER] == bytes(4)
