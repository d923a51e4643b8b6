"""The report of orbiter lock: the counts of diff-locks, by builder and manager."""

import re
from collections import Counter

import pytest
from msgspec.structs import replace

from orbiter.diff.compare import diff
from orbiter.diff.lock_sets import ManagerChanges, lock_set_changes
from orbiter.lockfiles.lock_set import as_lock
from orbiter.lockfiles.types import Scope
from orbiter.lockset import folder, model
from orbiter.lockset.model import LockSet
from orbiter.report import phrases
from orbiter.report.lock_sets import format_changes
from tests.support.diff_samples import AMD64, change
from tests.support.paths import ROOT


def released(release: str) -> LockSet:
    return folder.read(ROOT / "locks" / release)


@pytest.mark.parametrize(("old", "new"), [("0.1.0", "0.2.0"), ("0.2.0", "0.1.0")])
def test_lock_counts_what_diff_locks_counts(old: str, new: str) -> None:
    one, two = released(old), released(new)
    text = format_changes(lock_set_changes(one, two))
    counted: Counter[str] = Counter()
    for number, kind in re.findall(r"(\d+) (added|removed|upgraded|downgraded|changed)\b", text):
        counted[kind] += int(number)
    expected = phrases.tally(diff(as_lock(one, old), as_lock(two, new)))
    assert expected
    assert counted == expected


def test_the_first_lock_adds_all_packages_and_the_same_lock_changes_nothing() -> None:
    lock_set = released("0.1.0")
    first = format_changes(lock_set_changes(None, lock_set)).splitlines()
    assert first[0] == "debian apt    187 packages: 187 added"
    assert "    + bash 5.2.37-2+b10" in first
    assert not any(line.startswith("installers") for line in first)
    assert format_changes(lock_set_changes(lock_set, lock_set)).splitlines() == [
        "debian apt    187 packages: unchanged",
        "debian npm    318 packages: unchanged",
        "debian pip    196 packages: unchanged",
    ]


def test_an_upgraded_installer_is_listed() -> None:
    lock_set = released("0.1.0")
    installers = tuple(
        replace(each, pin=replace(each.pin, version="99.1"))
        for each in lock_set.manifest.installers
    )
    manifest = replace(lock_set.manifest, installers=installers)
    text = format_changes(lock_set_changes(lock_set, model.seal(manifest, lock_set.files)))
    assert "installers pip      1 packages: 1 upgraded\n    ↑ uv 0.13.8 → 99.1" in text


ROW = ManagerChanges(
    builder="debian",
    manager="npm",
    count=4,
    changes=(
        change("kind-of", "added", "", "6.0.3", manager="npm", why=("kind-of",)),
        change("left-pad", "removed", "1.3.0", manager="npm", why=("left-pad",)),
        change("canvas", "downgraded", "3.2.3", "2.11.2", manager="npm", why=("canvas",)),
        change("is-number", "added", "", "6.0.0 7.0.0", manager="npm"),
        change("bad", "downgraded", "1.1", "1.0", manager="npm"),
        change("geo", "upgraded", "", "7946.0.4", stays=("6.3.1",), manager="npm", why=("geo",)),
    ),
)


def test_names_are_counted_and_downgrades_are_marked() -> None:
    assert format_changes([ROW]).splitlines() == [
        "debian npm      4 packages: 2 added, 1 removed, 1 upgraded, 2 downgraded",
        "    + kind-of 6.0.3",
        "    - left-pad 1.3.0",
        "    ↓ canvas 3.2.3 → 2.11.2 (downgraded)",
        "    ↑ geo now also 7946.0.4",
        "    ↓ bad 1.1 → 1.0 (downgraded)",
    ]


def test_a_new_image_is_counted_as_one_change() -> None:
    row = ManagerChanges(
        builder="debian", manager="apt", count=9, added=(AMD64,), removed=(Scope("debian-old", ""),)
    )
    assert format_changes([row]) == (
        "debian apt      9 packages: image debian-base linux/amd64 added, image debian-old removed"
    )


def test_many_downgrades_are_counted() -> None:
    many = tuple(
        change(f"p{number}", "downgraded", "2", "1", manager="apt") for number in range(13)
    )
    text = format_changes([ManagerChanges(builder="a", manager="apt", count=13, changes=many)])
    assert text.count("(downgraded)") == 10
    assert text.endswith("    … and 3 more downgraded (orbiter diff-locks lists them)")
