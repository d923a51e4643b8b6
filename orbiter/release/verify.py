"""Comparison of built images with a release: the first differing layer and file, and the cause.

The uncompressed digests of the layers decide. Compression depends on the version of BuildKit, so a
difference of nothing but compression is reported as such.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from orbiter.lockset.record import RecordedImage, RecordedLayer
from orbiter.release.causes import (
    RECORD_CAUSE,
    Builders,
    builder_cause,
    format_versions,
    likely_cause,
)
from orbiter.release.entries import (
    EntryDifference,
    first_difference,
    first_differing,
    format_difference,
)
from orbiter.release.layers import LayerEntry
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
    ``built`` returns the entries of a built layer.
    """

    recorded: Callable[[str], Sequence[str] | None]
    built: Callable[[RecordedLayer], Sequence[LayerEntry]]


def compare_images(
    released: RecordedImage, built: RecordedImage, builders: Builders, reader: LayerReader
) -> tuple[DifferenceKind, tuple[str, ...]]:
    """Compare two images; return the first difference, and lines that explain it.

    ``builders`` are the builder of the release and the current one.
    """
    kind = difference_kind(released, built)
    if kind == "layer":
        return _explain_layer(released, built, builders, reader)
    return kind, _explain(kind, released, builders)


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
            format_versions(builders),
        )
    if kind == "configuration":
        cause = builder_cause(builders) or "another build folder or version of Orbiter"
        return (
            f"all {len(released.layers)} layers are equal, but the configuration is not: "
            f"labels, environment, command, history (released: {released.digest})",
            _cause_line(cause),
        )
    return ()


def _explain_layer(
    released: RecordedImage, built: RecordedImage, builders: Builders, reader: LayerReader
) -> tuple[DifferenceKind, tuple[str, ...]]:
    """Explain a differing layer; without differing files, the record may be wrong."""
    position = first_differing(_diff_ids(released), _diff_ids(built))
    if position == len(built.layers):
        missing = f"layer {position + 1} of {len(released.layers)} of the release is missing"
        return "layer", (missing,)
    layer = built.layers[position]
    number = f"layer {position + 1} of {len(built.layers)}"
    headline = f"{number} ({layer.size / MEGABYTE:.1f} MB) is the first that differs"
    recorded = None
    if position < len(released.layers):
        recorded = reader.recorded(released.layers[position].diff_id)
    other_builder = builder_cause(builders)
    if recorded is None:
        cause = _cause_line(other_builder or RECORD_CAUSE)
        return "layer", (f"{headline}: the release has no record of it", cause)
    difference = first_difference(recorded, reader.built(layer))
    if difference is not None:
        return "layer", (headline, *_explain_entry(difference, builders))
    if other_builder:
        return "layer", (headline, _cause_line(other_builder))
    return "record", (headline, _cause_line(f"{RECORD_CAUSE}: every file is as released"))


def _explain_entry(difference: EntryDifference, builders: Builders) -> tuple[str, ...]:
    cause, other_builder = likely_cause(difference, builders), builder_cause(builders)
    lines = (f"first file: {format_difference(difference)}", _cause_line(cause))
    if other_builder and cause != other_builder:
        return (*lines, format_versions(builders))
    return lines


def _cause_line(cause: str) -> str:
    return f"likely cause: {cause}"
