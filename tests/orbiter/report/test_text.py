"""The report for a terminal."""

import re

import pytest
from msgspec.structs import replace

from orbiter.diff import compare
from orbiter.diff.types import Diff, Side
from orbiter.lockfiles.named import load_lock
from orbiter.report import phrases, text
from tests.support.diff_samples import ALTERED, ALTERED_WORDS, EMPTY, SAMPLES, SMALL, change, many
from tests.support.golden import assert_golden
from tests.support.paths import TESTS

COLOUR = re.compile(r"\x1b\[[0-9;]+m")


def rendered(diff: Diff, width: int = 80, *, colour: bool = False, everything: bool = False) -> str:
    return text.render(diff, width=width, colour=colour, everything=everything)


@pytest.mark.parametrize("width", [45, 80, 200])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_report_equals_the_golden_file(name: str, width: int) -> None:
    assert_golden(f"{name}.{width}.txt", rendered(SAMPLES[name], width))


def test_a_long_report_equals_the_golden_file() -> None:
    assert_golden("long.80.txt", rendered(many(1000)))
    assert_golden("long.colour.txt", rendered(many(40), colour=True))


@pytest.mark.parametrize("width", [*range(40, 130), 200])
def test_no_line_is_wider_than_the_window(width: int) -> None:
    for diff in (*SAMPLES.values(), many(300)):
        for line in rendered(diff, width, everything=True).splitlines():
            assert len(line) <= width
            assert line == line.rstrip()


@pytest.mark.parametrize("name", SAMPLES)
def test_colours_do_not_change_the_text(name: str) -> None:
    coloured = rendered(SAMPLES[name], colour=True)
    assert COLOUR.search(coloured)
    assert COLOUR.sub("", coloured) == rendered(SAMPLES[name])


def test_all_shows_every_package_and_a_short_report_counts_the_rest() -> None:
    diff = many(1000)
    whole, folded = rendered(diff, everything=True), rendered(diff)
    names = {change.name for change in diff.changes}
    assert set(re.findall(r"package-\d{5}", whole)) == names
    shown = len(re.findall(r"^  \S (?:\w+ +)?package-\d{5}", folded, re.MULTILINE))
    assert shown + sum(map(int, re.findall(r"… and (\d+) more", folded))) == len(names)
    assert "more" not in whole


def test_altered_packages_come_first() -> None:
    lines = rendered(ALTERED, 200).splitlines()
    assert "1 ALTERED" in lines[0]
    alarm = next(number for number, line in enumerate(lines) if ALTERED_WORDS in line)
    assert "requests" in lines[alarm + 1]
    assert alarm < next(number for number, line in enumerate(lines) if "numpy" in line)


def test_one_manager_needs_no_column() -> None:
    assert "  pip  " in rendered(SMALL)
    assert "  pip  " not in rendered(ALTERED)


def test_a_lock_cannot_control_the_terminal() -> None:
    hostile = change(
        "\x1b[2Jgone\r\n",
        "added",
        "",
        "1\x07",
        why=("\x1b]0;x\x07", "gone"),
        licences=("\x9b", "b"),
    )
    side = Side(name="a\x1b[1m", format="")
    expected = rendered(replace(EMPTY, old=side, changes=(hostile,), notes=("n\x1b",)), 200)
    assert all(each.isprintable() or each == "\n" for each in expected)


def test_the_summary_is_the_first_line() -> None:
    for diff in SAMPLES.values():
        assert rendered(diff, 300).splitlines()[0] == phrases.summary(diff)


def test_python_is_the_first_row_of_a_lock_without_requests() -> None:
    folder = TESTS / "data" / "locks" / "python-buried"
    old, new = (load_lock(str(folder / f"{side}.conda-lock.yml")) for side in ("old", "new"))
    lines = rendered(compare.diff(old, new), 80).splitlines()
    heading = lines.index("Required by most other packages (1)")
    assert lines[heading + 1].split() == [
        "↑", "upgraded", "python", "3.10.9", "→", "3.12.12", "minor", "via", "app",
    ]  # fmt: skip
    assert "Direct requirements, guessed (1)" in lines
