"""The processes that own containers, so that the containers of killed ones are found.

Each owner is a file in the cache, which its process locks. The kernel frees the lock of a killed
process.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from orbiter.docker.containers import owned_containers, remove_container
from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.scratch import locked_if_free, try_lock

FOLDER = "containers"
NAME = re.compile(r"[0-9a-f]{32}")
OwnerState = Literal["running", "killed", "unknown"]
"""``unknown``: the file is missing, because the process ran on another machine, with another cache,
or before Orbiter had owners."""


@contextmanager
def owner() -> Iterator[str]:
    """Yield the value of the label ``OWNER`` for containers, and remove them at the end.

    If the engine does not answer at the end, the containers are like those of a killed process.
    """
    path = cache.folder(FOLDER) / secrets.token_hex(16)
    with path.open("xb") as file:
        try_lock(file.fileno())
        try:
            yield path.name
        finally:
            with suppress(ExpectedError):
                _remove_containers(path.name)
                path.unlink()


def owner_state(name: str) -> OwnerState:
    """Return whether an owner runs, given the value of a label."""
    path = _path(name)
    if path is None:
        return "unknown"
    with locked_if_free(path) as free:
        return "killed" if free else "running"


def remove_of_killed(name: str) -> None:
    """Remove the containers of a killed owner, also running ones; do nothing if it runs."""
    if path := _path(name):
        with locked_if_free(path) as free:
            if free:
                _remove_containers(name)
                path.unlink()


def _path(name: str) -> Path | None:
    """Return the file of an owner; None if this machine does not have it."""
    # Anybody can write a label.
    path = cache.folder(FOLDER) / name if NAME.fullmatch(name) else None
    return path if path and path.exists() else None


def _remove_containers(name: str) -> None:
    for container in owned_containers(name):
        remove_container(container.id, force=True)
