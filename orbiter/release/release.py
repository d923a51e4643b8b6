"""``orbiter release`` and ``orbiter build --verify``: recorded digests of built images."""

import json
from collections.abc import Iterator, Mapping, Sequence

from orbiter.assembly.image import Layer
from orbiter.build.build import build
from orbiter.build.built_image import Approve, BuiltImage
from orbiter.build.options import BuildOptions
from orbiter.fetch.fill import base_images
from orbiter.lockset.model import LockSet, digest
from orbiter.lockset.record import (
    Digests,
    RecordedImage,
    ReleaseRecord,
    image_stages,
    layer_list_name,
)
from orbiter.release import layers
from orbiter.release.layers import ListedEntry
from orbiter.release.verify import ImageComparison, LayerReader, compare_images
from orbiter.store.store import Store
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError


class Verification:
    """Compares built images with a release; an instance is the argument ``approve`` of ``build``.

    After the call, ``findings`` holds the comparisons and ``allowed`` the answer. Equal images are
    allowed. If they are to be pushed (``push``), their compression must be equal too, because the
    digests in the registry depend on it.
    """

    def __init__(self, record: ReleaseRecord, start_task: StartTask, *, push: bool = False) -> None:
        self.findings: tuple[ImageComparison, ...] = ()
        self.allowed = False
        self._record = record
        self._start_task = start_task
        self._push = push

    def __call__(self, built: tuple[BuiltImage, ...]) -> bool:
        """Compare the images; return whether they may be loaded, pushed and kept."""
        report = self._start_task("comparing")
        report("reading the built images")
        self.findings = tuple(_compare(self._record, built))
        report("")
        has_other_compression = any(finding.kind == "compression" for finding in self.findings)
        self.allowed = self.equal and not (self._push and has_other_compression)
        return self.allowed

    @property
    def equal(self) -> bool:
        """Return whether all built images hold exactly the released bytes."""
        return all(finding.equal for finding in self.findings)


def build_release(
    lock_set: LockSet,
    builder: str,
    start_task: StartTask,
    *,
    twice: bool,
    approve: Approve = lambda _built: True,
) -> tuple[ReleaseRecord, tuple[ImageComparison, ...]]:
    """Build all images of a lock set without a cache; return the record of their digests.

    With ``twice``, also compares a second build with the first and returns the comparisons, unless
    ``approve`` rejects the first one. Nothing is loaded into the engine.
    """
    if not lock_set.is_complete:
        raise ExpectedError(
            f"the lock set of release {lock_set.manifest.release} is partial",
            "run orbiter lock without --only",
        )
    stages = tuple(image_stages(lock_set))
    options = BuildOptions(images=stages, builder=builder, load=False, no_cache=True)
    records: list[ReleaseRecord] = []
    approved: list[bool] = []

    def record_images(built: tuple[BuiltImage, ...]) -> bool:
        records.append(_record(lock_set, built, start_task))
        approved.append(approve(built))
        return False  # the images are only recorded

    build(lock_set, options, start_task, record_images)
    second_build = Verification(records[0], start_task)
    if twice and all(approved):
        build(lock_set, options, start_task, second_build)
    return records[0], second_build.findings


def _compare(record: ReleaseRecord, built: Sequence[BuiltImage]) -> Iterator[ImageComparison]:
    """Compare each built image with its record, which has all images of the lock set."""
    own_layers = _layers(built)
    entries_by_diff_id: dict[str, tuple[ListedEntry, ...]] = {}

    def read_entries(diff_id: str) -> tuple[ListedEntry, ...]:
        # Stages share layers, and reading a large layer takes seconds.
        if diff_id not in entries_by_diff_id:
            entries_by_diff_id[diff_id] = tuple(layers.read_entries(own_layers[diff_id]))
        return entries_by_diff_id[diff_id]

    reader = LayerReader(recorded=record.entries, built=read_entries)
    for stage in built:
        builders = (record.digests.builder, stage.builder)
        for image in stage.images:
            released = record.digests.stages[stage.stage][image.platform]
            kind, why = compare_images(released, layers.recorded_image(image), builders, reader)
            yield ImageComparison(
                stage=stage.stage, platform=image.platform, digest=image.digest, kind=kind, why=why
            )


def _record(lock_set: LockSet, built: Sequence[BuiltImage], start_task: StartTask) -> ReleaseRecord:
    """Return the record of images that one run of the builder made."""
    report = start_task("recording")
    report("reading the layers")
    pinned = frozenset(_base_layers(lock_set))
    own = [layer for diff_id, layer in _layers(built).items() if diff_id not in pinned]
    lists = {layer_list_name(layer.diff_id): _list_text(layer) for layer in own}
    report("")
    digests = Digests(
        release=lock_set.manifest.release,
        lockset=lock_set.root,
        builder=built[0].builder,
        stages={image.stage: _recorded_images(image) for image in built},
        lists={name: digest(text) for name, text in lists.items()},
    )
    return ReleaseRecord(digests=digests, lists=lists)


def _layers(built: Sequence[BuiltImage]) -> dict[str, Layer]:
    """Return the layers of all images by diff ID; images share layers."""
    images = [image for stage in built for image in stage.images]
    return {layer.diff_id: layer for image in images for layer in image.layers}


def _base_layers(lock_set: LockSet) -> Iterator[str]:
    """Yield the diff IDs of the layers of base images, which the build has put into the store."""
    store = Store()
    for image in base_images(lock_set):
        manifest = json.loads(store.verify(image.digest, image.reference).read_bytes())
        config = store.verify(manifest["config"]["digest"], image.reference)
        yield from json.loads(config.read_bytes())["rootfs"]["diff_ids"]


def _list_text(layer: Layer) -> str:
    """Return the list of a layer."""
    return "".join(f"{entry.line}\n" for entry in layers.read_entries(layer))


def _recorded_images(built: BuiltImage) -> Mapping[str, RecordedImage]:
    """Return the recorded digests of an image by platform."""
    return {image.platform: layers.recorded_image(image) for image in built.images}
