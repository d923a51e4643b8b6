"""The severity of an advisory by its CVSS vectors. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, get_args

import msgspec

Level = Literal["unknown", "none", "low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""All levels, lowest first. An unknown severity is not a low one."""
LOWEST_SCORES: tuple[tuple[Level, float], ...] = (
    ("critical", 9.0),
    ("high", 7.0),
    ("medium", 4.0),
    ("low", 0.1),
)
"""Levels by CVSS score, as its versions 3 and 4 define them."""
SYNONYMS = {"important": "high", "moderate": "medium", "unimportant": "low"}
MALICIOUS = "MAL-"
"""Beginning of the ids of malicious packages."""
MAX_LENGTH = 500


class Severity(msgspec.Struct, frozen=True, kw_only=True):
    """The severity of an advisory.

    ``level`` is one of LEVELS. ``score`` is the CVSS score of the ``vector``, None without one. The
    level then is the word of the database, or "critical" for a malicious package.
    """

    level: Level = "unknown"
    score: float | None = None
    vector: str = ""

    def reaches(self, level: str) -> bool:
        """Return whether the severity is at least ``level``; an unknown one reaches no level."""
        return LEVELS.index(self.level) >= LEVELS.index(level)


def severity_of(vectors: Iterable[str], ratings: Iterable[str], ids: Iterable[str]) -> Severity:
    """Return the severity by the highest of the CVSS vectors, or else by the ratings in words."""
    scores = {vector: score for vector in vectors if (score := cvss_score(vector)) is not None}
    is_malicious = any(name.startswith(MALICIOUS) for name in ids)
    if scores:
        vector, score = max(scores.items(), key=lambda item: (item[1], item[0]))
        level = "critical" if is_malicious else _level(score)
        return Severity(level=level, score=score, vector=vector)
    if is_malicious:
        return Severity(level="critical")
    words = [SYNONYMS.get(rating, rating) for rating in ratings]
    known = [LEVELS.index(word) for word in words if word in LEVELS]
    return Severity(level=LEVELS[max(known, default=0)])


@lru_cache(maxsize=1 << 12)
def cvss_score(vector: str) -> float | None:
    """Return the base score of a CVSS vector of version 2, 3 or 4; None if it is invalid."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError

    if len(vector) > MAX_LENGTH:
        return None
    try:
        if vector.startswith("CVSS:4"):
            return float(CVSS4(vector).base_score)
        if vector.startswith("CVSS:3"):
            return float(CVSS3(vector).base_score)
        return float(CVSS2(vector).base_score)
    except (CVSSError, ValueError):
        return None


def _level(score: float) -> Level:
    return next((level for level, lowest in LOWEST_SCORES if score >= lowest), "none")
