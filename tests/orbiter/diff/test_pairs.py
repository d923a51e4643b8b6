"""Real locks at two moments: what Orbiter counts is what a script of its own counts that shares nothing with it."""

import gzip
from pathlib import Path

import pytest

from orbiter.diff.compare import diff
from orbiter.diff.types import Diff
from orbiter.lockfiles import recognise
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from tests.support.independent_count import counts
from tests.support.paths import TESTS

PAIRS = TESTS / "data" / "locks" / "pairs"
FOLDERS = sorted(folder for folder in PAIRS.glob("*/*") if folder.is_dir())


def side(folder: Path, which: str) -> Lock:
    (file,) = folder.glob(f"{which}.*.gz")
    return recognise.read(file.name.removesuffix(".gz"), gzip.decompress(file.read_bytes()))


def by_platform(lock: Lock) -> Lock:
    """All environments of a platform as one place, as the script counts."""
    found: dict[Scope, dict[PackageEntry, None]] = {}
    for place, packages in lock.packages.items():
        found.setdefault(Scope("", place.platform), {}).update(dict.fromkeys(packages))
    return Lock(
        name=lock.name,
        format=lock.format,
        packages={place: tuple(all_) for place, all_ in found.items()},
    )


def numbers(found: Diff, place: Scope) -> tuple[int, int, int, int, int]:
    """The script's five numbers: a rebuilt package whose build stayed is one whose hash alone changed."""
    told = found.counts[place]
    only_hash = sum(
        where.place == place and {v[:2] for v in where.old} == {v[:2] for v in where.new}
        for change in found.changes
        for where in change.where
        if change.kind == "rebuilt"
    )
    changed = sum(told.values()) - told["added"] - told["removed"] - told["kept"]
    return told["added"], told["removed"], changed - only_hash, only_hash, told["kept"]


def test_there_are_pairs() -> None:
    assert len(FOLDERS) == 39


@pytest.mark.parametrize(
    "folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
def test_counts(folder: Path) -> None:
    found = diff(by_platform(side(folder, "old")), by_platform(side(folder, "new")))
    expected = counts(folder)
    assert expected
    assert {platform: numbers(found, Scope("", platform)) for platform in expected} == expected


@pytest.mark.parametrize(
    "folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
def test_nothing_changed_in_the_lock_itself(folder: Path) -> None:
    new = side(folder, "new")
    assert diff(new, new).changes == ()
