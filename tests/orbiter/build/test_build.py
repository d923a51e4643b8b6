"""Builds without an engine: layouts of the tests take the place of what BuildKit makes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.assembly.blobs import Blobs
from orbiter.build import build as build_module
from orbiter.build.build import build
from orbiter.build.built_image import BuiltImage
from orbiter.build.inputs import build_definition
from orbiter.build.options import BuildOptions
from orbiter.docker import client
from orbiter.docker.bake import BakeOptions
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset.model import LockSet
from orbiter.lockset.record import RecordedBuilder
from orbiter.render.derived import derive
from orbiter.store.store import Store
from orbiter.tasks import Report
from resolvers.errors import ExpectedError
from tests.support.base_images import lock_set_above, store_base_image
from tests.support.layer_engine import root_of
from tests.support.lock_sets import older, small
from tests.support.oci_images import AMD64
from tests.support.paths import ROOT
from tests.support.raw_layouts import folder, member, tar, tars, write_image, write_index

DOCKERFILE = "debian-base/Dockerfile"
BASE_TAR = tar(folder("etc"), member("etc/base"))
STAGES = {
    "debian-core": [tar(folder("etc"), member("etc/core"))],
    "debian-base": [tar(folder("etc"), member("etc/.wh.base"), member("new"))],
}
CORE_ONLY = BuildOptions(images=("debian-core",), load=False)
BOTH = BuildOptions(load=False)


def assembled_releases() -> list[LockSet]:
    """Return the releases of this repository that have rules of assembly."""
    names = lockset_folder.releases(ROOT / "locks")
    lock_sets = [lockset_folder.read(ROOT / "locks" / name) for name in names]
    return [lock_set for lock_set in lock_sets if lock_set.manifest.assembly]


@pytest.mark.parametrize("lock_set", [small(), *assembled_releases()])
def test_a_release_is_built_with_its_definition(lock_set: LockSet) -> None:
    definition = build_definition(derive(lock_set), lock_set.root)
    assert definition == json.loads(lock_set.files["build/docker-bake.json"])


def test_lock_sets_of_other_templates_share_no_cache_mounts() -> None:
    derived = derive(older())
    mount = "RUN --network=none --mount=type=cache,id=orbiter-wheels-0 <<'X'\nX\n"
    with_cache = replace(derived, files={**derived.files, DOCKERFILE: mount})
    targets = build_definition(with_cache, "sha256:root")["target"]
    assert targets["debian-base"]["args"]["BUILDKIT_CACHE_MOUNT_NS"] == "sha256:root"
    assert "BUILDKIT_CACHE_MOUNT_NS" not in targets["debian-core"]["args"]
    same = build_definition(derive(small()), "sha256:root")
    assert "BUILDKIT_CACHE_MOUNT_NS" not in json.dumps(same)


class BuildKit:
    """Takes the place of bake, and keeps the targets of each run."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, ...]] = []
        self.stages = STAGES
        self.marker = ""
        """The name of the last stage in the history, if it is not its own."""

    def bake(self, place: Path, _definition: object, options: BakeOptions, _tasks: object) -> None:
        self.runs.append(options.targets)
        for name in options.targets:
            lineage = [*self.stages][: [*self.stages].index(name) + 1]
            layout = place / "images" / name
            stages = {each: self.stages[each] for each in lineage}
            if self.marker:
                stages[self.marker] = stages.pop(name)
            write_index(layout, write_image(layout, stages, [BASE_TAR]))


@pytest.fixture
def without_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    client._connection.cache_clear()
    yield
    client._connection.cache_clear()


@pytest.fixture
def buildkit(monkeypatch: pytest.MonkeyPatch) -> BuildKit:
    """Replace BuildKit and the downloads; the builder is not part of an engine."""
    fake = BuildKit()
    monkeypatch.setattr(build_module, "run_bake", fake.bake)
    monkeypatch.setattr(build_module, "fill", lambda *_arguments: "")
    monkeypatch.setattr(build_module, "write_inputs", lambda *_arguments: None)
    monkeypatch.setattr(client, "connect", lambda: None)
    monkeypatch.setattr(client, "builder_versions", lambda _builder: RecordedBuilder(buildx="1"))
    return fake


@pytest.fixture
def base() -> str:
    """Return the digest of a base image in the store."""
    return store_base_image([BASE_TAR], Store())


@pytest.fixture
def lock_set(base: str) -> LockSet:
    return lock_set_above(base)


def start_task(_title: str) -> Report:
    return lambda _line: None


def test_built_images_have_the_labels_of_the_lock_set(
    buildkit: BuildKit, lock_set: LockSet
) -> None:
    core, base = build(lock_set, BOTH, start_task)
    assert buildkit.runs == [("debian-core", "debian-base")]
    assert (core.stage, core.tag) == ("debian-core", "orbiter-test/small:debian-core-0.1.0")
    (image,) = base.images
    assert (base.digest, base.index, base.platforms) == (image.digest, None, (AMD64,))
    labels = json.loads(image.config)["config"]["Labels"]
    assert labels["org.orbiter.lockset"] == lock_set.root
    assert labels["org.opencontainers.image.revision"] == lock_set.root
    assert base.builder.buildx == "1"
    assert base.builder.compression.startswith("zstandard ")
    assert Blobs().path(image.config_digest).read_bytes() == image.config
    unpacked = root_of([BASE_TAR, *tars(image)[1:]])
    assert [*unpacked] == ["etc", "etc/core", "new"]
    assert image.layers[0] == core.images[0].layers[0]
    assert image.layers[0].path == Store().path(image.layers[0].digest)


def test_an_unchanged_image_needs_neither_buildkit_nor_an_engine(
    buildkit: BuildKit, lock_set: LockSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(lock_set, BOTH, start_task)
    monkeypatch.setattr(client, "connect", lambda: pytest.fail("an engine is not needed"))
    assert build(lock_set, BOTH, start_task) == first
    assert len(buildkit.runs) == 1


def test_only_images_that_are_not_known_are_built(buildkit: BuildKit, lock_set: LockSet) -> None:
    (core,) = build(lock_set, CORE_ONLY, start_task)
    both = build(lock_set, BOTH, start_task)
    assert both[0] == core
    assert buildkit.runs == [("debian-core",), ("debian-base",)]
    build(lock_set, replace(BOTH, no_cache=True), start_task)
    assert buildkit.runs[2:] == [("debian-core", "debian-base")]


def test_the_order_of_the_images_does_not_matter(buildkit: BuildKit, lock_set: LockSet) -> None:
    names = ("debian-base", "debian-core")
    base, core = build(lock_set, replace(BOTH, images=names), start_task)
    assert build(lock_set, replace(BOTH, no_cache=True), start_task) == (core, base)
    assert len(buildkit.runs) == 2


def test_a_platform_that_is_named_twice_is_built_once(
    buildkit: BuildKit, lock_set: LockSet
) -> None:
    (core,) = build(lock_set, CORE_ONLY, start_task)
    twice = replace(CORE_ONLY, platforms=(AMD64, AMD64))
    assert build(lock_set, twice, start_task) == (core,)
    assert len(buildkit.runs) == 1


def test_a_missing_blob_is_built_again(buildkit: BuildKit, lock_set: LockSet) -> None:
    (core,) = build(lock_set, CORE_ONLY, start_task)
    core.images[0].layers[-1].path.unlink()
    assert build(lock_set, CORE_ONLY, start_task) == (core,)
    assert len(buildkit.runs) == 2
    assert core.images[0].layers[-1].path.exists()


def test_another_root_digest_changes_only_the_labels(
    buildkit: BuildKit, lock_set: LockSet, base: str
) -> None:
    (core,) = build(lock_set, CORE_ONLY, start_task)
    other = lock_set_above(base, tools={"uv": "9"})
    assert other.root != lock_set.root
    (other_core,) = build(other, CORE_ONLY, start_task)
    assert len(buildkit.runs) == 1
    assert other_core.images[0].layers == core.images[0].layers
    assert other_core.digest != core.digest


def test_a_rejected_image_is_not_kept(
    buildkit: BuildKit, lock_set: LockSet, tmp_path: Path
) -> None:
    seen: list[BuiltImage] = []

    def approve(built: tuple[BuiltImage, ...]) -> bool:
        seen.extend(built)
        return False

    options = replace(CORE_ONLY, output=tmp_path / "output")
    assert build(lock_set, options, start_task, approve) == tuple(seen)
    assert not (tmp_path / "output").exists()
    (core,) = build(lock_set, options, start_task)
    assert core.file == tmp_path / "output" / "debian-core-0.1.0.tar"
    assert len(buildkit.runs) == 1


def test_stages_of_another_build_are_an_error(buildkit: BuildKit, lock_set: LockSet) -> None:
    buildkit.stages = {"debian-core": STAGES["debian-core"]}
    build(lock_set, CORE_ONLY, start_task)
    buildkit.marker = "debian-gis"
    with pytest.raises(ExpectedError, match="other stages than those of debian-core: debian-gis"):
        build(lock_set, replace(CORE_ONLY, no_cache=True), start_task)


@pytest.mark.usefixtures("without_engine")
@pytest.mark.parametrize("options", [CORE_ONLY, BuildOptions()])
def test_without_an_engine_nothing_is_downloaded(
    monkeypatch: pytest.MonkeyPatch, options: BuildOptions
) -> None:
    monkeypatch.setattr(build_module, "fill", lambda *_words: pytest.fail("it downloads"))
    with pytest.raises(ExpectedError, match="cannot connect to a Docker engine"):
        build(small(), options, start_task)
