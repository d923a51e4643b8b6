"""The options of a build."""

from pathlib import Path

import msgspec


class BuildOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Images to build, how to build them, and their destination.

    ``images`` are names of stages; empty for every image of the release. ``platforms`` is empty for
    every locked platform. ``builder`` names a buildx builder. ``output`` is a folder that keeps the
    image archives. ``cache_from`` and ``cache_to`` are cache specifications of buildx, in which
    ``{stage}`` stands for the stage's name. ``force`` pushes without checking the registry's tags.
    """

    images: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    builder: str = ""
    push: bool = False
    force: bool = False
    load: bool = True
    output: Path | None = None
    no_cache: bool = False
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
