"""Pins of the previous lock are dropped only if they prevent a solution."""

from collections.abc import Callable, Mapping

import pytest

from resolvers.distro.pins import NoSolutionError, report_changed_pins, solve_keeping_pins
from resolvers.types.request import Request, Upgrade

PINS = {"a": "1", "b": "1", "c": "1"}


def solver(*failures: str) -> Callable[[Mapping[str, str]], list[str]]:
    """Return a solver that fails while a pin of ``failures`` is there, and blames all of them."""

    def solve(pins: Mapping[str, str]) -> list[str]:
        if any(name in pins for name in failures):
            raise NoSolutionError("no solution", "", frozenset(failures))
        return sorted(pins)

    return solve


@pytest.mark.parametrize(
    ("failures", "kept"), [((), ["a", "b", "c"]), (("b",), ["a", "c"]), (("a", "b", "c"), [])]
)
def test_only_blamed_pins_are_dropped(failures: tuple[str, ...], kept: list[str]) -> None:
    assert solve_keeping_pins(solver(*failures), PINS) == kept


def test_all_pins_are_dropped_if_the_explanation_blames_none() -> None:
    def solve(pins: Mapping[str, str]) -> str:
        if pins:
            raise NoSolutionError("no solution", "", frozenset({"other"}))
        return "solved"

    assert solve_keeping_pins(solve, PINS) == "solved"


def test_a_failure_without_pins_is_raised() -> None:
    def solve(_pins: Mapping[str, str]) -> str:
        raise NoSolutionError("no solution", "", frozenset())

    with pytest.raises(NoSolutionError, match="no solution"):
        solve_keeping_pins(solve, PINS)


def test_a_long_list_of_changed_pins_is_shortened() -> None:
    before = {f"p{number}": "1" for number in range(7)}
    after = {**dict.fromkeys(before, "2"), "p0": "1"}
    lines: list[str] = []
    request = Request(
        groups=(),
        targets=(),
        upgrade=Upgrade(packages={"p1": ""}),
        progress=lines.append,
    )
    report_changed_pins(request, "linux/amd64", before, {**after, "p7": "1"})
    report_changed_pins(request, "linux/amd64", {**before, "p7": "1"}, {**after, "p7": "2"})
    pins = "p2 1 -> 2, p3 1 -> 2, p4 1 -> 2, p5 1 -> 2, p6 1 -> 2"
    start = "note: the index of linux/amd64 no longer allows these pins: "
    assert lines == [start + pins, f"{start}{pins} and 1 more"]
