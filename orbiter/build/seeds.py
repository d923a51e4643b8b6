"""The seeds of Debian bases in the cache: the last one of each base and platform.

A build that has the packages of the build before takes the same file, which BuildKit already has.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import zstandard

from orbiter.assembly.decompression import decompressed, is_compressed
from orbiter.build.debian_base import SEED_FORMAT, write_seed
from orbiter.oci.registry import sha256
from orbiter.render.bake_file import SEED_FILE
from orbiter.render.model import LAYER_TIME
from orbiter.store.store import link_or_copy
from orbiter.store.unpack import UNREADABLE
from resolvers import cache
from resolvers.scratch import scratch_folder

LEVEL = 3
"""The level of compression: higher ones take longer than they save."""
CHUNK = 1 << 20
"""Bytes that are read at once."""


def link_seed(packages: Iterable[Path], hashes: Iterable[str], name: str, target: Path) -> None:
    """Link the seed of .deb files with these hashes to ``target``; write it if it is missing.

    ``name`` names the base and its platform. Raises ExpectedError for a file that is not a Debian
    package.
    """
    folder = cache.folder("assembly", "seeds")
    key = _key(hashes)
    seed = folder / f"{name}-{key}{SEED_FILE}"
    # A build of other packages may remove the seed at any time.
    with suppress(FileNotFoundError):
        link_or_copy(seed, target)
        if _is_intact(target):
            return
        target.unlink()
    with scratch_folder(folder, "new-", cache.CACHE_HINT) as scratch:
        write_seed(packages, scratch / "seed.tar")
        _compress(scratch / "seed.tar", scratch / seed.name)
        link_or_copy(scratch / seed.name, target)
        for old in folder.glob(f"{name}-{'?' * len(key)}{SEED_FILE}"):
            old.unlink(missing_ok=True)
        (scratch / seed.name).replace(seed)


def _key(hashes: Iterable[str]) -> str:
    """Return the key of a seed: all that determines its bytes, as 64 hex digits."""
    rules = f"format {SEED_FORMAT}, time {LAYER_TIME}, zstandard {zstandard.__version__}"
    lines = [f"{rules}, level {LEVEL}", *sorted(hashes)]
    return sha256("\n".join(lines).encode()).partition(":")[2]


def _is_intact(seed: Path) -> bool:
    """Return whether a seed is complete and matches its checksum."""
    with seed.open("rb") as file:
        if not is_compressed(file):
            return False
        try:
            with decompressed(file) as content:
                while content.read(CHUNK):
                    pass
        except UNREADABLE:
            return False
    return True


def _compress(plain: Path, target: Path) -> None:
    with plain.open("rb") as source, target.open("xb") as compressed:
        # The checksum lets BuildKit notice a file that the disk changed.
        compressor = zstandard.ZstdCompressor(LEVEL, write_checksum=True)
        compressor.copy_stream(source, compressed)
