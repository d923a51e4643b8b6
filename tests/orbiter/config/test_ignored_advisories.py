"""The decisions about advisories in images.toml."""

from datetime import date
from pathlib import Path

import pytest

from orbiter.config.advisory_keys import IgnoredAdvisory
from orbiter.config.mistakes import ConfigError
from orbiter.config.read import read_ignored_advisories, read_image_set
from orbiter.config.starter import write_starter

DECISION = """
[[ignore-advisory]]
id = "CVE-2024-29415"
package = "ip"
reason = "no image calls isPublic"
until = 2027-01-31
"""


def with_text(folder: Path, text: str) -> Path:
    path = folder / "images.toml"
    write_starter(path)
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return path


def test_reads_decisions(tmp_path: Path) -> None:
    (found,) = read_ignored_advisories(with_text(tmp_path, DECISION))
    assert found == IgnoredAdvisory(
        id="CVE-2024-29415",
        package="ip",
        reason="no image calls isPublic",
        until=date(2027, 1, 31),
    )


def test_without_decisions_or_a_file_there_are_none(tmp_path: Path) -> None:
    assert read_ignored_advisories(tmp_path / "images.toml") == ()
    assert read_ignored_advisories(with_text(tmp_path, "")) == ()


def test_decisions_are_no_part_of_the_image_set(tmp_path: Path) -> None:
    plain = read_image_set(with_text(tmp_path, ""))
    (tmp_path / "images.toml").unlink()
    assert read_image_set(with_text(tmp_path, DECISION)) == plain


@pytest.mark.parametrize(
    ("old", "new", "problem", "hint"),
    [
        ('"CVE-2024-29415"', '"CVE 1"', 'id: "CVE 1" is not valid', "CVE-2024-29415"),
        ('"no image calls isPublic"', '" "', 'reason: " " is not valid', "for example"),
        ("2027-01-31", '"2027-02-01"', "until: is a string", "write until = 2027-02-01, without"),
        ("2027-01-31", '"soon"', "until: is a string", "write until = 2027-01-31, without"),
        ("2027-01-31", "2027-01-31T00:00:00", "until: is a date or time", "until = 2027-01-31"),
        ("until", "till", "until: is missing", "add until = 2027-01-31"),
        ("package", "packages", "packages: unknown key", "did you mean 'package'?"),
    ],
)
def test_mistakes_name_the_line(
    tmp_path: Path, old: str, new: str, problem: str, hint: str
) -> None:
    path = with_text(tmp_path, DECISION + DECISION.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_ignored_advisories(path)
    assert f"ignore-advisory[1].{problem}" in caught.value.message
    assert hint in caught.value.hint
    lines = path.read_text(encoding="utf-8").splitlines()
    numbers = {mistake.line for mistake in caught.value.mistakes}
    start = len(lines) - 4
    assert all(start <= number <= len(lines) for number in numbers)
