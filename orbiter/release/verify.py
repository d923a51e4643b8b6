"""Is what was built what was released? If not: the first layer and file that differ, and the likely cause. Pure.

The layers' uncompressed digests decide. Compression depends on the version of BuildKit, and is told as that alone.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from orbiter.lockset.record import RecordedBuilder, RecordedImage, RecordedLayer
from orbiter.release.layers import LayerEntry

DifferenceKind = Literal["same", "compression", "record", "configuration", "layer"]
"""What the first difference is in; ``record``: the record does not fit its own digests, whatever was built."""
EntryChange = Literal["changed", "time", "added", "missing"]
"""What became of an entry; ``changed``: its content, kind, owner, mode or name."""

MEGABYTE = 1_000_000
SIX = 6
"""The digits of a line that say what an entry is; the rest is its time."""

WORDS = {
    "changed": "its content, owner, mode or name is another",
    "time": "only its time is another",
    "added": "the release does not have it",
    "missing": "the release has another file before it, which is missing here",
}
CAUSES = (
    (
        re.compile(r"(^|/)__pycache__(/|$)|\.py[co]$"),
        "byte-code: Python compiled it while the image was built",
    ),
    (
        re.compile(r"^var/log(/|$)|\.log(\.\d+)?$"),
        "log: a step wrote one, and it holds the time or a name",
    ),
    (re.compile(r"^var/cache(/|$)|(^|/)\.?cache(/|$)|[.-]cache$"), "cache: a step left one behind"),
    (
        re.compile(r"^(etc|var|run|boot)(/|$)"),
        "package script: what the scripts of packages, or a step, set up",
    ),
)
TIME = "time stamp: a step takes it from the clock, or a cache holds another (--no-cache builds all anew)"
STEP = "a step of the stage that gives other bytes each time"
RECORD = "the record itself was changed"


class EntryDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry of a layer that differs. ``path`` is, for a missing one, that of the entry after it, if any."""

    path: str
    what: EntryChange


class ImageComparison(msgspec.Struct, frozen=True, kw_only=True):
    """How the image of one stage and platform compares; ``digest`` is its manifest's, ``why`` are lines for people."""

    stage: str
    platform: str
    digest: str
    kind: DifferenceKind
    why: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether it holds what was released, to the byte."""
        return self.kind in {"same", "compression"}


def difference_kind(released: RecordedImage, built: RecordedImage) -> DifferenceKind:
    """What the first difference between two images of one stage and platform is in."""
    if released == built:
        return "same"
    if released.digest == built.digest:
        return "record"  # the digest of the manifest stands for all the others
    if diff_ids(released) != diff_ids(built):
        return "layer"
    if released.config != built.config:
        return "configuration"
    return "record" if released.layers == built.layers else "compression"


def diff_ids(image: RecordedImage) -> list[str]:
    """The uncompressed digests of an image's layers."""
    return [layer.diff_id for layer in image.layers]


def compare_images(
    released: RecordedImage,
    built: RecordedImage,
    builders: tuple[RecordedBuilder, RecordedBuilder],
    *,
    recorded: Callable[[str], Sequence[str] | None],
    entries: Callable[[RecordedLayer], Sequence[LayerEntry]],
) -> tuple[DifferenceKind, tuple[str, ...]]:
    """Compare two images, and say why they differ.

    ``builders`` are those of the release and of now. ``recorded`` gives the list of a layer of the release by diff
    id, ``entries`` what is in a layer that was built; both are asked only for the first layer that differs.
    """
    kind = difference_kind(released, built)
    if kind == "layer":
        return _layer(released, built, builders, recorded, entries)
    return kind, _why(kind, released, builders)


def _why(
    kind: DifferenceKind, released: RecordedImage, builders: tuple[RecordedBuilder, RecordedBuilder]
) -> tuple[str, ...]:
    told = _versions(builders)
    if kind == "record":
        return (f"likely cause: {RECORD}: the digests in it do not belong to each other",)
    if kind == "compression":
        return (
            f"every layer holds the same bytes; compressed they differ (released: {released.digest})",
            told,
        )
    if kind == "configuration":
        return (
            f"all {len(released.layers)} layers are equal, the configuration is not: labels, environment, command, "
            f"history (released: {released.digest})",
            f"likely cause: {_other_builder(builders) or 'the build folder or Orbiter gives others'}",
        )
    return ()


def _layer(
    released: RecordedImage,
    built: RecordedImage,
    builders: tuple[RecordedBuilder, RecordedBuilder],
    recorded: Callable[[str], Sequence[str] | None],
    entries: Callable[[RecordedLayer], Sequence[LayerEntry]],
) -> tuple[DifferenceKind, tuple[str, ...]]:
    number = _first(diff_ids(released), diff_ids(built))
    if number == len(built.layers):
        return "layer", (f"layer {number + 1} of {len(released.layers)} of the release is missing",)
    layer = built.layers[number]
    where = f"layer {number + 1} of {len(built.layers)} ({layer.size / MEGABYTE:.1f} MB) is the first that differs"
    before = recorded(released.layers[number].diff_id) if number < len(released.layers) else None
    if before is None:
        return "layer", (
            f"{where}: nothing is recorded of it",
            f"likely cause: {_other_builder(builders) or RECORD}",
        )
    change = first_difference(before, entries(layer))
    if change is None:
        cause = _other_builder(builders) or f"{RECORD}: every file is as it was released"
        return "layer" if _other_builder(builders) else "record", (where, f"likely cause: {cause}")
    cause, other = likely_cause(change, builders), _other_builder(builders)
    more = (_versions(builders),) if other and cause != other else ()
    return "layer", (
        where,
        f"first file: {format_difference(change)}",
        f"likely cause: {cause}",
        *more,
    )


def first_difference(
    released: Sequence[str], built: Sequence[LayerEntry]
) -> EntryDifference | None:
    """The first entry that differs; one that differs in more than its time comes before those that do not."""
    before, now = [line[:SIX] for line in released], [entry.line[:SIX] for entry in built]
    at = next(
        (n for n, (old, new) in enumerate(zip(before, now, strict=False)) if old != new),
        min(len(before), len(now)),
    )
    if at < max(len(before), len(now)):
        return EntryDifference(
            path=built[at].path if at < len(built) else "", what=_what(before[at:], now[at:])
        )
    for line, entry in zip(released, built, strict=True):
        if line != entry.line:
            return EntryDifference(path=entry.path, what="time")
    return None


def _first(old: Sequence[str], new: Sequence[str]) -> int:
    """Where two lists differ first; the length of the shorter one where it begins the other."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _what(released: Sequence[str], built: Sequence[str]) -> EntryChange:
    """What became of the first entry of two lists that differ in it: it is looked for farther down in the other."""
    if not released or not built:
        return "missing" if released else "added"
    added = built.index(released[0]) if released[0] in built else 0
    missing = released.index(built[0]) if built[0] in released else 0
    if added and missing:
        return "added" if added <= missing else "missing"
    return "added" if added else "missing" if missing else "changed"


def format_difference(change: EntryDifference) -> str:
    """A change for people."""
    if not change.path:
        return "one behind the last is missing"
    return f"/{change.path.removeprefix('./').removeprefix('/')}: {WORDS[change.what]}"


def likely_cause(change: EntryDifference, builders: tuple[RecordedBuilder, RecordedBuilder]) -> str:
    """The likely cause of a change, its kind first."""
    other = _other_builder(builders)
    if change.what == "time":
        return other or TIME
    path = change.path.removeprefix("./").removeprefix("/")
    found = next((cause for pattern, cause in CAUSES if pattern.search(path)), "")
    return found or other or STEP


def _other_builder(builders: tuple[RecordedBuilder, RecordedBuilder]) -> str:
    released, now = builders
    same = (released.buildkit, released.engine) == (now.buildkit, now.engine)
    return "" if same else f"builder version: {_versions(builders)}"


def _versions(builders: tuple[RecordedBuilder, RecordedBuilder]) -> str:
    return f"it was released with {builders[0]}, and built now with {builders[1]}"
