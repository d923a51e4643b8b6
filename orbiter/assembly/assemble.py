"""From stages that BuildKit built to images: the layers of each stage, and the image above them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from orbiter.assembly.blobs import Blobs
from orbiter.assembly.changes import changes
from orbiter.assembly.documents import Step, base_history, image_config, image_manifest
from orbiter.assembly.file_system import FileSystem, parents
from orbiter.assembly.groups import group
from orbiter.assembly.image import AssembledImage, Layer
from orbiter.assembly.layer import LayerEntry, layer_entries, removal_entries
from orbiter.assembly.native import native_packages
from orbiter.assembly.owners import owners
from orbiter.assembly.raw_image import RawImage
from orbiter.assembly.raw_layer import read_layer, uncompressed
from orbiter.assembly.tree import Content, Entry, Tree
from orbiter.assembly.trim import trim, trimmed_list
from orbiter.config.layer_keys import Compression
from orbiter.oci.registry import sha256
from orbiter.tasks import Report
from orbiter.threads import stoppable_threads

COMPRESSORS = 2
"""Threads that compress layers; each needs some 40 MB."""
REMOVALS = "removed files"
TRIMMED = "usr/share/orbiter/trimmed/{stage}.json"
"""The list of the files that the rules of ``trim`` removed from a stage."""


class AssembledStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage to assemble.

    ``rules`` are those of ``trim``. ``keep`` are the targets of own files and downloads, without a
    slash at their start.
    """

    name: str
    rules: tuple[str, ...] = ()
    keep: frozenset[str] = frozenset()


class AssemblyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of an image that do not come from BuildKit.

    ``created`` is in seconds since 1970.
    """

    compression: Compression = "zstd"
    created: int


class BaseLayers(msgspec.Struct, frozen=True):
    """The layers of a base image as its registry has them, and its configuration."""

    layers: tuple[Layer, ...] = ()
    config: Mapping[str, Any] = {}


class Assembler:
    """Assembles the images of one build; stages that several images have are read once."""

    def __init__(self, blobs: Blobs, scratch: Path, options: AssemblyOptions) -> None:
        self._blobs = blobs
        self._scratch = scratch
        self._options = options
        self._file_systems: dict[tuple[str, ...], FileSystem] = {}
        self._steps: dict[tuple[str, ...], tuple[Step, ...]] = {}
        self._tars: dict[Path, Future[Path]] = {}

    def assemble(
        self,
        raw: RawImage,
        lineage: Sequence[AssembledStage],
        base: BaseLayers,
        report: Report,
    ) -> AssembledImage:
        """Return the image of the last stage of ``lineage``; the others are those below it.

        ``base`` is the base image, without layers if the first stage makes its own base.
        """
        if base.layers:
            raw = raw.above(len(base.layers))
        with stoppable_threads(1) as pool:
            # Decompressing does not hold Python's lock, so it runs beside the reading of layers.
            for file in (*raw.base, *chain(*raw.stages)):
                if file not in self._tars:
                    self._tars[file] = pool.submit(uncompressed, file, self._scratch)
            return self._image(raw, base, self._all_steps(raw, lineage, base, report))

    def _all_steps(
        self,
        raw: RawImage,
        lineage: Sequence[AssembledStage],
        base: BaseLayers,
        report: Report,
    ) -> list[Step]:
        """Return the layers of all stages."""
        files = raw.base
        # The seed of a base made of packages is not a layer of the image.
        lower = self._file_system(files) if base.layers else FileSystem()
        steps: list[Step] = []
        for stage, own_files in zip(lineage, raw.stages, strict=True):
            files += own_files
            names = (raw.platform, stage.name, *(file.name for file in files))
            known = self._steps.get(names)
            is_last = stage is lineage[-1]
            if known is None:
                report(f"reading {stage.name}")
                tree = self._file_system(files, keep=not is_last).tree
                below = len(base.layers) + len(steps)
                known = self._stage_steps(stage, raw.platform, tree, lower.tree, below, report)
                self._steps[names] = known
            steps += known
            if not is_last:
                lower = self._file_system(files)
        return steps

    def _file_system(self, files: Sequence[Path], *, keep: bool = True) -> FileSystem:
        """Return the file system of some layers, and keep it in memory for other images."""
        names = tuple(file.name for file in files)
        if names in self._file_systems:
            return self._file_systems[names]
        lower = FileSystem()
        start = 0
        for length in range(len(names) - 1, 0, -1):
            if names[:length] in self._file_systems:
                lower, start = self._file_systems[names[:length]], length
                break
        file_system = FileSystem(lower.tree)
        for file in files[start:]:
            file_system.apply(read_layer(self._tars[file].result()))
        if keep:
            self._file_systems[names] = file_system
        return file_system

    def _stage_steps(
        self,
        stage: AssembledStage,
        platform: str,
        tree: Tree,
        lower: Tree,
        layers_below: int,
        report: Report,
    ) -> tuple[Step, ...]:
        """Return the layers that a stage adds."""
        report(f"dividing {stage.name} into layers")

        def read(path: str, size: int | None = None) -> bytes:
            content = tree[path].content
            return content.read(size) if content else b""

        found = changes(tree, lower, stage.keep, read)
        packages = owners(tree, found.own, read)
        own: Mapping[str, Entry] = found.own
        if stage.rules:
            trimmed = trim(own, packages, stage.rules, read, stage.keep, platform)
            own = {**trimmed.entries, **self._trimmed_file(stage, trimmed_list(trimmed), tree)}
        removed = sorted((*found.removed, *_hidden(found.own, own, lower)))
        complete = {**tree, **own}
        kept = {path: package for path, package in packages.items() if path in own}
        groups = group(own, kept, native_packages(own, kept, read), layers_below)
        planned = [(each.name, layer_entries(each.paths, own, complete)) for each in groups]
        if removed:
            planned.insert(0, (REMOVALS, removal_entries(removed, complete)))
        return self._written(stage, planned, report)

    def _trimmed_file(self, stage: AssembledStage, text: bytes, tree: Tree) -> dict[str, Entry]:
        """Return the list of removed files, whose text is a blob, and the folders that it needs."""
        source = self._blobs.add(text)
        content = Content(sha256(text).partition(":")[2], len(text), source, 0)
        entry = Entry(kind="file", mode=0o644, uid=0, gid=0, content=content)
        path = TRIMMED.format(stage=stage.name)
        folder = Entry(kind="folder", mode=0o755, uid=0, gid=0)
        folders = {above: folder for above in parents(path) if above and above not in tree}
        return {**folders, path: entry}

    def _written(
        self,
        stage: AssembledStage,
        planned: Sequence[tuple[str, tuple[LayerEntry, ...]]],
        report: Report,
    ) -> tuple[Step, ...]:
        """Write layers in parallel, and return them in their order."""
        report(f"compressing {len(planned)} layers of {stage.name}")
        with stoppable_threads(COMPRESSORS) as pool:
            write = partial(self._blobs.layer, compression=self._options.compression)
            layers = list(pool.map(write, [entries for _, entries in planned]))
        return tuple(
            Step(layer, f"{stage.name}: {name}")
            for layer, (name, _) in zip(layers, planned, strict=True)
        )

    def _image(self, raw: RawImage, base: BaseLayers, steps: Sequence[Step]) -> AssembledImage:
        layers = (*base.layers, *(step.layer for step in steps))
        config = image_config(
            raw.config,
            raw.platform,
            base_history(base.config, len(base.layers)),
            steps,
            created=self._options.created,
            diff_ids=[layer.diff_id for layer in layers],
        )
        return AssembledImage(
            platform=raw.platform,
            manifest=image_manifest(config, sha256(config), layers),
            config=config,
            layers=layers,
        )


def _hidden(found: Tree, own: Tree, lower: Tree) -> list[str]:
    """Return the paths of the parent that a stage changed and a rule then removed.

    A folder that the parent also has stays, because the parent may have other files in it.
    """
    return [
        path
        for path, entry in found.items()
        if path not in own and path in lower and not entry.kind == lower[path].kind == "folder"
    ]
