import pytest

from orbiter.advisories.severity import cvss_score, severity_of

REQUESTS = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:H/I:H/A:N"
BRACES = "CVSS:4.0/AV:N/AC:H/AT:N/PR:L/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N"


# Scores of the calculators of FIRST and of NVD.
@pytest.mark.parametrize(
    ("vector", "score"),
    [
        (REQUESTS, 5.6),
        (BRACES, 2.3),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5),
        ("CVSS:3.1/AV:N", None),
        ("9.8", None),
        ("", None),
        ("CVSS:3.1/" + "AV:N/" * 1000, None),
    ],
)
def test_scores(vector: str, score: float | None) -> None:
    assert cvss_score(vector) == score


def test_the_highest_vector_counts() -> None:
    found = severity_of([BRACES, REQUESTS, "broken"], ["critical"], ["GHSA-1"])
    assert (found.level, found.score, found.vector) == ("medium", 5.6, REQUESTS)


@pytest.mark.parametrize(
    ("ratings", "level"),
    [(["moderate"], "medium"), (["low", "high"], "high"), (["urgent"], "unknown"), ([], "unknown")],
)
def test_words_count_without_a_vector(ratings: list[str], level: str) -> None:
    assert severity_of([], ratings, ["GHSA-1"]).level == level


def test_malicious_packages_are_critical() -> None:
    assert severity_of([], [], ["MAL-2025-46974"]).level == "critical"
    assert severity_of([BRACES], [], ["MAL-2025-46974"]).level == "critical"


@pytest.mark.parametrize(
    ("vector", "reached"),
    [(REQUESTS, ["low", "medium"]), (BRACES, ["low"]), ("", [])],
)
def test_levels_that_a_severity_reaches(vector: str, reached: list[str]) -> None:
    severity = severity_of([vector], [], [])
    levels = ("low", "medium", "high", "critical")
    assert [level for level in levels if severity.reaches(level)] == reached
