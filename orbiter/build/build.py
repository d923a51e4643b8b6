"""Builds the images of a lock set: fills the store, runs Docker, and assembles the images."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from orbiter.archive.configured import configured_archive
from orbiter.assembly.assemble import Assembler, AssemblyOptions
from orbiter.assembly.blobs import Blobs
from orbiter.assembly.compression import describe
from orbiter.assembly.documents import image_index, labelled
from orbiter.build.assembled import StageImages
from orbiter.build.built_image import Approve, BuiltImage
from orbiter.build.deliver import deliver
from orbiter.build.inputs import build_definition, write_inputs
from orbiter.build.keys import image_keys, repository_key
from orbiter.build.options import BuildOptions
from orbiter.build.raw_layers import RawLayers
from orbiter.build.results import Result, Results
from orbiter.config.layer_keys import DEFAULT_COMPRESSION, Compression
from orbiter.docker import client
from orbiter.docker.bake import BakeOptions, run_bake
from orbiter.docker.bake_definition import IMAGES, bound
from orbiter.docker.objects import LOCKSET, REVISION
from orbiter.fetch.fill import artifacts_by_stage, fill
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import check_platforms, resolve_stages
from orbiter.lockset.record import RecordedBuilder
from orbiter.oci.registry import sha256
from orbiter.render.bake_file import tag
from orbiter.render.derived import REVIEW, Derived, derive
from orbiter.store.store import Store
from orbiter.tasks import StartTask
from resolvers.cache import CACHE_HINT
from resolvers.scratch import scratch_folder
from resolvers.types.request import WARNING

Found = Mapping[str, tuple[Result, ...]]
"""The results of each image, for each of its platforms."""


def build(
    lock_set: LockSet,
    options: BuildOptions,
    start_task: StartTask,
    approve: Approve = lambda _built: True,
) -> tuple[BuiltImage, ...]:
    """Build images of a lock set from the store, after downloading what the store lacks.

    Images that were built before from the same inputs come from the cache, unless
    ``options.no_cache``. Images that ``approve`` rejects are not loaded, pushed or kept. Raises
    ExpectedError for an unknown image or platform, for a build folder that does not follow from the
    lock files, and if a Docker engine is needed and none answers, before anything is downloaded.
    """
    check_platforms(lock_set, options.platforms)
    images = resolve_stages(lock_set, options.images) or _final_stages(lock_set)
    # The order and repetitions on the command line must not change the index.
    locked = lock_set.image_set.platforms
    platforms = tuple(platform for platform in locked if platform in options.platforms)
    options = msgspec.structs.replace(options, images=images, platforms=platforms)
    derived = derive(lock_set)
    if derived.warning:
        start_task("lock set")(f"{WARNING}{derived.warning}\n    hint: {REVIEW}")
    run = _Build(lock_set, options, derived, start_task)
    built = run.images()
    if not approve(built):
        return built
    return deliver(built, options, tuple(lock_set.manifest.bases), start_task)


def _final_stages(lock_set: LockSet) -> tuple[str, ...]:
    return tuple(stage.name for stage in lock_set.image_set.stages if stage.kind == "final")


class _Build:
    """One run: finds the images that are known, and builds the others."""

    def __init__(
        self, lock_set: LockSet, options: BuildOptions, derived: Derived, start_task: StartTask
    ) -> None:
        self._lock_set = lock_set
        self._options = options
        self._derived = derived
        self._start_task = start_task
        self._compression: Compression = lock_set.image_set.compression or DEFAULT_COMPRESSION
        self._platforms = options.platforms or lock_set.image_set.platforms
        self._store = Store()
        self._blobs = Blobs()
        self._raw_layers = RawLayers(repository_key(lock_set.image_set))
        self._results = Results(self._blobs, self._store)
        self._definition = build_definition(derived, lock_set.root)
        self._artifacts = artifacts_by_stage(lock_set, options.platforms)
        self._keys = image_keys(
            lock_set, derived, self._definition, self._artifacts, self._compression
        )

    def images(self) -> tuple[BuiltImage, ...]:
        """Return the images, from the cache or built."""
        found = {} if self._options.no_cache else self._known()
        unknown = tuple(name for name in self._options.images if name not in found)
        if self._options.load or (unknown and not self._options.builder):
            client.connect()
        if unknown:
            found |= self._build(unknown)
        return tuple(self._built_image(name, found[name]) for name in self._options.images)

    def _known(self) -> dict[str, tuple[Result, ...]]:
        """Return the images that were built before for all their platforms."""
        found = {}
        for name in self._options.images:
            results = [self._results.find(self._keys[name, each]) for each in self._platforms]
            complete = tuple(result for result in results if result)
            if len(complete) == len(results):
                found[name] = complete
        return found

    def _build(self, names: tuple[str, ...]) -> dict[str, tuple[Result, ...]]:
        """Build stages with BuildKit, and assemble their images."""
        platforms = self._options.platforms
        fill(self._lock_set, platforms, self._start_task, configured_archive())
        # The folder is beside the store, because hard links cannot cross file systems.
        place = self._store.root / "build"
        # BuildKit receives only the files that changed in a folder which it knows by its path.
        key = repository_key(self._lock_set.image_set)
        with scratch_folder(place, "build-", CACHE_HINT, key) as folder:
            write_inputs(
                self._lock_set, self._derived, self._artifacts, platforms, self._store, folder
            )
            versions = client.builder_versions(self._options.builder)
            builder = msgspec.structs.replace(versions, compression=describe(self._compression))
            if not self._options.no_cache:
                for name in names:
                    self._raw_layers.link(name, folder / IMAGES / name)
            self._run_bake(names, folder)
            found = self._assemble(names, folder, builder)
            for name in names:
                self._raw_layers.keep(name, folder / IMAGES / name)
            return found

    def _run_bake(self, names: tuple[str, ...], folder: Path) -> None:
        bake_options = BakeOptions(
            targets=names,
            platforms=self._options.platforms,
            builder=self._options.builder,
            no_cache=self._options.no_cache,
            cache_from=self._options.cache_from,
            cache_to=self._options.cache_to,
        )
        definition = bound(self._definition, folder)
        run_bake(folder, definition, bake_options, self._start_task)

    def _assemble(
        self, names: tuple[str, ...], folder: Path, builder: RecordedBuilder
    ) -> dict[str, tuple[Result, ...]]:
        created = self._lock_set.manifest.source_date_epoch
        assembly_options = AssemblyOptions(compression=self._compression, created=created)
        scratch = folder / "layers"
        scratch.mkdir()
        stage_images = StageImages(
            lock_set=self._lock_set,
            derived=self._derived,
            store=self._store,
            assembler=Assembler(self._blobs, scratch, assembly_options),
        )
        found = {}
        for name in names:
            report = self._start_task(name)
            images = stage_images.assemble(name, folder / IMAGES / name, self._platforms, report)
            found[name] = tuple(Result(image, builder) for image in images)
            for platform, result in zip(self._platforms, found[name], strict=True):
                self._results.save(self._keys[name, platform], result)
            report("")
        return found

    def _built_image(self, name: str, results: tuple[Result, ...]) -> BuiltImage:
        root = self._lock_set.root
        labels = {LOCKSET: root, REVISION: root}
        images = tuple(labelled(result.image, labels) for result in results)
        for image in images:
            self._blobs.add(image.config)
        index = image_index(images) if len(images) > 1 else None
        return BuiltImage(
            stage=name,
            tag=tag(self._lock_set.image_set, name),
            digest=sha256(index) if index else images[0].digest,
            images=images,
            index=index,
            builder=results[0].builder,
        )
