"""The cache on this machine, for files that Orbiter can fetch or compute again."""

import os
from pathlib import Path


def folder(*names: str) -> Path:
    """Return a folder of the cache, and create it if it is missing.

    The cache is $ORBITER_CACHE_DIR, or ``orbiter`` in the user's cache folder.
    """
    user_cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = Path(os.environ.get("ORBITER_CACHE_DIR") or Path(user_cache, "orbiter"))
    path = root.joinpath(*names).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path
