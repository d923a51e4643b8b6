"""Recording built images, and verifying later builds; a function stands in for the build."""

from pathlib import Path

import pytest

from orbiter.build.built_image import Approve, BuiltImage
from orbiter.build.options import BuildOptions
from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.lockset import model
from orbiter.lockset.model import LockSet, Manifest
from orbiter.lockset.record import BAKE_FILE, RecordedBuilder, ReleaseRecord, layer_list_name
from orbiter.oci.registry import sha256
from orbiter.release import release
from orbiter.release.layers import read_entries
from orbiter.release.release import Verification, build_release
from orbiter.release.verify import ImageComparison
from orbiter.store.store import Store
from orbiter.tasks import Report, StartTask
from resolvers.errors import ExpectedError
from tests.support.oci_images import AMD64, ARM64, assembled, layer

BASE = layer(("etc/os-release", b"Debian"))
CORE = layer(("opt/same", b"same"))
LOG, OTHER_LOG = (layer(("opt/a", b""), ("opt/x.log", content)) for content in (b"1", b"2"))
BUILDER = RecordedBuilder(engine="26.1.5", compression="zstandard 0.25.0, level 12")
OTHER_BUILDER = RecordedBuilder(buildkit="v0.25.1", compression="zstandard 0.26.0, level 12")
IMAGE_SET = ImageSet(
    version="0.1.0",
    repository="a/b",
    platforms=(AMD64, ARM64),
    builders={"debian": Builder(name="debian", base="debian:trixie-slim")},
    stages=(
        Stage(name="debian-core", builder="debian", image="core", kind="final"),
        Stage(name="debian-base-build", builder="debian", image="base", kind="build"),
        Stage(name="debian-base", builder="debian", image="base", kind="final"),
    ),
)


class Builds:
    """Stands in for ``build``: each call has the next of some results."""

    def __init__(self, *results: tuple[BuiltImage, ...]) -> None:
        self.options: list[BuildOptions] = []
        self.approved: list[bool] = []
        self._results = list(results)

    def __call__(
        self, _lock_set: LockSet, options: BuildOptions, _start_task: StartTask, approve: Approve
    ) -> tuple[BuiltImage, ...]:
        self.options.append(options)
        built = self._results.pop(0)
        self.approved.append(approve(built))
        return built if self.approved[-1] else ()


def silent(_title: str) -> Report:
    return lambda _line: None


def stage(
    folder: Path,
    name: str,
    *tars: bytes,
    compression: str = "zstd",
    builder: RecordedBuilder = BUILDER,
    label: str = "",
) -> BuiltImage:
    """Return a built stage with these layers on top of the base image, for both platforms."""
    images = tuple(
        assembled(
            folder,
            *(BASE, *tars),
            platform=platform,
            compression=compression,
            labels={"label": label},
        )
        for platform in (AMD64, ARM64)
    )
    return BuiltImage(stage=name, tag=f"a/b:{name}", digest="", images=images, builder=builder)


@pytest.fixture
def lock_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LockSet:
    """Return a lock set whose base images are in the store."""
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    digests = {}
    for platform in (AMD64, ARM64):
        base = assembled(tmp_path, BASE, platform=platform, compression="gzip")
        digests[platform] = base.digest
        for content in (base.manifest, base.config):
            Store().add(content, sha256(content))
    bases = {"debian:trixie-slim": digests}
    manifest = Manifest(release="0.1.0", cutoff="", source_date_epoch=1, bases=bases)
    return model.seal(manifest, {"images.toml": snapshot.dump(IMAGE_SET), BAKE_FILE: ""})


@pytest.fixture
def built(tmp_path: Path) -> tuple[BuiltImage, ...]:
    return (stage(tmp_path, "debian-core", CORE), stage(tmp_path, "debian-base", CORE, LOG))


@pytest.fixture
def record(
    lock_set: LockSet, built: tuple[BuiltImage, ...], monkeypatch: pytest.MonkeyPatch
) -> ReleaseRecord:
    monkeypatch.setattr(release, "build", Builds(built))
    return build_release(lock_set, "", silent, twice=False)[0]


def verify(
    record: ReleaseRecord, *built: BuiltImage, push: bool = False
) -> tuple[bool, tuple[ImageComparison, ...]]:
    check = Verification(record, silent, push=push)
    allowed = check(built)
    assert allowed == check.allowed
    return allowed, check.findings


def test_images_are_recorded_without_build_stages(
    lock_set: LockSet, built: tuple[BuiltImage, ...], record: ReleaseRecord
) -> None:
    digests = record.digests
    assert (digests.release, digests.lockset) == ("0.1.0", lock_set.root)
    assert digests.builder == BUILDER
    assert {
        (name, platform): image.digest
        for name, images in digests.stages.items()
        for platform, image in images.items()
    } == {(each.stage, image.platform): image.digest for each in built for image in each.images}
    assert set(digests.lists) == set(record.lists)


def test_layers_of_orbiter_have_lists_and_those_of_base_images_have_none(
    built: tuple[BuiltImage, ...], record: ReleaseRecord
) -> None:
    base, core, log = built[1].images[0].layers
    assert set(record.lists) == {layer_list_name(each.diff_id) for each in (core, log)}
    assert record.entries(base.diff_id) is None
    assert record.entries(log.diff_id) == [entry.line for entry in read_entries(log)]


def test_a_release_is_built_without_cache_and_kept_nowhere(
    lock_set: LockSet, built: tuple[BuiltImage, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = Builds(built, built)
    monkeypatch.setattr(release, "build", builds)
    _, findings = build_release(lock_set, "other", silent, twice=True)
    options = BuildOptions(
        images=("debian-core", "debian-base"), builder="other", load=False, no_cache=True
    )
    assert builds.options == [options, options]
    assert builds.approved[0] is False
    assert {finding.kind for finding in findings} == {"same"}


def test_the_second_build_is_compared_with_the_first(
    tmp_path: Path,
    lock_set: LockSet,
    built: tuple[BuiltImage, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = (built[0], stage(tmp_path, "debian-base", CORE, OTHER_LOG))
    monkeypatch.setattr(release, "build", Builds(built, second))
    _, findings = build_release(lock_set, "", silent, twice=True)
    assert [(finding.stage, finding.platform, finding.kind) for finding in findings] == [
        ("debian-core", AMD64, "same"),
        ("debian-core", ARM64, "same"),
        ("debian-base", AMD64, "layer"),
        ("debian-base", ARM64, "layer"),
    ]


def test_a_partial_lock_set_is_not_released(lock_set: LockSet) -> None:
    files = {"images.toml": lock_set.files["images.toml"]}
    with pytest.raises(ExpectedError, match="is partial"):
        build_release(model.seal(lock_set.manifest, files), "", silent, twice=False)


def test_equal_images_are_allowed(record: ReleaseRecord, built: tuple[BuiltImage, ...]) -> None:
    allowed, findings = verify(record, *built, push=True)
    assert allowed
    assert [finding.digest for finding in findings] == [
        image.digest for each in built for image in each.images
    ]
    assert all(finding.equal and not finding.why for finding in findings)


def test_another_layer_is_rejected_with_its_first_file(
    tmp_path: Path, record: ReleaseRecord
) -> None:
    changed = stage(tmp_path, "debian-base", CORE, OTHER_LOG, builder=OTHER_BUILDER)
    allowed, findings = verify(record, changed)
    assert not allowed
    assert [finding.why for finding in findings] == 2 * [
        (
            "layer 3 of 3 (0.0 MB) is the first that differs",
            "first file: /opt/x.log: its content, owner, mode or name differs",
            "likely cause: log: a step wrote it, and it contains the time or a name",
            "released with the BuildKit of Engine 26.1.5, built now with BuildKit v0.25.1",
        )
    ]


def test_another_compression_is_allowed_unless_it_is_pushed(
    tmp_path: Path, record: ReleaseRecord
) -> None:
    other = stage(tmp_path, "debian-base", CORE, LOG, compression="gzip", builder=OTHER_BUILDER)
    allowed, (finding, _) = verify(record, other)
    assert allowed
    assert finding.kind == "compression"
    assert finding.why[1] == (
        "released with zstandard 0.25.0, level 12, compressed now with zstandard 0.26.0, level 12"
    )
    assert not verify(record, other, push=True)[0]


def test_another_configuration_is_rejected(tmp_path: Path, record: ReleaseRecord) -> None:
    allowed, (finding, _) = verify(record, stage(tmp_path, "debian-core", CORE, label="other"))
    assert (allowed, finding.kind) == (False, "configuration")
