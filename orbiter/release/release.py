"""orbiter release and orbiter build --verify: the digests of what is built, recorded once and compared ever after."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import msgspec

from orbiter.build import build
from orbiter.docker import bake, client
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
from orbiter.release import layers, verify
from orbiter.release.layers import LayerEntry
from orbiter.release.verify import ImageComparison
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError


class Verification:
    """Compares what is built with what was released; to be given to ``stock.build`` as ``approve``.

    It gives leave where all is equal. For images that are to be pushed (``push``) that includes the compression,
    because their digests in the registry hang on it. ``findings``, and whether it gave leave
    (``allowed``), are there once it was called.
    """

    def __init__(
        self,
        locked: LockSet,
        record: Record,
        board: StartTask,
        *,
        builder: str = "",
        push: bool = False,
    ) -> None:
        self.findings: tuple[ImageComparison, ...] = ()
        self.allowed = False
        self._locked = locked
        self._record = record
        self._board = board
        self._builder = builder
        self._push = push

    def __call__(self, built: tuple[BuiltImage, ...]) -> bool:
        """Compare; gives whether the images may be used."""
        tell = self._board("comparing")
        tell("reading what was built")
        self.findings = tuple(findings(self._record, facts(self._locked, self._builder), built))
        tell("")
        refused = self._push and any(each.kind == "compression" for each in self.findings)
        self.allowed = self.equal and not refused
        return self.allowed

    @property
    def equal(self) -> bool:
        """Whether all that was built holds what was released."""
        return all(finding.equal for finding in self.findings)


def findings(
    record: Record, builder: RecordedBuilder, built: Sequence[BuiltImage]
) -> Iterator[ImageComparison]:
    """How each image that was built compares with its record, which names all images of the lock set."""
    seen: dict[str, tuple[LayerEntry, ...]] = {}

    def entries(image: BuiltImage, layer: RecordedLayer) -> tuple[LayerEntry, ...]:
        if layer.diff_id not in seen:
            seen[layer.diff_id] = tuple(layers.read_entries(image.archive, layer))
        return seen[layer.diff_id]

    for image in built:
        for platform, found in layers.read_images(image.archive).items():
            released = record.digests.stages[image.stage][platform]
            builders = (record.digests.builder, builder)
            kind, why = verify.compare_images(
                released, found, builders, recorded=record.entries, entries=partial(entries, image)
            )
            yield ImageComparison(
                stage=image.stage, platform=platform, digest=found.digest, kind=kind, why=why
            )


def build_release(
    locked: LockSet, builder: str, board: StartTask, *, twice: bool
) -> tuple[Record, tuple[ImageComparison, ...]]:
    """Build all stages of a lock set with clean caches, and record what came out.

    With ``twice`` a second clean build is compared with the first; its findings come along. Nothing is loaded.
    """
    if not locked.is_complete:
        raise ExpectedError(
            f"the lock set of release {locked.manifest.release} is partial",
            "run orbiter lock without --only",
        )
    options = BuildOptions(
        images=tuple(image_stages(locked)), builder=builder, load=False, no_cache=True
    )
    records: list[Record] = []

    def take(built: tuple[BuiltImage, ...]) -> bool:
        records.append(_record(locked, builder, built, board))
        return False  # nothing is to be done with the images themselves

    build.build(locked, options, board, take)
    again = Verification(locked, records[0], board, builder=builder)
    if twice:
        build.build(locked, options, board, again)
    return records[0], again.findings


def _record(locked: LockSet, builder: str, built: Sequence[BuiltImage], board: StartTask) -> Record:
    """Read all that was built; a layer that several stages share is read once."""
    tell = board("recording")
    images: dict[str, Mapping[str, RecordedImage]] = {}
    lists: dict[str, str] = {}
    for image in built:
        tell(image.stage)
        images[image.stage] = layers.read_images(image.archive)
        for layer in (layer for found in images[image.stage].values() for layer in found.layers):
            name = layer_list_name(layer.diff_id)
            if name not in lists:
                lists[name] = "".join(
                    f"{entry.line}\n" for entry in layers.read_entries(image.archive, layer)
                )
    tell("")
    found = Digests(
        release=locked.manifest.release,
        lockset=locked.root,
        builder=facts(locked, builder),
        stages=images,
        lists={name: digest(text) for name, text in lists.items()},
    )
    return Record(digests=found, lists=lists)


def facts(locked: LockSet, builder: str) -> RecordedBuilder:
    """What builds a lock set's images here, and with which exporter options."""
    return msgspec.structs.replace(
        client.builder_versions(builder), exporter=bake.exporter_options(locked.files[BAKE_FILE])
    )
