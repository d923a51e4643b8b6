"""Packages with machine code. Pure.

The rules are part of the assembly format, because they decide the layers of packages.
"""

from collections.abc import Callable, Mapping

from orbiter.assembly.tree import Entry

ELF = b"\x7fELF"
EXECUTABLE = 0o111
LIBRARIES = (".so", ".node", ".a")
"""Ends of the names of files with machine code that need not be executable."""


def native_packages(
    own: Mapping[str, Entry], owner: Mapping[str, str], read: Callable[[str, int], bytes]
) -> frozenset[str]:
    """Return the packages that have an ELF file or a static library.

    ``owner`` maps files to their packages. ``read`` returns the first bytes of a file.
    """
    native: set[str] = set()
    for path, package in owner.items():
        if package not in native and _is_native(path, own[path], read):
            native.add(package)
    return frozenset(native)


def _is_native(path: str, entry: Entry, read: Callable[[str, int], bytes]) -> bool:
    if not _may_be_native(path, entry):
        return False
    return path.endswith(".a") or read(path, len(ELF)) == ELF


def _may_be_native(path: str, entry: Entry) -> bool:
    """Return whether it is worth reading a file."""
    if entry.content is None:
        return False
    name = path.rpartition("/")[2]
    return bool(entry.mode & EXECUTABLE) or name.endswith(LIBRARIES) or ".so." in name
