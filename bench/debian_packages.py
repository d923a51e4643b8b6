"""Build images with Debian packages of data science twice, on both kinds of base, and compare them.

    python -m bench.debian_packages [LIST...]

Prints a row for each list and base: whether both builds have equal layers, the size, and the
seconds of both builds. The steps of a list run again in the second build; the base comes from the
cache. Layers are compressed with zstd at level 1, which takes less time than the level of releases.
Layers that are equal in both builds are compressed once.
Without a name, all lists are built, which downloads 900 MB of packages.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.support.programs import orbiter, silent
from orbiter.assembly.image import AssembledImage, Layer
from orbiter.build.build import build
from orbiter.build.options import BuildOptions
from orbiter.lockset import folder
from orbiter.lockset.model import LockSet
from orbiter.release import layers
from resolvers.errors import ExpectedError
from tests.support.quick_orbiter import use_quick_compression

LANGUAGE = (
    "echo 'de_DE.UTF-8 UTF-8' > /etc/locale.gen",
    "locale-gen",
    "LC_ALL=de_DE.UTF-8 date -d 2000-03-01 +%B | grep -x März",
)
"""Commands that generate a locale and use it."""


class PackageList(NamedTuple):
    """Debian packages, and commands that run after them."""

    packages: tuple[str, ...]
    commands: tuple[str, ...] = ()


LISTS = {
    "java": PackageList(("default-jre-headless",)),
    "tex": PackageList(("texlive-xetex", "texlive-latex-extra")),
    "ssh": PackageList(("openssh-server",)),
    "postgresql": PackageList(("postgresql",)),
    "r": PackageList(("r-base",)),
    "octave": PackageList(("octave",)),
    "ffmpeg": PackageList(("ffmpeg",)),
    "graphviz": PackageList(("graphviz",)),
    "imagemagick": PackageList(("imagemagick",)),
    "locales": PackageList(("locales", "tzdata"), LANGUAGE),
    "chromium": PackageList(("chromium",)),
    "gdal": PackageList(("gdal-bin",)),
    "git-lfs": PackageList(("git-lfs",)),
}
BASES = {
    "packages": '{ debian = "trixie" }',
    "image": '"debian:trixie-slim"',
}
"""The value of `from` for both kinds of base."""
RELEASE = "0.1.0"
STEP_START = "\nset -eu\n"
"""The first lines of each step in a Dockerfile."""
SHOWN_PATHS = 20


class Build(NamedTuple):
    """A built image, and the seconds that it took."""

    image: AssembledImage
    seconds: float


def main() -> None:
    """Lock all lists once for each base, then build them one by one."""
    names = sys.argv[1:] or list(LISTS)
    use_quick_compression()
    print(f"{'list':12} {'base':9} {'result':10} {'MB':>6} {'seconds':>12}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        os.environ.setdefault("ORBITER_CACHE_DIR", str(Path(name) / "cache"))
        for base, source in BASES.items():
            project = Path(name) / base
            project.mkdir()
            (project / "images.toml").write_text(image_set(source, names))
            orbiter(project, "lock", "-q")
            lock_set = folder.read(project / "locks" / RELEASE)
            for list_name in names:
                build_twice(lock_set, base, list_name)


def image_set(source: str, names: list[str]) -> str:
    """Return an images.toml with an image for each list."""
    lines = [f'version = "{RELEASE}"', 'repository = "orbiter-bench/debian-packages"']
    lines += ["[builder.debian]", f"from = {source}"]
    for name in names:
        packages, commands = LISTS[name]
        lines.append(f"[image.debian.{name}]")
        lines.append(f"apt = {json.dumps(packages)}")
        lines.append(f"postbuild = {json.dumps(commands, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def build_twice(lock_set: LockSet, base: str, name: str) -> None:
    """Build the image of a list twice and print its row."""
    stage = f"debian-{name}"
    try:
        first, second = (build_once(lock_set, stage, number) for number in (1, 2))
    except ExpectedError as error:
        print(f"{name:12} {base:9} failed\n{error.message}", flush=True)
        return
    paths = list(differing_paths(first, second))
    result = "different" if paths else "equal"
    size = sum(layer.size for layer in first.image.layers) / 1e6
    times = f"{first.seconds:.0f} and {second.seconds:.0f}"
    print(f"{name:12} {base:9} {result:10} {size:6.1f} {times:>12}", flush=True)
    for path in paths[:SHOWN_PATHS]:
        print(f"    {path}", flush=True)


def build_once(lock_set: LockSet, stage: str, number: int) -> Build:
    """Build an image without loading it; its own steps do not come from the cache."""
    changed = with_changed_steps(lock_set, stage, number)
    options = BuildOptions(images=(stage,), load=False)
    start = time.perf_counter()
    (built,) = build(changed, options, silent)
    (image,) = built.images
    return Build(image, time.perf_counter() - start)


def with_changed_steps(lock_set: LockSet, stage: str, number: int) -> LockSet:
    """Return a lock set whose build folder has other texts, as of another version of Orbiter."""
    files = {path: changed_text(path, text, stage, number) for path, text in lock_set.files.items()}
    manifest = msgspec.structs.replace(lock_set.manifest, templates="")
    return msgspec.structs.replace(lock_set, manifest=manifest, files=files)


def changed_text(path: str, text: str, stage: str, number: int) -> str:
    """Return a file of the lock set, with a mark in the Dockerfile that repeats its steps."""
    if path == f"build/{stage}/Dockerfile":
        # BuildKit identifies a step by its text.
        return text.replace(STEP_START, f"{STEP_START}# Build {time.time()} {number}\n")
    return text


def differing_paths(first: Build, second: Build) -> Iterator[str]:
    """Yield the paths whose entries differ."""
    if first.image.layers == second.image.layers:
        return
    old, new = entries(first.image.layers), entries(second.image.layers)
    changed = [path for path in sorted({*old, *new}) if old.get(path) != new.get(path)]
    yield from changed or ["the division into layers"]


def entries(image_layers: Iterable[Layer]) -> Mapping[str, str]:
    """Return the line of each entry, as a release records it, by path."""
    return {
        entry.path: entry.line for layer in image_layers for entry in layers.read_entries(layer)
    }


if __name__ == "__main__":
    main()
