"""Licences that differ between two locks."""

import gzip
from pathlib import Path

import pytest

from orbiter.licences.compare import licence_changes
from orbiter.licences.locks import with_licences
from orbiter.licences.model import LicenceRecord
from orbiter.lockfiles.lock_set import as_lock
from orbiter.lockfiles.recognise import read
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from orbiter.store.store import Store
from tests.support.paths import TESTS
from tests.support.sbom_lock_sets import release

PAIRS = TESTS / "data" / "locks" / "pairs"


def lock(**licences: str) -> Lock:
    entries = tuple(
        PackageEntry(manager="npm", name=name, version="1.0.0", licence=licence)
        for name, licence in licences.items()
    )
    return Lock(name="a", format="b", packages={Scope(): entries})


def real(folder: str, side: str) -> Lock:
    (path,) = (PAIRS / folder).glob(f"{side}.*.gz")
    return read(path.name, gzip.decompress(path.read_bytes()))


def test_licences_of_packages_that_came_and_went() -> None:
    old = lock(a="MIT", b="ISC", c="MIT")
    new = lock(a="MIT", c="Apache-2.0", d="MIT AND BSD-3-Clause", e="Apache 2.0")
    changes = licence_changes(old, new)
    assert [(use.licence, use.packages) for use in changes.introduced] == [
        ("Apache-2.0", ("c", "e")),
        ("BSD-3-Clause", ("d",)),
    ]
    assert [(use.licence, use.packages) for use in changes.dropped] == [("ISC", ("b",))]
    assert [(each.name, each.old, each.new) for each in changes.changed] == [
        ("c", ("MIT",), ("Apache-2.0",))
    ]


def test_unknown_licences_are_counted_and_are_no_change() -> None:
    changes = licence_changes(lock(a="MIT", b="", c="Own"), lock(a="", b="MIT", c="Own"))
    assert (changes.unknown_old, changes.unknown_new) == (2, 2)
    assert changes.changed == ()


def test_packages_that_were_denied_before_are_not_new() -> None:
    old = lock(a="AGPL-3.0-only", b="MIT", c="MIT")
    new = lock(a="AGPL-3.0-only", b="AGPL-3.0-only", c="MIT OR AGPL-3.0-only", d="AGPL-1.0-only")
    changes = licence_changes(old, new, ("AGPL-*",))
    assert [(each.name, each.licences) for each in changes.denied] == [
        ("b", ("AGPL-3.0-only",)),
        ("d", ("AGPL-1.0-only",)),
    ]


@pytest.mark.parametrize(
    "folder",
    ["pixi/01-docker-example", "pixi/04-nebari-jupyterlab", "pixi/05-pixi-v5-to-v6"],
)
def test_real_locks_in_both_directions(folder: str) -> None:
    old, new = real(folder, "old"), real(folder, "new")
    forth, back = licence_changes(old, new), licence_changes(new, old)
    assert forth.introduced == back.dropped
    assert forth.dropped == back.introduced
    assert forth.introduced or forth.dropped
    same = licence_changes(new, new, ("*",))
    assert (same.introduced, same.dropped, same.changed, same.denied) == ((), (), (), ())
    assert same.unknown_old == forth.unknown_new


def test_a_lock_set_has_the_licences_of_its_lock_files_and_records(tmp_path: Path) -> None:
    records = (LicenceRecord(package="jupyterlab", licence="BSD-3-Clause", reason="its LICENSE"),)
    found = with_licences(as_lock(release("0.2.0"), "0.2.0"), Store(tmp_path), records)
    licences = {
        (entry.manager, entry.name): entry.licence
        for entries in found.packages.values()
        for entry in entries
    }
    assert licences["npm", "vega-cli"] == "BSD-3-Clause"
    assert licences["pip", "jupyterlab"] == "BSD-3-Clause"
    assert licences["pip", "numpy"] == ""


def test_other_locks_stay_as_they_are(tmp_path: Path) -> None:
    other = lock(a="MIT")
    assert with_licences(other, Store(tmp_path), ()) is other


def test_another_spelling_of_a_licence_is_no_change() -> None:
    changes = licence_changes(lock(a="LGPL-3.0", b="GPLv3+"), lock(a="LGPL-3.0-only", b="GPL-3.0+"))
    assert changes == licence_changes(lock(a="LGPL-3.0"), lock(a="LGPL-3.0"))


def test_a_lock_without_licences_has_no_list() -> None:
    changes = licence_changes(real("package-lock/05-lonboard", "old"), lock(a="MIT"))
    assert (changes.introduced, changes.dropped) == ((), ())
    assert changes.unknown_old > 900
