"""How long builds take: one that a requirement of pip was added to, and all stages at once against one by one.

    python -m bench.builds

Needs a Docker engine, and ORBITER_WORLD_CONDA_1 with the address of a channel. Every cold build has an empty cache of
its own: a BuildKit of its own (docker-container), which ORBITER_WORLD_BUILDKITD_TOML may configure. What is locked is
in the store before anything is timed, and images are kept as archives, not loaded.
"""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
ADDED = "cowsay"
WARM, AT_ONCE = 1 / 3, 0.8
"""The ratios that are aimed at."""
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
    """Measure both."""
    channel = os.environ.get("ORBITER_WORLD_CONDA_1")
    if not channel:
        print("skipped: ORBITER_WORLD_CONDA_1 names no channel")
        return
    with tempfile.TemporaryDirectory() as name:
        rebuild(Path(name))
    with tempfile.TemporaryDirectory() as name:
        nine(Path(name), SMALL.replace("CHANNEL", channel))


def rebuild(place: Path) -> None:
    """The project's own debian-base, cold, and warm after one more requirement."""
    images = debian()
    prepare(place, images)
    with builder() as name:
        cold = built(place, name, "debian-base")
        prepare(place, images.replace('pip = ["@notebooks"]', f'pip = ["@notebooks", "{ADDED}"]'))
        warm = built(place, name, "debian-base")
    print(
        f"debian-base cold {cold:.1f} s, with one more requirement {warm:.1f} s: {warm / cold:.2f} (aim {WARM:.2f})"
    )


def debian() -> str:
    """The project's images.toml with its builder debian alone."""
    own, _, rest = (ROOT / "images.toml").read_text().partition("[builder.debian]")
    return own + "[builder.debian]" + rest.partition("\n[builder.")[0]


def nine(place: Path, images: str) -> None:
    """Nine stages of three builders, in one build and in nine, each way from nothing."""
    prepare(place, images)
    with builder() as name:
        together = built(place, name, *STAGES)
    with builder() as name:
        alone = sum(built(place, name, stage) for stage in STAGES)
    ratio = together / alone
    print(
        f"nine stages at once {together:.1f} s, one by one {alone:.1f} s: {ratio:.2f} (aim {AT_ONCE})"
    )


def prepare(place: Path, images: str) -> None:
    """Lock, and bring all into the store."""
    (place / "images.toml").write_text(images)
    orbiter(place, "lock", "-q")
    orbiter(place, "fetch", "-q")


def built(place: Path, builder: str, *stages: str) -> float:
    """The seconds of one build of these stages."""
    asked = [word for stage in stages for word in ("--image", stage)]
    began = time.monotonic()
    orbiter(place, "build", "-q", "--builder", builder, "--no-load", "--output", "out", *asked)
    return time.monotonic() - began


@contextmanager
def builder() -> Iterator[str]:
    """A BuildKit of its own, and so with an empty cache, until the block ends."""
    name = f"orbiter-bench-{uuid.uuid4().hex[:8]}"
    settings = os.environ.get("ORBITER_WORLD_BUILDKITD_TOML")
    config = ["--driver-opt", "network=host", "--config", settings] if settings else []
    docker(
        "buildx", "create", "--name", name, "--driver", "docker-container", "--bootstrap", *config
    )
    try:
        yield name
    finally:
        docker("buildx", "rm", name)


def docker(*words: str) -> None:
    """Run a command of Docker."""
    subprocess.run(
        ["docker", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def orbiter(place: Path, *words: str) -> None:
    """Run Orbiter there."""
    subprocess.run(
        [sys.executable, "-m", "orbiter", *words], cwd=place, check=True, stdout=subprocess.DEVNULL
    )


if __name__ == "__main__":
    main()
