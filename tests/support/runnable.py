"""Lock sets of one image with a server, for tests of the commands that run it."""

import json

from msgspec.structs import replace

from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.config.runtime import NO_SETTINGS, Runtime
from orbiter.lockset import model
from orbiter.lockset.model import LockSet, Manifest

TAG = "orbiter-test/run:debian-base-0.1.0"
BAKE = {
    "group": {"default": {"targets": ["debian-base"]}},
    "target": {"debian-base": {"tags": [TAG]}},
}
IMAGE_SET = ImageSet(
    version="0.1.0",
    repository="orbiter-test/run",
    platforms=("linux/amd64",),
    builders={"debian": Builder(name="debian", base="python:3.13-slim")},
    stages=(Stage(name="debian-base", builder="debian", image="base", kind="final"),),
)


def locked(*names: str, epoch: int = 1, runtime: Runtime = NO_SETTINGS) -> LockSet:
    """Return a lock set of one image with these packages and settings."""
    (stage,) = IMAGE_SET.stages
    image_set = replace(IMAGE_SET, stages=(replace(stage, runtime=runtime),))
    packages = [
        {"manager": "pip", "name": name, "version": "1"} for name in names or ("jupyterlab",)
    ]
    files = {
        "images.toml": snapshot.dump(image_set),
        "build/docker-bake.json": json.dumps(BAKE),
        "build/debian-base/packages-linux-amd64.json": json.dumps(
            {"format": 1, "packages": packages}
        ),
    }
    manifest = Manifest(release="0.1.0", cutoff="2026-01-01T00:00:00Z", source_date_epoch=epoch)
    return model.seal(manifest, files)
