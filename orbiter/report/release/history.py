"""The sizes of images over releases. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from orbiter.lockfiles.types import Scope
from orbiter.lockset.record import Digests
from orbiter.sizes import format_size, format_size_change

MOST = 20
"""Releases that are shown, the newest ones."""


class PastRelease(NamedTuple):
    """A release, the date of its lock set, and its record; None if it was only locked."""

    name: str
    date: str
    digests: Digests | None


class HistoryRow(NamedTuple):
    """The size of an image in a release; ``share`` is that of the largest size, in percent."""

    release: str
    date: str
    size: str
    change: str
    share: float


class ImageHistory(NamedTuple):
    """The rows of an image on one platform, the oldest release first."""

    image: str
    platform: str
    rows: tuple[HistoryRow, ...]


def histories(releases: Sequence[PastRelease], images: Iterable[Scope]) -> tuple[ImageHistory, ...]:
    """Return the history of images in some releases, the last of which has them."""
    if releases[-1].digests is None:
        return ()
    shown = releases[-MOST:]
    return tuple(
        ImageHistory(image, platform, _rows(image, platform, shown)) for image, platform in images
    )


def _rows(stage: str, platform: str, releases: Sequence[PastRelease]) -> tuple[HistoryRow, ...]:
    sizes = [_size(release, stage, platform) for release in releases]
    largest = max(filter(None, sizes), default=1)
    rows = []
    before: int | None = None
    for release, size in zip(releases, sizes, strict=True):
        if size is None:
            rows.append(HistoryRow(release.name, release.date, _reason(release), "", 0))
            continue
        change = format_size_change(size - before) if before is not None else ""
        share = round(100 * size / largest, 1)
        rows.append(HistoryRow(release.name, release.date, format_size(size), change, share))
        before = size
    return tuple(rows)


def _size(release: PastRelease, stage: str, platform: str) -> int | None:
    stages = release.digests.stages if release.digests else {}
    image = stages.get(stage, {}).get(platform)
    return image.size if image else None


def _reason(release: PastRelease) -> str:
    """Return why there is no size."""
    return "not in this release" if release.digests else "not recorded"
