"""Images that BuildKit wrote as OCI layouts: their configurations, and the layers of each stage.

Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import msgspec

from orbiter.oci.layout import INDEX_FILE, blob_path
from resolvers.errors import ExpectedError

STAGE_LABEL = "org.orbiter.stage"
"""The label that each Dockerfile sets first, so that the history shows where a stage begins."""
RETRY = "build again with --no-cache, or with another builder"
MARKER = re.compile(rf"LABEL {re.escape(STAGE_LABEL)}=(\S+)")


class RawImage(msgspec.Struct, frozen=True, kw_only=True):
    """The image of one platform.

    ``base`` are the files of the layers below the first stage. ``stages`` are those of each stage
    of the image, the lowest one first.
    """

    platform: str
    config: dict[str, Any]
    base: tuple[Path, ...]
    stages: tuple[tuple[Path, ...], ...]

    def above(self, base_layers: int) -> "RawImage":
        """Return the image with this number of layers below the first stage.

        If the history of a base image lacks lines, BuildKit adds them at the end, so that all
        stages seem to begin too early. Raises ExpectedError if there are not enough layers.
        """
        files = [file for part in (self.base, *self.stages) for file in part]
        sizes = (len(stage) for stage in self.stages[:-1])
        starts = [*accumulate(sizes, initial=base_layers), len(files)]
        if starts[-2] > len(files):
            raise ExpectedError(
                f"BuildKit reported {len(files)} layers, fewer than those of the base image", RETRY
            )
        stages = tuple(tuple(files[start:end]) for start, end in pairwise(starts))
        return msgspec.structs.replace(self, base=tuple(files[:base_layers]), stages=stages)


def read_raw_images(layout: Path, lineage: Sequence[str]) -> tuple[RawImage, ...]:
    """Read the images of a layout, whose stages are ``lineage``, the lowest one first.

    Raises ExpectedError if the history of an image has other stages.
    """
    index = _read_json(layout / INDEX_FILE)
    return tuple(_raw_images(layout, index, lineage))


def layer_files(layout: Path) -> frozenset[Path]:
    """Return the files of the layers of all images in a layout."""
    return frozenset(
        layout / blob_path(layer["digest"])
        for document in _manifests(layout, _read_json(layout / INDEX_FILE))
        for layer in document["layers"]
    )


def _manifests(layout: Path, index: Any) -> Iterator[Any]:
    """Yield the manifests of an index, which may contain indexes."""
    for descriptor in index["manifests"]:
        document = _read_json(layout / blob_path(descriptor["digest"]))
        if "manifests" in document:
            yield from _manifests(layout, document)
        else:
            yield document


def _raw_images(layout: Path, index: Any, lineage: Sequence[str]) -> list[RawImage]:
    """Return the images of an index."""
    images = []
    for document in _manifests(layout, index):
        config = _read_json(layout / blob_path(document["config"]["digest"]))
        layers = [layout / blob_path(layer["digest"]) for layer in document["layers"]]
        starts = _starts(config.get("history", ()), lineage)
        ends = [*starts[1:], len(layers)]
        stages = tuple(tuple(layers[start:end]) for start, end in zip(starts, ends, strict=True))
        images.append(
            RawImage(
                platform=platform_of(config),
                config=config,
                base=tuple(layers[: starts[0]]),
                stages=stages,
            )
        )
    return images


def _starts(history: Sequence[Any], lineage: Sequence[str]) -> list[int]:
    """Return the number of layers below each stage."""
    found = []
    layers = 0
    for step in history:
        match = MARKER.fullmatch(str(step.get("created_by", "")).strip())
        if match and step.get("empty_layer"):
            found.append((match[1], layers))
        layers += not step.get("empty_layer", False)
    # A base image may have stages of its own.
    own = found[-len(lineage) :]
    if [name for name, _ in own] != list(lineage):
        names = ", ".join(name for name, _ in own) or "none"
        raise ExpectedError(
            f"BuildKit reported other stages than those of {lineage[-1]}: {names}",
            RETRY,
        )
    return [layers for _, layers in own]


def platform_of(config: Any) -> str:
    """Return the platform of a configuration: ``linux/arm/v7``."""
    architecture, variant = config["architecture"], config.get("variant", "")
    # BuildKit adds the variant v8 to arm64, which has no other variants.
    if variant and (architecture, variant) != ("arm64", "v8"):
        return f"{config['os']}/{architecture}/{variant}"
    return f"{config['os']}/{architecture}"


def _read_json(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())
