"""Images for linux/amd64 and linux/arm64 under one tag; QEMU runs what is for linux/arm64.

Emulated steps take most of the time, so the images are small, and only one is built twice.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from orbiter.oci.registry import OCI_INDEX, sha256
from resolvers.apt.lock_file import parse
from tests.support.paths import QUICK_ORBITER

REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.index,
    pytest.mark.emulator,
    pytest.mark.skipif(not REGISTRY, reason="ORBITER_WORLD_REGISTRY names no registry to push to"),
]
AMD64, ARM64 = "linux/amd64", "linux/arm64"
STAGES = ("debian-core", "debian-base")
IMAGES = """
version = "0.1.0"
repository = "{repository}"
platforms = ["linux/amd64", "linux/arm64"]

[builder.debian]
from = {{ debian = "trixie" }}
python = "3.13"

[image.debian.core]
apt = ["python3"]

[image.debian.base]
from = "core"

[image.debian.base.build]
from = "core"
pip = ["ipykernel", "numpy"]
"""
KERNEL = """
import platform, subprocess
from jupyter_client.manager import start_new_kernel

lines = []
manager, client = start_new_kernel(startup_timeout=600)
client.execute_interactive(
    "import numpy; print(numpy.arange(8) @ numpy.arange(8))",
    timeout=600,
    output_hook=lambda message: lines.append(message["content"].get("text", "").strip()),
)
manager.shutdown_kernel(now=True)
architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
print(platform.machine(), architecture, *filter(None, lines))
"""
"""Starts the kernel of notebooks, and lets it compute with NumPy."""


class Layer:
    """A layer of an image: its digest, the paths in it, and its name, such as ``packages 3``."""

    def __init__(self, name: str, digest: str, content: bytes) -> None:
        self.name, self.digest = name.rpartition(": ")[2], digest
        plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            self.paths = tar.getnames()

    @property
    def is_pure_python(self) -> bool:
        """Whether the layer has Python packages, and none of them has compiled modules."""
        if self.name.startswith("packages "):
            return True
        return self.name.startswith("pip:") and not any(".so" in path for path in self.paths)


class Project:
    """An image set, locked and built for both platforms."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        self.repository = f"{REGISTRY}/orbiter-test/arm64-{uuid.uuid4().hex}"
        (folder / "images.toml").write_text(IMAGES.format(repository=self.repository))
        self.run("lock", "-q")
        printed = self.run("build", "-q", "--no-load", "--output", "images")
        self.digests = dict(zip(STAGES, digests(printed), strict=True))

    def run(self, *arguments: str) -> str:
        env = {**os.environ, "ORBITER_CACHE_DIR": str(self.cache)}
        command = [sys.executable, QUICK_ORBITER, *arguments]
        process = subprocess.run(
            command, cwd=self.folder, env=env, check=False, text=True, capture_output=True
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    def tag(self, stage: str) -> str:
        return f"{self.repository}:{stage}-0.1.0"

    def blob(self, stage: str, digest: str) -> bytes:
        """Return a file of an image."""
        with tarfile.open(self.folder / f"images/{stage}-0.1.0.tar") as archive:
            file = archive.extractfile(f"blobs/sha256/{digest.removeprefix('sha256:')}")
            assert file
            return file.read()

    def manifests(self, stage: str) -> dict[str, str]:
        """Return the digests of a stage's images by platform."""
        return platforms(json.loads(self.blob(stage, self.digests[stage])))

    def layers(self, stage: str, platform: str) -> list[Layer]:
        manifest = json.loads(self.blob(stage, self.manifests(stage)[platform]))
        config = json.loads(self.blob(stage, manifest["config"]["digest"]))
        names = [step["created_by"] for step in config["history"] if not step.get("empty_layer")]
        return [
            Layer(name, layer["digest"], self.blob(stage, layer["digest"]))
            for name, layer in zip(names, manifest["layers"], strict=True)
        ]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def pushed(project: Project) -> Iterator[dict[str, str]]:
    """Push the images; return their digests by stage."""
    printed = project.run("push", "-q")
    yield dict(zip(STAGES, digests(printed), strict=True))
    command = ["docker", "rmi", "--force", project.tag("debian-base")]  # pulled to run it
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def digests(printed: str) -> list[str]:
    """Return the digests in lines of images, which begin with their tags."""
    return [line.split()[1] for line in printed.splitlines()]


def platforms(index: Any) -> dict[str, str]:
    """Return the digests that an image index lists by platform."""
    return {
        "/".join(each["platform"][key] for key in ("os", "architecture")): each["digest"]
        for each in index["manifests"]
    }


def test_both_platforms_are_locked_without_an_image_of_either(project: Project) -> None:
    folder = project.folder / "locks/0.1.0"
    lock = parse({"apt.lock": (folder / "debian/apt.lock").read_text()})
    python3 = {
        platform: package.file
        for package in lock.package
        for platform in package.platforms
        if package.name == "python3"
    }
    assert python3.keys() == {AMD64, ARM64}
    assert python3[AMD64].endswith("_amd64.deb")
    assert python3[ARM64] == python3[AMD64].replace("_amd64.", "_arm64.")
    assert tomllib.loads((folder / "lockset.toml").read_text())["bases"] == {}


@pytest.mark.parametrize("stage", STAGES)
def test_one_tag_names_the_images_of_both_platforms(
    project: Project, pushed: dict[str, str], stage: str
) -> None:
    repository = project.repository.removeprefix(f"{REGISTRY}/")
    address = f"http://{REGISTRY}/v2/{repository}/manifests/{stage}-0.1.0"
    answer = httpx.get(address, headers={"Accept": OCI_INDEX}, timeout=60).raise_for_status()
    assert sha256(answer.content) == pushed[stage] == project.digests[stage]
    assert platforms(answer.json()) == project.manifests(stage)
    assert project.manifests(stage).keys() == {AMD64, ARM64}


def test_layers_of_pure_python_packages_are_the_same_on_both_platforms(project: Project) -> None:
    amd64, arm64 = (project.layers("debian-base", platform) for platform in (AMD64, ARM64))
    pure = {layer.name: layer for layer in amd64 if layer.is_pure_python}
    assert {layer.name: layer.digest for layer in arm64 if layer.is_pure_python} == {
        name: layer.digest for name, layer in pure.items()
    }
    paths = {path for layer in pure.values() for path in layer.paths}
    packages = "opt/env/lib/python3.13/site-packages"
    for module in ("ipykernel/kernelapp", "IPython/paths", "packaging/version", "pygments/lexer"):
        assert f"{packages}/{module}.py" in paths
    numpy = [layer.digest for layer in (*amd64, *arm64) if layer.name == "pip:numpy"]
    assert len(set(numpy)) == 2


@pytest.mark.usefixtures("pushed")
@pytest.mark.parametrize(
    ("platform", "machine"), [(AMD64, "x86_64 amd64"), (ARM64, "aarch64 arm64")]
)
def test_a_kernel_starts_and_imports_numpy(project: Project, platform: str, machine: str) -> None:
    command = ["docker", "run", "--rm", "--interactive", "--pull=always", "--quiet"]
    command += ["--platform", platform, project.tag("debian-base"), "python", "-"]
    process = subprocess.run(command, input=KERNEL, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == f"{machine} 140"


def test_an_emulated_build_without_cache_gives_the_same_digest(project: Project) -> None:
    options = ("--image", "debian-core", "--platform", ARM64, "--no-cache", "--no-load")
    (digest,) = digests(project.run("build", "-q", *options))
    assert digest == project.manifests("debian-core")[ARM64]
