"""Reasons for moves follow from two lock sets alone; the lock sets are real ones."""

import pytest

from orbiter.diff.compare import diff
from orbiter.diff.moves import explain, without_reasons
from orbiter.diff.needs import needs
from orbiter.lockfiles.lock_set import INSTALLERS, as_lock
from orbiter.lockset import folder
from orbiter.lockset.model import LockSet
from orbiter.report.lock_sets import format_moves
from tests.support.lock_sets import changed, small
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def old() -> LockSet:
    return folder.read(ROOT / "locks" / "0.1.0")


@pytest.fixture(scope="module")
def new() -> LockSet:
    return folder.read(ROOT / "locks" / "0.2.0")


def test_every_change_is_a_move(old: LockSet, new: LockSet) -> None:
    changes = diff(as_lock(old, ""), as_lock(new, "")).changes
    moves = explain(old, new, set())
    expected = {
        (change.manager, change.name)
        for change in changes
        if any(each.scope.environment != INSTALLERS for each in change.where)
    }
    assert {(move.change.manager, move.change.name) for move in moves.moves} == expected
    assert moves.count == len(expected)
    assert format_moves(moves).endswith(f"moved {moves.count} of {moves.compared} packages")


def test_an_upgraded_package_is_the_root_of_what_it_requires(old: LockSet, new: LockSet) -> None:
    moves = explain(old, new, {"jupyterlab"})
    by_name = {move.change.name: move for move in moves.moves if move.change.manager == "pip"}
    assert by_name["jupyterlab"].asked
    assert by_name["jupyterlab"].cause is None
    required = [move for move in moves.moves if move.cause and move.cause.name == "jupyterlab"]
    edges = needs(new, "debian")
    direct = [each for each in required if each.cause and each.cause.relation == "requires"]
    assert direct
    for move in direct:
        assert ("pip", "jupyterlab", move.change.name) in edges
        assert move.cause
        assert move.cause.requirement == edges["pip", "jupyterlab", move.change.name]
    assert moves.by_root == (("jupyterlab", sum(bool(m.root) for m in moves.moves) - 1),)


def test_without_requests_no_reason_is_invented(old: LockSet, new: LockSet) -> None:
    moves = explain(old, new, set())
    assert not any(move.asked or move.root for move in moves.moves)
    assert ": " not in format_moves(moves).partition("↑ altair")[2].partition("\n")[0]


def test_a_first_lock_and_the_same_lock_move_nothing(new: LockSet) -> None:
    assert without_reasons(None, new).moves == explain(None, new, {"numpy"}).moves == ()
    assert explain(new, new, {"numpy"}).moves == ()
    assert "moved" not in format_moves(explain(new, new, {"numpy"}))


def test_reasons_mirror(old: LockSet, new: LockSet) -> None:
    there, back = explain(old, new, {"pandas"}), explain(new, old, {"pandas"})
    assert {move.change.name for move in there.moves} == {move.change.name for move in back.moves}
    assert there.count == back.count


def test_no_line_is_wider_than_80_columns(old: LockSet, new: LockSet) -> None:
    text = format_moves(explain(old, new, {"jupyterlab", "vega-cli", "matplotlib"}))
    assert max(map(len, text.splitlines())) <= 80
    assert "needs it" in text or "needs " in text


def test_removed_packages_are_counted_as_packages_that_could_move() -> None:
    without_apt = changed(small(), {"debian/apt.lock": None})
    moves = without_reasons(small(), without_apt)
    removed = {move.change.name for move in moves.moves}
    assert removed
    kept = len(without_reasons(None, without_apt).changes[0].changes)
    assert moves.total == kept
    expected = f"moved {len(removed)} of {len(removed) + kept} packages"
    assert format_moves(moves).endswith(expected)
    assert without_reasons(without_apt, small()).compared == moves.compared
