"""The clock of this machine, compared with those of servers."""

from datetime import timedelta

import pytest

from orbiter.doctor.clock import compare_clocks


def test_without_an_answer_the_clock_is_not_checked() -> None:
    assert compare_clocks({}).state == "skipped"


@pytest.mark.parametrize("seconds", [0, 299, -300])
def test_a_small_difference_is_right(seconds: int) -> None:
    found = compare_clocks({"index.example": timedelta(seconds=seconds)})
    assert (found.state, found.detail) == ("ok", "the time agrees with that of index.example")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(301, "0:05:01 ahead of that"), (-86400.4, "1 day, 0:00:00 behind that")],
)
def test_a_large_difference_is_a_warning(seconds: float, words: str) -> None:
    found = compare_clocks({"index.example": timedelta(seconds=seconds)})
    assert (found.state, words in found.detail) == ("warning", True)


def test_one_wrong_server_does_not_make_the_clock_wrong() -> None:
    differences = {"wrong.example": timedelta(days=-9), "right.example": timedelta(seconds=2)}
    assert compare_clocks(differences).detail.endswith("right.example")
