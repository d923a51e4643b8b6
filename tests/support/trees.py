"""File systems as data, for tests of assembly."""

import os
from collections.abc import Mapping
from pathlib import Path

from orbiter.assembly.tree import Content, Entry

NOWHERE = Path("/nonexistent")
"""Source of contents that no test reads."""


def file(size: int = 1, inode: int = 0) -> Entry:
    content = Content(digest="", size=size, source=NOWHERE, offset=0)
    return Entry(kind="file", mode=0o644, uid=0, gid=0, content=content, inode=inode)


def folder() -> Entry:
    return Entry(kind="folder", mode=0o755, uid=0, gid=0)


def link(target: str) -> Entry:
    return Entry(kind="link", mode=0o777, uid=0, gid=0, target=target)


def tree(contents: Mapping[str, bytes | str]) -> dict[str, Entry]:
    """Return a tree of files with these bytes, and of links with these targets."""
    return {
        path: link(content) if isinstance(content, str) else file(len(content))
        for path, content in contents.items()
    }


def real_entry(path: Path) -> Entry:
    """Return the entry of a path of this machine."""
    if path.is_symlink():
        return link(str(path.readlink()))
    if path.is_dir():
        return folder()
    status = path.stat()
    content = Content(digest="", size=status.st_size, source=path, offset=0)
    inode = status.st_ino if status.st_nlink > 1 else 0
    return Entry(kind="file", mode=0o644, uid=0, gid=0, content=content, inode=inode)


def real_tree(root: Path) -> dict[str, Entry]:
    """Return everything below a folder of this machine; links are not followed."""
    return {
        str(path.relative_to(root)): real_entry(path)
        for folder, folders, files in os.walk(root)
        for path in (Path(folder, name) for name in (*folders, *files))
    }
