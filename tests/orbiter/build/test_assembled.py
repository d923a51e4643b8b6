"""The images of a lock set from layouts: their stages, platforms, base images and own files."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from orbiter.assembly.assemble import AssembledStage, Assembler, AssemblyOptions, BaseLayers
from orbiter.assembly.blobs import Blobs
from orbiter.assembly.image import AssembledImage
from orbiter.assembly.raw_image import RawImage
from orbiter.build.assembled import StageImages
from orbiter.config import snapshot
from orbiter.config.image_set import Builder, Download, DownloadedFile, ImageSet, OwnFile, Stage
from orbiter.lockset import model
from orbiter.lockset.downloads import LockedDownload
from orbiter.lockset.model import Manifest
from orbiter.render.derived import Derived
from orbiter.render.downloads import PlacedDownload
from orbiter.render.model import Plan, StagePlan
from orbiter.store.store import Store
from orbiter.tasks import Report
from tests.support.base_images import store_base_image
from tests.support.layer_engine import root_of
from tests.support.oci_images import AMD64, ARM64
from tests.support.raw_layouts import (
    base_layers,
    folder,
    member,
    tar,
    tars,
    write_image,
    write_index,
)

BASE_TAR = tar(folder("etc"), member("etc/base"))
SHA256 = "0" * 64
OWN = OwnFile(source="x", sha256=SHA256, size=1, target="/tmp/own", mode="0644")
ADDRESS = "https://example.org/x"
PLACED = PlacedDownload(
    download=Download(platforms={AMD64: DownloadedFile(url=ADDRESS, target="/opt/tool/")}),
    file=DownloadedFile(url=ADDRESS, target="/opt/tool/"),
    locked=LockedDownload(url=ADDRESS, sha256=SHA256, size=1, platforms=(AMD64,)),
)
STAGES = (
    Stage(name="debian", builder="debian", image="", kind="base"),
    Stage(name="debian-core", builder="debian", image="core", kind="final", parent="debian"),
    Stage(
        name="debian-geo",
        builder="debian",
        image="geo",
        kind="final",
        parent="debian-core",
        files=(OWN,),
        trim=("docs",),
    ),
    Stage(name="alpine-core", builder="alpine", image="core", kind="final"),
)


class Recorded(Assembler):
    """An assembler that keeps its arguments."""

    def __init__(self, scratch: Path) -> None:
        super().__init__(Blobs(), scratch, AssemblyOptions(compression="gzip", created=1))
        self.calls: list[tuple[RawImage, Sequence[AssembledStage], BaseLayers]] = []

    def assemble(
        self, raw: RawImage, lineage: Sequence[AssembledStage], base: BaseLayers, report: Report
    ) -> AssembledImage:
        self.calls.append((raw, lineage, base))
        return super().assemble(raw, lineage, base, report)


@pytest.fixture
def known(tmp_path: Path) -> Recorded:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Recorded(scratch)


@pytest.fixture
def images(known: Recorded) -> StageImages:
    """Return the images of a lock set whose builder alpine starts from a base image."""
    image_set = ImageSet(
        version="0.1.0",
        repository="a/b",
        platforms=(AMD64, ARM64),
        builders={
            "debian": Builder(name="debian", suite="trixie"),
            "alpine": Builder(name="alpine", base="alpine:3.23"),
        },
        stages=STAGES,
    )
    digests = dict.fromkeys((AMD64, ARM64), store_base_image([BASE_TAR], Store()))
    manifest = Manifest(
        release="0.1.0", cutoff="", source_date_epoch=1, bases={"alpine:3.23": digests}
    )
    plans = tuple(
        StagePlan(stage=stage, pins={}, downloads={AMD64: (PLACED,)} if stage.trim else {})
        for stage in STAGES
    )
    plan = Plan(image_set=image_set, release="0.1.0", epoch=1, bases={}, stages=plans)
    return StageImages(
        lock_set=model.seal(manifest, {"images.toml": snapshot.dump(image_set)}),
        derived=Derived(plan=plan, files={}, same_templates=True, unproven=()),
        store=Store(),
        assembler=known,
    )


def write(layout: Path, lineage: list[str], base: list[bytes]) -> None:
    descriptors = [
        write_image(
            layout,
            {name: [tar(member(f"{name}-{platform[6:]}"))] for name in lineage},
            base,
            platform=platform,
        )
        for platform in (ARM64, AMD64)
    ]
    write_index(layout, *descriptors)


def test_each_platform_has_the_stages_of_the_lineage(
    tmp_path: Path, images: StageImages, known: Recorded
) -> None:
    lineage = ["debian", "debian-core", "debian-geo"]
    write(tmp_path, lineage, [BASE_TAR])
    made = images.assemble("debian-geo", tmp_path, (AMD64, ARM64), print)
    assert [image.platform for image in made] == [AMD64, ARM64]
    for image, architecture in zip(made, ("amd64", "arm64"), strict=True):
        paths = {path for path in root_of(tars(image)) if path.startswith("debian")}
        assert paths == {f"{name}-{architecture}" for name in lineage}
    raw, stages, base = known.calls[0]
    assert raw.platform == AMD64
    assert stages[:2] == [AssembledStage(name="debian"), AssembledStage(name="debian-core")]
    assert base == BaseLayers()
    assert "etc/base" in root_of(tars(made[0]))


def test_own_files_and_downloads_are_kept(
    tmp_path: Path, images: StageImages, known: Recorded
) -> None:
    write(tmp_path, ["debian", "debian-core", "debian-geo"], [])
    images.assemble("debian-geo", tmp_path, (AMD64, ARM64), print)
    keeps = [(raw.platform, stages[-1].keep) for raw, stages, _ in known.calls]
    assert keeps == [
        (AMD64, frozenset({"tmp/own", "opt/tool"})),
        (ARM64, frozenset({"tmp/own"})),
    ]
    assert known.calls[0][1][-1].rules == ("docs",)


def test_the_layers_of_the_base_image_come_from_the_store(
    tmp_path: Path, images: StageImages
) -> None:
    write(tmp_path, ["alpine-core"], [BASE_TAR])
    made = images.assemble("alpine-core", tmp_path, (ARM64,), print)
    (image,) = made
    assert tars(image)[0] == BASE_TAR
    assert image.layers[0].path == Store().path(image.layers[0].digest)
    assert image.layers[0].digest != base_layers(tmp_path, BASE_TAR).layers[0].digest
    assert [*root_of(tars(image)[1:])] == ["alpine-core-arm64"]
