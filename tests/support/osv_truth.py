"""Locks, and their vulnerabilities as a program without Orbiter's code computed them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.osv import OSV
from tests.support.paths import ROOT, TESTS

TRUTH: dict[str, Any] = json.loads((OSV / "truth.json").read_text(encoding="utf-8"))
RELEASES = {"old": "0.1.0", "new": "0.2.0"}
HOW = {"gone": "removed", "upgraded": "upgraded"}
KEYS = ("advisory", "ids", "ecosystem", "package", "versions")
"""The values of a finding that the truth has."""


def is_release(case: str) -> bool:
    """Return whether the truth is about releases of this repository."""
    return case.startswith("release")


def write_lock(case: str, side: str, folder: Path) -> str:
    """Write one side of a pair of lock files into a folder, and return its path.

    For a release, return the path of its lock set in this repository.
    """
    if is_release(case):
        return str(ROOT / "locks" / RELEASES[side])
    (path,) = (TESTS / "data" / "locks" / "pairs" / case.removeprefix("shared/")).glob(f"{side}.*")
    target = folder / path.name
    target.write_bytes(gzip.decompress(path.read_bytes()))
    return str(target)


def ordered(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return findings in an order of their own."""
    return sorted(items, key=lambda item: (item["advisory"], item["ecosystem"], item["package"]))


def fixed_in(case: str) -> list[dict[str, Any]]:
    """Return the fixed ones of a case, with the words of Orbiter."""
    return ordered([{**item, "how": HOW[item["how"]]} for item in TRUTH[case]["fixed"]])


def undecided(findings: list[dict[str, Any]]) -> Iterator[list[str]]:
    """Yield findings by record and version, as the truth has them."""
    for each in findings:
        for name in each["ids"]:
            for version in each["versions"]:
                yield [name, each["ecosystem"], each["package"], version]
