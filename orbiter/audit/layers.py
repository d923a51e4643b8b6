"""Checks of the layers of an image: their digests, and that assembly made each of them. Pure."""

import re
from collections.abc import Collection, Iterator, Sequence

from orbiter.audit.contents import Contents, HashedLayer, ReadLayer
from orbiter.audit.image import AuditedImage, HistoryLine
from orbiter.audit.result import Judgement
from orbiter.lockset.record import RecordedImage

MADE = re.compile(r"orbiter: (?P<stage>[a-z0-9.-]+): (?P<name>.+)")
"""The words of the history for a layer that assembly made."""


def digest_findings(image: AuditedImage, layers: Sequence[HashedLayer]) -> Iterator[Judgement]:
    """Yield the layers whose bytes have another digest than the image says."""
    for position, (layer, found) in enumerate(zip(image.layers, layers, strict=True)):
        digest = layer.blob.digest
        for expected, actual in ((layer.diff_id, found.diff_id), (digest, found.digest)):
            if expected and actual and expected != actual:
                yield _finding(position, "changed", f"expected {expected}, its bytes have {actual}")
                break


def base_findings(image: AuditedImage, base: Sequence[str]) -> Iterator[Judgement]:
    """Yield the lowest layers that are not those of the base image, given by their diff IDs."""
    for position, diff_id in enumerate(base):
        if image.diff_ids[position : position + 1] != (diff_id,):
            yield _finding(position, "changed", f"the base image has the layer {diff_id}")


def added_findings(
    image: AuditedImage, contents: Contents, base: int, stages: Collection[str]
) -> Iterator[Judgement]:
    """Yield the layers above the ``base`` lowest ones that assembly did not make.

    Assembly gives each layer its stage and a name in the history, and puts each file of a stage
    into one layer.
    """
    steps = [step for step in image.config.history or () if not step.empty_layer]
    known: set[str] = set()
    paths: dict[str, set[str]] = {stage: set() for stage in stages}
    for position in range(base, len(image.layers)):
        step = steps[position] if position < len(steps) else HistoryLine()
        match = MADE.fullmatch(step.created_by)
        if match is None or match["stage"] not in paths or step.created_by in known:
            reason = f"no stage made it: {step.created_by[:60]!r}"
            if step.created_by in known:
                reason = f"another layer is {step.created_by[:60]!r} too"
            yield _finding(position, "unknown", reason)
            continue
        known.add(step.created_by)
        own = _files(contents.layers[position])
        if not own:
            yield _finding(position, "unknown", "it has no files")
        if own & paths[match["stage"]]:
            name = min(own & paths[match["stage"]])
            yield _finding(position, "unknown", f"another layer of its stage has {name}, too")
        paths[match["stage"]] |= own


def _files(layer: ReadLayer) -> set[str]:
    """Return the paths of a layer except folders, which several layers of a stage have."""
    raw = layer.raw
    files = {path for path, entry in raw.entries.items() if entry.kind != "folder"}
    return files | raw.hard_links.keys() | raw.removed | raw.dropped | raw.opaque


def is_recorded(image: AuditedImage, recorded: RecordedImage) -> bool:
    """Return whether an image has the configuration and the layers of the record."""
    diff_ids = tuple(layer.diff_id for layer in recorded.layers)
    return image.config_digest == recorded.config and image.diff_ids == diff_ids


def record_findings(image: AuditedImage, recorded: RecordedImage) -> Iterator[Judgement]:
    """Yield the layers that the record lacks, and its layers that the image lacks."""
    released = [layer.diff_id for layer in recorded.layers]
    for position, diff_id in enumerate(image.diff_ids):
        if diff_id not in released:
            yield _finding(position, "unknown", f"the record of the release lacks {diff_id}")
    for position, diff_id in enumerate(released):
        if diff_id not in image.diff_ids:
            reason = f"layer {position + 1} of the release, {diff_id}"
            yield Judgement(kind="layer", path=diff_id, verdict="missing", reason=reason)


def _finding(position: int, verdict: str, reason: str) -> Judgement:
    return Judgement(
        kind="layer",
        path=f"layer {position + 1}",
        verdict=verdict,  # type: ignore[arg-type] # one of the verdicts
        reason=reason,
    )
