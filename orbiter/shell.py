"""orbiter shell: a shell in an image, on this terminal."""

from typing import NoReturn

from orbiter import engine
from orbiter.lockset import LockSet
from orbiter.run import built_tag


def shell(locked: LockSet, image: str) -> NoReturn:
    """Become a shell in a fresh container of an image or build stage, as its user; the container is removed at its end.

    Without a terminal it runs what standard input says. Raises ExpectedError as ``built_tag``.
    """
    engine.enter(built_tag(locked, image))
