"""Where Orbiter keeps on this machine what it can get again."""

import os
from pathlib import Path


def folder(*names: str) -> Path:
    """A folder of the cache, made where missing: below $ORBITER_CACHE_DIR, else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = Path(os.environ.get("ORBITER_CACHE_DIR") or Path(home, "orbiter"))
    path = root.joinpath(*names).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path
