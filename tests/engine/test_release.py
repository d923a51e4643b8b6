"""Releases on the real engine: verified rebuilds, and a message for each kind of difference."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orbiter.assembly.compression import describe
from orbiter.docker import client, local_images
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import record as lockset_record
from orbiter.lockset.record import ReleaseRecord

pytestmark = pytest.mark.engine

STEPS = {
    "log": "date +%N > /opt/build.log",
    # Digits as flags of the header: see PEP 552.
    "bytecode": "mkdir -p /opt/lib/__pycache__; date +%N > /opt/lib/__pycache__/a.pyc",
    "script": "date +%N > /etc/build-id",
    "cache": "date +%N > /var/cache/build",
    "step": "date +%N > /opt/build",
}
"""Steps that write other bytes each time."""
LEFT_OUT = {
    # Nanoseconds taken as seconds are a time in the first 32 years of Unix.
    "time": "for file in a b; do touch -d @$(date +%N | sed s/^0*//) /opt/$file; done",
    "state": "date +%N | tee /var/log/build.log /etc/machine-id > /tmp/build",
    # Flags of zero stand for the time of the source.
    "timed": "mkdir -p /opt/lib/__pycache__; cd /opt/lib/__pycache__; "
    "head -c 8 /dev/zero > a.pyc; date +%N >> a.pyc",
}
"""Steps whose differences are in no layer."""
REPOSITORY = "localhost:1/orbiter-test/release"
IMAGES = f"""
version = "0.1.0"
repository = "{REPOSITORY}"
[builder.debian]
from = "debian:trixie-slim"
python = "3.13"
[image.debian.core]
postbuild = ["echo same > /opt/same"]
[image.debian.base.build]
from = "core"
postbuild = ["date +%N > /opt/env/build; chown -R 1000:100 /opt/env"]
[image.debian.base]
from = "core"
postbuild = ["cat /opt/env/build"]
[image.debian.child]
from = "step"
""" + "".join(
    f'[image.debian.{name}]\nfrom = "core"\npostbuild = ["{step}"]\n'
    for name, step in (STEPS | LEFT_OUT).items()
)
IMAGES_OF_RELEASE = {"base", "child", "core", *STEPS, *LEFT_OUT}


class Project:
    """A folder with images.toml and a lock set; all projects share one store."""

    def __init__(self, folder: Path, cache: Path, images: str = IMAGES) -> None:
        self.folder = folder
        self.cache = cache
        self.release_folder = folder / "locks" / "0.1.0"
        (folder / "images.toml").write_text(images)
        assert self.orbiter("lock", "-q").returncode == 0

    def orbiter(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "orbiter", *words]
        env = {**os.environ, "ORBITER_CACHE_DIR": str(self.cache)}
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def verify(self, *words: str) -> tuple[int, dict[str, str]]:
        """Verify a build; return its exit code, and the report on each image."""
        done = self.orbiter("build", "--verify", "-q", *words)
        assert "Traceback" not in done.stderr
        reports = re.findall(r"^debian-(\w+)-0\.1\.0  (.*(?:\n  .*)*)", done.stdout, re.MULTILINE)
        assert reports, done.stderr
        return done.returncode, dict(reports)

    def record(self) -> ReleaseRecord:
        return lockset_record.read(self.release_folder, lockset_folder.read(self.release_folder))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Project:
    project = Project(tmp_path_factory.mktemp("project"), cache)
    done = project.orbiter("release", "-q")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^debian-base-0\.1\.0  sha256:[0-9a-f]{64}  \d+\.\d MB$", done.stdout, re.MULTILINE
    )
    assert done.stdout.endswith("wrote locks/0.1.0/digests.toml: release 0.1.0 is now fixed\n")
    return project


@pytest.fixture
def altered(released: Project) -> Iterator[Callable[[str, str], None]]:
    """Return a function that changes the text of digests.toml until the test ends."""
    file = released.release_folder / "digests.toml"
    text = file.read_text()

    def alter(old: str, new: str) -> None:
        assert old in text
        file.write_text(file.read_text().replace(old, new))

    yield alter
    file.write_text(text)


@pytest.fixture
def unloaded() -> Iterator[str]:
    """Return a tag that the engine does not have, and remove it after the test."""
    tag = f"{REPOSITORY}:debian-core-0.1.0"
    subprocess.run(["docker", "image", "rm", tag], capture_output=True, check=False)
    yield tag
    subprocess.run(["docker", "image", "rm", tag], capture_output=True, check=False)


def test_all_images_are_recorded_each_built_once(released: Project) -> None:
    record = released.record()
    images = {stage: found["linux/amd64"] for stage, found in record.digests.stages.items()}
    assert set(images) == {f"debian-{name}" for name in IMAGES_OF_RELEASE}
    core = images["debian-core"].layers
    assert all(image.layers[: len(core)] == core for image in images.values())
    step, child = images["debian-step"].layers, images["debian-child"].layers
    assert child[: len(step)] == step, "both have the time at which the stage ran"
    assert record.digests.builder.engine or record.digests.builder.buildkit
    assert record.digests.builder.compression == describe("zstd")


def test_each_layer_except_those_of_the_base_image_has_a_list(released: Project) -> None:
    record = released.record()
    images = [image for found in record.digests.stages.values() for image in found.values()]
    layers = {layer.diff_id for image in images for layer in image.layers}
    base = images[0].layers[0].diff_id  # debian:trixie-slim has one layer
    assert {layer for layer in layers if record.entries(layer) is None} == {base}
    assert len(record.lists) == len(layers) - 1


def test_a_verified_rebuild_is_loaded(released: Project, unloaded: str) -> None:
    code, reports = released.verify("--image", "debian-core", "--no-cache")
    digest = released.record().digests.stages["debian-core"]["linux/amd64"].digest
    assert (code, reports) == (0, {"core": f"{digest}  as released"})
    assert client.connect().images.get(unloaded).id == digest


def test_each_difference_has_its_own_message(released: Project, tmp_path: Path) -> None:
    code, reports = released.verify("--no-cache", "--output", str(tmp_path / "out"))
    assert code == 1
    assert not (tmp_path / "out").exists()
    layers = len(released.record().digests.stages["debian-step"]["linux/amd64"].layers)
    where = (
        f"  DIFFERS\n  layer {layers} of {layers} (0.0 MB) is the first that differs\n"
        "  first file: "
    )
    content = "its content, owner, mode or name differs"
    expected = {
        "log": f"/opt/build.log: {content}\n  likely cause: log:",
        "bytecode": f"/opt/lib/__pycache__/a.pyc: {content}\n  likely cause: byte-code:",
        "script": f"/etc/build-id: {content}\n  likely cause: package script:",
        "cache": f"/var/cache/build: {content}\n  likely cause: cache:",
        "step": f"/opt/build: {content}\n  likely cause: a step of the stage",
    }
    for name, words in expected.items():
        assert where + words in reports[name]
    for name in ("core", *LEFT_OUT):
        assert reports[name].endswith("  as released")
    assert where + f"/opt/env/build: {content}" in reports["base"]


def test_a_recorded_digest_that_was_changed(
    released: Project, altered: Callable[[str, str], None], unloaded: str
) -> None:
    image = released.record().digests.stages["debian-core"]["linux/amd64"]
    altered(image.digest, "sha256:" + "0" * 64)
    code, reports = released.verify("--image", "debian-core")
    assert code == 1
    assert reports["core"].startswith(
        f"{image.digest}  DIFFERS\n  likely cause: the record itself was changed"
    )
    assert local_images.image_labels(unloaded) is None


@pytest.mark.parametrize("field", ["config", "diff-id", "digest"])
def test_a_recorded_digest_of_a_part_that_was_changed(
    released: Project, altered: Callable[[str, str], None], field: str
) -> None:
    image = released.record().digests.stages["debian-core"]["linux/amd64"]
    layer = image.layers[1]
    altered(
        {"config": image.config, "diff-id": layer.diff_id, "digest": layer.digest}[field],
        "sha256:" + "0" * 64,
    )
    code, reports = released.verify("--image", "debian-core", "--no-load")
    assert (code, "likely cause: the record itself was changed" in reports["core"]) == (1, True)


def test_another_compression_counts_as_equal_but_is_not_pushed(
    released: Project, altered: Callable[[str, str], None]
) -> None:
    image = released.record().digests.stages["debian-core"]["linux/amd64"]
    altered(image.digest, "sha256:" + "0" * 64)
    altered(image.layers[1].digest, "sha256:" + "1" * 64)
    code, reports = released.verify("--image", "debian-core", "--no-load")
    assert code == 0
    assert (
        "  as released, except for the compression\n"
        "  every layer has the same content, but is compressed differently" in reports["core"]
    )
    library = describe("zstd")
    assert f"released with {library}, compressed now with {library}" in reports["core"]
    done = released.orbiter("build", "--verify", "--image", "debian-core", "--push", "-q")
    assert done.returncode == 1
    assert "nothing was loaded, pushed or kept" in done.stderr


def test_the_comparison_is_printed_even_if_the_push_fails(released: Project, unloaded: str) -> None:
    done = released.orbiter("build", "--verify", "--image", "debian-core", "--push", "-q")
    assert done.returncode == 2
    assert f"pushing {unloaded} failed" in done.stderr
    assert done.stdout.endswith("  as released\n")


def test_another_configuration(released: Project, altered: Callable[[str, str], None]) -> None:
    image = released.record().digests.stages["debian-core"]["linux/amd64"]
    altered(image.digest, "sha256:" + "0" * 64)
    altered(image.config, "sha256:" + "1" * 64)
    code, reports = released.verify("--image", "debian-core", "--no-load")
    assert code == 1
    assert (
        "layers are equal, but the configuration is not: labels, environment, command, history"
        in reports["core"]
    )


def test_twice_writes_nothing_if_the_second_build_differs(tmp_path: Path, cache: Path) -> None:
    images = (
        IMAGES.partition("[image.debian.core]")[0]
        + '[image.debian.core]\npostbuild = ["date +%N > /opt/x"]\n'
    )
    project = Project(tmp_path, cache, images)
    before = sorted(project.release_folder.rglob("*"))
    done = project.orbiter("release", "--twice", "-q")
    assert done.returncode == 1
    assert "first file: /opt/x" in done.stdout
    assert "the second build differs from the first: nothing was written" in done.stderr
    assert sorted(project.release_folder.rglob("*")) == before


def test_twice_and_equal_is_released(tmp_path: Path, cache: Path) -> None:
    images = IMAGES.partition("[image.debian.base.build]")[0]
    project = Project(tmp_path, cache, images)
    assert project.orbiter("release", "--twice", "-q").returncode == 0
    assert set(project.record().digests.stages) == {"debian-core"}
    assert project.orbiter("lock", "--check").returncode == 0
    assert project.orbiter("lock", "--dry-run", "-q").returncode == 0
    assert "stays at 0.1.0" in project.orbiter("bump", "auto", "-q").stdout


def test_a_release_needs_passed_tests(tmp_path: Path, cache: Path) -> None:
    images = IMAGES.partition("[image.debian.base.build]")[0]
    project = Project(tmp_path, cache, f'{images}verify = ["grep other /opt/same"]\n')
    done = project.orbiter("release", "-q")
    assert done.returncode == 1
    assert "  FAIL" in done.stdout
    assert "tests of debian-core failed: nothing was written" in done.stderr
    assert not (project.release_folder / "digests.toml").exists()
    (tmp_path / "images.toml").write_text(f'{images}verify = ["grep same /opt/same"]\n')
    done = project.orbiter("release", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(project.record().digests.stages) == {"debian-core"}


def test_an_audited_release_accepts_files_that_only_commands_make(
    tmp_path: Path, cache: Path
) -> None:
    images = "require-audit = true" + IMAGES.partition("[image.debian.base.build]")[0]
    project = Project(tmp_path, cache, images)
    done = project.orbiter("release", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(project.record().digests.stages) == {"debian-core"}


def test_an_audited_release_refuses_a_changed_file_of_a_package(
    tmp_path: Path, cache: Path
) -> None:
    head = IMAGES.partition("[image.debian.core]")[0]
    core = 'apt = ["tini"]\npostbuild = ["echo changed >> /usr/share/doc/tini/copyright"]\n'
    project = Project(tmp_path, cache, f"{head}[image.debian.core]\n{core}")
    done = project.orbiter("release", "--audited", "--twice", "-q")
    assert done.returncode == 1
    assert "changed  /usr/share/doc/tini/copyright  apt:tini" in done.stdout
    problem = "the audit of debian-core for linux/amd64 has findings: nothing was written"
    assert problem in done.stderr
    assert not (project.release_folder / "digests.toml").exists()
