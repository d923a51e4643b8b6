"""Real pairs of locks: Orbiter counts the same changes as a script that shares no code with it."""

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
    """Merge the environments of a platform, as the script does."""
    merged: dict[Scope, dict[PackageEntry, None]] = {}
    for scope, packages in lock.packages.items():
        merged.setdefault(Scope("", scope.platform), {}).update(dict.fromkeys(packages))
    return Lock(
        name=lock.name,
        format=lock.format,
        packages={scope: tuple(packages) for scope, packages in merged.items()},
    )


def numbers(result: Diff, scope: Scope) -> tuple[int, int, int, int, int]:
    """Return the five numbers of the script.

    A rebuilt package with the same builds counts as one with other hashes only.
    """
    counted = result.counts[scope]
    only_hash = sum(
        where.scope == scope and {v[:2] for v in where.old} == {v[:2] for v in where.new}
        for change in result.changes
        for where in change.where
        if change.kind == "rebuilt"
    )
    changed = sum(counted.values()) - counted["added"] - counted["removed"] - counted["kept"]
    return counted["added"], counted["removed"], changed - only_hash, only_hash, counted["kept"]


def test_the_number_of_pairs() -> None:
    assert len(FOLDERS) == 39


@pytest.mark.parametrize(
    "folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
def test_counts(folder: Path) -> None:
    result = diff(by_platform(side(folder, "old")), by_platform(side(folder, "new")))
    expected = counts(folder)
    assert expected
    assert {platform: numbers(result, Scope("", platform)) for platform in expected} == expected


@pytest.mark.parametrize(
    "folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
def test_a_lock_equals_itself(folder: Path) -> None:
    new = side(folder, "new")
    assert diff(new, new).changes == ()
