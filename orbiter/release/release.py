"""``orbiter release`` and ``orbiter build --verify``: recorded digests of built images."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import msgspec

from orbiter.build.build import build
from orbiter.docker import client
from orbiter.docker.bake import BuildOptions, BuiltImage
from orbiter.lockset.model import LockSet, digest
from orbiter.lockset.record import (
    BAKE_FILE,
    Digests,
    Record,
    RecordedBuilder,
    RecordedImage,
    RecordedLayer,
    image_stages,
    layer_list_name,
)
from orbiter.release import layers
from orbiter.release.layers import LayerEntry
from orbiter.release.verify import ImageComparison, LayerReader, compare_images
from orbiter.render.derived import exporter_options
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError


class Verification:
    """Compares built images with a release; an instance is the argument ``approve`` of ``build``.

    After the call, ``findings`` holds the comparisons and ``allowed`` the answer. Equal images are
    allowed. If they are to be pushed (``push``), their compression must be equal too, because the
    digests in the registry depend on it.
    """

    def __init__(
        self,
        lock_set: LockSet,
        record: Record,
        start_task: StartTask,
        *,
        builder: str = "",
        push: bool = False,
    ) -> None:
        self.findings: tuple[ImageComparison, ...] = ()
        self.allowed = False
        self._lock_set = lock_set
        self._record = record
        self._start_task = start_task
        self._builder = builder
        self._push = push

    def __call__(self, built: tuple[BuiltImage, ...]) -> bool:
        """Compare the images; return whether they may be loaded, pushed and kept."""
        report = self._start_task("comparing")
        report("reading the built images")
        builder = current_builder(self._lock_set, self._builder)
        self.findings = tuple(_compare(self._record, builder, built))
        report("")
        has_other_compression = any(finding.kind == "compression" for finding in self.findings)
        self.allowed = self.equal and not (self._push and has_other_compression)
        return self.allowed

    @property
    def equal(self) -> bool:
        """Return whether all built images hold exactly the released bytes."""
        return all(finding.equal for finding in self.findings)


def build_release(
    lock_set: LockSet, builder: str, start_task: StartTask, *, twice: bool
) -> tuple[Record, tuple[ImageComparison, ...]]:
    """Build all stages of a lock set without a cache; return the record of their digests.

    With ``twice``, also compares a second build with the first and returns the comparisons. Nothing
    is loaded into the engine.
    """
    if not lock_set.is_complete:
        raise ExpectedError(
            f"the lock set of release {lock_set.manifest.release} is partial",
            "run orbiter lock without --only",
        )
    stages = tuple(image_stages(lock_set))
    options = BuildOptions(images=stages, builder=builder, load=False, no_cache=True)
    records: list[Record] = []

    def record_images(built: tuple[BuiltImage, ...]) -> bool:
        records.append(_record(lock_set, builder, built, start_task))
        return False  # the images are only recorded

    build(lock_set, options, start_task, record_images)
    second_build = Verification(lock_set, records[0], start_task, builder=builder)
    if twice:
        build(lock_set, options, start_task, second_build)
    return records[0], second_build.findings


def current_builder(lock_set: LockSet, builder: str) -> RecordedBuilder:
    """Return the versions of a builder and the exporter options of a lock set's images."""
    options = exporter_options(lock_set.files[BAKE_FILE])
    exporter = {key: value for key, _, value in (option.partition("=") for option in options)}
    return msgspec.structs.replace(client.builder_versions(builder), exporter=exporter)


def _compare(
    record: Record, builder: RecordedBuilder, built: Sequence[BuiltImage]
) -> Iterator[ImageComparison]:
    """Compare each built image with its record, which has all images of the lock set."""
    entries_by_diff_id: dict[str, tuple[LayerEntry, ...]] = {}

    def read_entries(image: BuiltImage, layer: RecordedLayer) -> tuple[LayerEntry, ...]:
        # Stages share layers, and reading a large layer takes seconds.
        if layer.diff_id not in entries_by_diff_id:
            entries = tuple(layers.read_entries(image.archive, layer))
            entries_by_diff_id[layer.diff_id] = entries
        return entries_by_diff_id[layer.diff_id]

    builders = (record.digests.builder, builder)
    for image in built:
        reader = LayerReader(recorded=record.entries, built=partial(read_entries, image))
        for platform, built_image in layers.read_images(image.archive).items():
            released = record.digests.stages[image.stage][platform]
            kind, why = compare_images(released, built_image, builders, reader)
            yield ImageComparison(
                stage=image.stage, platform=platform, digest=built_image.digest, kind=kind, why=why
            )


def _record(
    lock_set: LockSet, builder: str, built: Sequence[BuiltImage], start_task: StartTask
) -> Record:
    """Return the record of built images; a layer that several stages share is read once."""
    report = start_task("recording")
    stages: dict[str, Mapping[str, RecordedImage]] = {}
    lists: dict[str, str] = {}
    for image in built:
        report(image.stage)
        stages[image.stage] = layers.read_images(image.archive)
        for recorded in stages[image.stage].values():
            _add_layer_lists(lists, image, recorded)
    report("")
    digests = Digests(
        release=lock_set.manifest.release,
        lockset=lock_set.root,
        builder=current_builder(lock_set, builder),
        stages=stages,
        lists={name: digest(text) for name, text in lists.items()},
    )
    return Record(digests=digests, lists=lists)


def _add_layer_lists(lists: dict[str, str], image: BuiltImage, recorded: RecordedImage) -> None:
    """Add the list of each layer that has none yet."""
    for layer in recorded.layers:
        name = layer_list_name(layer.diff_id)
        if name not in lists:
            entries = layers.read_entries(image.archive, layer)
            lists[name] = "".join(f"{entry.line}\n" for entry in entries)
