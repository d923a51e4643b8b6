"""Comparison of built images with a release: the first differing layer and file, and the cause.

The uncompressed digests of the layers decide. Compression depends on the version of a library, so a
difference of nothing but compression is reported as such.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from orbiter.lockset.record import RecordedImage
from orbiter.release.causes import (
    RECORD_CAUSE,
    Builders,
    compressions,
    likely_cause,
    other_builder,
)
from orbiter.release.entries import first_difference, first_differing, format_difference
from orbiter.release.layers import ListedEntry
from orbiter.sizes import MEGABYTE

DifferenceKind = Literal["same", "compression", "record", "configuration", "layer"]
"""The first difference; ``record``: the digests in the record contradict each other."""


class ImageComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Result for the image of one stage and platform.

    ``digest`` is that of the built manifest; ``why`` are lines for people.
    """

    stage: str
    platform: str
    digest: str
    kind: DifferenceKind
    why: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Return whether the image holds exactly the released bytes."""
        return self.kind in {"same", "compression"}


class LayerReader(msgspec.Struct, frozen=True, kw_only=True):
    """Functions that read the entries of a layer; called only for the first differing layer.

    ``recorded`` returns the recorded lines for a diff ID of the release, None if there are none.
    ``built`` returns the entries of a built layer by its diff ID.
    """

    recorded: Callable[[str], Sequence[str] | None]
    built: Callable[[str], Sequence[ListedEntry]]


def compare_images(
    released: RecordedImage, built: RecordedImage, builders: Builders, reader: LayerReader
) -> tuple[DifferenceKind, tuple[str, ...]]:
    """Compare two images; return the first difference, and lines that explain it.

    ``builders`` are the builder of the release and the current one.
    """
    kind = difference_kind(released, built)
    if kind == "layer":
        kind, lines = _explain_layer(released, built, reader)
    else:
        lines = _explain(kind, released, builders)
    versions = other_builder(builders)
    if versions and kind in {"layer", "configuration"}:
        return kind, (*lines, versions)
    return kind, lines


def difference_kind(released: RecordedImage, built: RecordedImage) -> DifferenceKind:
    """Return the first difference between two images of one stage and platform."""
    if released == built:
        return "same"
    if released.digest == built.digest:
        return "record"  # equal manifests have equal configurations and layers
    # The configuration contains the diff IDs, so it differs if they do.
    if _diff_ids(released) != _diff_ids(built):
        return "layer"
    if released.config != built.config:
        return "configuration"
    return "record" if released.layers == built.layers else "compression"


def _diff_ids(image: RecordedImage) -> list[str]:
    """Return the uncompressed digests of an image's layers."""
    return [layer.diff_id for layer in image.layers]


def _explain(kind: DifferenceKind, released: RecordedImage, builders: Builders) -> tuple[str, ...]:
    """Explain any difference outside of the layers."""
    if kind == "record":
        return (_cause_line(f"{RECORD_CAUSE}: its digests contradict each other"),)
    if kind == "compression":
        return (
            "every layer has the same content, but is compressed differently "
            f"(released: {released.digest})",
            compressions(builders),
        )
    if kind == "configuration":
        return (
            f"all {len(released.layers)} layers are equal, but the configuration is not: "
            f"labels, environment, command, history (released: {released.digest})",
            _cause_line("another build folder or version of Orbiter"),
        )
    return ()


def _explain_layer(
    released: RecordedImage, built: RecordedImage, reader: LayerReader
) -> tuple[DifferenceKind, tuple[str, ...]]:
    """Explain a differing layer; without differing files, the record may be wrong."""
    position = first_differing(_diff_ids(released), _diff_ids(built))
    if position == len(built.layers):
        missing = f"layer {position + 1} of {len(released.layers)} of the release is missing"
        return "layer", (missing,)
    layer = built.layers[position]
    number = f"layer {position + 1} of {len(built.layers)}"
    headline = f"{number} ({layer.size / MEGABYTE:.1f} MB) is the first that differs"
    recorded: Sequence[str] | None = ()  # those of an additional layer
    if position < len(released.layers):
        recorded = reader.recorded(released.layers[position].diff_id)
    if recorded is None:
        lines = (f"{headline}: the release has no record of it", _cause_line(RECORD_CAUSE))
        return "layer", lines
    difference = first_difference(recorded, reader.built(layer.diff_id))
    if difference is None:
        return "record", (headline, _cause_line(f"{RECORD_CAUSE}: every file is as released"))
    cause = _cause_line(likely_cause(difference.path))
    return "layer", (headline, f"first file: {format_difference(difference)}", cause)


def _cause_line(cause: str) -> str:
    return f"likely cause: {cause}"
