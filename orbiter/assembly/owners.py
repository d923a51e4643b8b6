"""Packages that the files of a stage belong to. Pure.

These rules belong to the assembly format: images that were released depend on them.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from packaging.utils import canonicalize_name

from orbiter.assembly.package_records import KINDS, Listed, RecordKind
from orbiter.assembly.real_paths import RealPaths
from orbiter.assembly.tree import Tree

LARGEST_RECORD = 64 * 1024**2
"""Bytes of a record; larger ones are not read. Those of real packages have up to 10 MB."""
OWNER = re.compile(r"[a-z]+:[!-~]{1,214}")
"""A manager and a name, which may become the name of a layer. npm allows the longest names."""
APT_INFO = re.compile(r"var/lib/dpkg/info/([^/:]+)(?::[^/.]+)?\.[^/.]+")
PIP_INFO = re.compile(r"(?:.*?/)??([^/-]+)(?:-[^/]*)?\.(?:dist|egg)-info/.+")
NPM_FOLDER = re.compile(r"(?:.*?/)??node_modules/((?:@[^/]+/)?[^/.@][^/]*)/.+")
BYTE_CODE = re.compile(r"((?:.*/)?)__pycache__/([^/]+?)\.[^/.]+(?:\.opt-[^/.]+)?\.pyc")
"""Folder and module of byte-code: ``x`` of ``__pycache__/x.cpython-313.opt-1.pyc``."""


def owners(tree: Tree, own: Collection[str], read: Callable[[str], bytes]) -> dict[str, str]:
    """Return the package of each file that a stage adds or changes: ``apt:libc6``.

    ``own`` are the paths that the stage adds or changes. Files of no package are missing from the
    result, and so are folders, because packages share them. ``read`` returns the bytes of a file.

    - Only records in ``own`` count: a package that a stage installs leaves its record there.
    - A file that several packages list belongs to the first of them. Packages of apt and apk come
      first, then those of conda and pip.
    - A record that a package lists is not read: it describes a copy of another package in this one.
    - Other files in a package's own folder belong to it: those of dpkg's database, in a
      ``.dist-info`` folder and in a folder of ``node_modules``.
    - Byte-code belongs to the package of its source, and a link to the package of its target.
    """
    files = sorted(path for path in own if tree[path].kind != "folder")
    paths = RealPaths(tree)
    known: dict[str, str] = {}
    for kind in KINDS:
        for match in _records(kind, tree, files):
            if match[0] not in known:
                _add(kind.files(match, read(match[0])), known, tree, paths)
    for path in files:
        if path in known:
            continue
        owner = _by_place(path) or _by_source(path, known)
        if OWNER.fullmatch(owner):
            known[path] = owner
    links = [path for path in files if path not in known and tree[path].kind == "link"]
    targets = {path: known.get(paths.follow(path) or "", "") for path in links}
    found = targets | known
    return {path: found[path] for path in files if found.get(path)}


def _records(kind: RecordKind, tree: Tree, files: Iterable[str]) -> list[re.Match[str]]:
    """Return the records of a kind, those in fewer folders first."""
    matches = [match for path in files if (match := kind.match(path))]
    readable = [match for match in matches if _size(tree, match[0]) <= LARGEST_RECORD]
    return sorted(readable, key=lambda match: match[0].count("/"))


def _size(tree: Tree, path: str) -> float:
    """Return the size of a file; infinity for a link."""
    content = tree[path].content
    return content.size if content else float("inf")


def _add(listed: Listed, known: dict[str, str], tree: Tree, paths: RealPaths) -> None:
    """Add the files of packages to ``known``, unless another package has them."""
    for owner, name in listed:
        path = paths.real(name)
        entry = tree.get(path) if path else None
        if path and entry and entry.kind != "folder" and OWNER.fullmatch(owner):
            known.setdefault(path, owner)


def _by_place(path: str) -> str:
    """Return the package in whose own folder a file is, or an empty string."""
    if match := APT_INFO.fullmatch(path):
        return f"apt:{match[1]}"
    # Most paths lack these folders, and the expressions try every folder of a path.
    if "-info/" in path and (match := PIP_INFO.fullmatch(path)):
        return f"pip:{canonicalize_name(match[1])}"
    if "node_modules/" in path and (match := NPM_FOLDER.fullmatch(path)):
        return f"npm:{match[1]}"
    return ""


def _by_source(path: str, known: Mapping[str, str]) -> str:
    """Return the package of the source of byte-code, or an empty string."""
    match = BYTE_CODE.fullmatch(path)
    return known.get(f"{match[1]}{match[2]}.py", "") if match else ""
