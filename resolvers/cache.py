"""The cache on this machine, for files that Orbiter can fetch or compute again."""

import os
from pathlib import Path

from resolvers.scratch import scratch_folder, writing_to

CACHE_HINT = "name another folder in ORBITER_CACHE_DIR"
"""Remedy for a cache that cannot be written."""


def root() -> Path:
    """Return the folder of the cache: $ORBITER_CACHE_DIR, or ``orbiter`` in the user's cache."""
    user_cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ORBITER_CACHE_DIR") or Path(user_cache, "orbiter")).absolute()


def folder(*names: str) -> Path:
    """Return a folder of the cache, and create it if it is missing."""
    path = root().joinpath(*names)
    with writing_to(path, CACHE_HINT):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write(path: Path, content: bytes) -> None:
    """Write a file of the cache atomically, so that no process reads an incomplete one."""
    with scratch_folder(folder("new"), "new-", CACHE_HINT) as scratch:
        (scratch / path.name).write_bytes(content)
        (scratch / path.name).replace(path)
