"""Measure how long builds take.

    python -m bench.builds

The first part builds the project's debian-base with an empty cache, and again after one more pip
requirement. The second part compares one build of nine stages with nine builds of one stage each.

Needs a Docker engine, and the address of a channel in ORBITER_WORLD_CONDA_1. Each cold build uses a
new BuildKit (driver docker-container), which ORBITER_WORLD_BUILDKITD_TOML may configure, and no
layers of earlier builds. All locked files are in the store before the clock starts. Images are
written to archives and not loaded.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.support.programs import docker, orbiter, seconds

ROOT = Path(__file__).parents[1]
ADDED = "cowsay"
WARM_GOAL = 1 / 3
"""Goal for the ratio of a rebuild after one more requirement to the first build."""
TOGETHER_GOAL = 0.8
"""Goal for the ratio of one build of all stages to one build for each stage."""
SMALL = """version = "0.1.0"
repository = "orbiter-bench/builds"
[sets]
tools = ["bash", "ca-certificates", "curl", "sudo"]
notebooks = ["jupyterlab", "matplotlib", "numpy", "pandas"]
[builder.alpine]
from = "alpine:3.23"
[image.alpine.core]
apk = ["@tools", "python3"]
[image.alpine.base]
from = "core"
[image.alpine.base.build]
from = "core"
pip = ["@notebooks"]
[builder.debian]
from = { debian = "trixie" }
[image.debian.core]
apt = ["@tools", "git", "python3"]
[image.debian.base]
from = "core"
[image.debian.base.build]
from = "core"
pip = ["@notebooks"]
[builder.micromamba]
from = { debian = "trixie" }
channels = ["CHANNEL"]
installer = "rattler"
[image.micromamba.core]
apt = ["@tools", "python3"]
[image.micromamba.base]
from = "core"
[image.micromamba.base.build]
from = "core"
conda = ["@notebooks", "python=3.12"]
"""
STAGES = [
    f"{builder}-{stage}"
    for builder in ("alpine", "debian", "micromamba")
    for stage in ("core", "base-build", "base")
]


def main() -> None:
    """Run both parts."""
    channel = os.environ.get("ORBITER_WORLD_CONDA_1")
    if not channel:
        print("skipped: ORBITER_WORLD_CONDA_1 does not name a channel")
        return
    with tempfile.TemporaryDirectory() as name:
        measure_rebuild(Path(name))
    with tempfile.TemporaryDirectory() as name:
        measure_stages(Path(name), SMALL.replace("CHANNEL", channel))


def measure_rebuild(folder: Path) -> None:
    """Build debian-base with an empty cache, and again after one more requirement."""
    images = debian_image_set()
    extended = images.replace('pip = ["@notebooks"]', f'pip = ["@notebooks", "{ADDED}"]')
    os.environ["ORBITER_CACHE_DIR"] = str(folder / "cache")
    prepare(folder, images)
    with new_builder() as builder:
        cold = seconds(partial(build, folder, builder, "debian-base"))
        prepare(folder, extended)
        warm = seconds(partial(build, folder, builder, "debian-base"))
    ratio = f"ratio {warm / cold:.2f} (goal {WARM_GOAL:.2f})"
    print(f"debian-base: first build {cold:.1f} s, with one more requirement {warm:.1f} s, {ratio}")


def debian_image_set() -> str:
    """Return the project's images.toml with the builder debian as its only builder."""
    head, _, rest = (ROOT / "images.toml").read_text().partition("[builder.debian]")
    return head + "[builder.debian]" + rest.partition("\n[builder.")[0]


def measure_stages(folder: Path, images: str) -> None:
    """Build nine stages of three builders in one build and in nine, each time from nothing."""
    os.environ["ORBITER_CACHE_DIR"] = str(folder / "cache")
    prepare(folder, images)
    with new_builder() as builder:
        together = seconds(partial(build, folder, builder, *STAGES))
    shutil.rmtree(folder / "cache/assembly")
    with new_builder() as builder:
        apart = sum(seconds(partial(build, folder, builder, stage)) for stage in STAGES)
    ratio = f"ratio {together / apart:.2f} (goal {TOGETHER_GOAL})"
    print(f"nine stages: in one build {together:.1f} s, in nine builds {apart:.1f} s, {ratio}")


def prepare(folder: Path, images: str) -> None:
    """Lock an image set and fetch its files into the store."""
    (folder / "images.toml").write_text(images)
    orbiter(folder, "lock", "-q")
    orbiter(folder, "fetch", "-q")


def build(folder: Path, builder: str, *stages: str) -> None:
    """Build stages and write them to archives."""
    images = [word for stage in stages for word in ("--image", stage)]
    output = ["--no-load", "--output", "out"]
    orbiter(folder, "build", "-q", "--builder", builder, *output, *images)


@contextmanager
def new_builder() -> Iterator[str]:
    """Run a new BuildKit with an empty cache until the block ends."""
    name = f"orbiter-bench-{uuid.uuid4().hex[:8]}"
    settings = os.environ.get("ORBITER_WORLD_BUILDKITD_TOML")
    config = ["--driver-opt", "network=host", "--config", settings] if settings else []
    driver = ["--driver", "docker-container", "--bootstrap", *config]
    docker("buildx", "create", "--name", name, *driver)
    try:
        yield name
    finally:
        docker("buildx", "rm", name)


if __name__ == "__main__":
    main()
