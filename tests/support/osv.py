"""Real records of OSV, and exports made of them."""

import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from orbiter.advisories.records import AdvisedPackage, advised_packages, parse_record
from tests.support.paths import TESTS

OSV = TESTS / "data" / "osv"
"""An export with a zip file for each of PyPI, npm and Debian."""


@cache
def record_text(ecosystem: str, name: str) -> bytes:
    """Return the text of a real record."""
    with zipfile.ZipFile(OSV / ecosystem / "all.zip") as archive:
        return archive.read(f"{name}.json")


def record(ecosystem: str, name: str, **changes: Any) -> dict[str, Any]:
    """Return a real record with other values for some keys."""
    return {**json.loads(record_text(ecosystem, name)), **changes}


def advised(ecosystem: str, name: str, package: str = "") -> list[AdvisedPackage]:
    """Return the statements of a real record, or those about one package."""
    found = advised_packages(parse_record(record_text(ecosystem, name), name))
    return [each for each in found if package in {"", each.name}]


def write_zip(path: Path, *records: dict[str, Any]) -> Path:
    """Write an export with the records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, each in enumerate(records):
            archive.writestr(f"{number}-{each['id']}.json", json.dumps(each))
    return path
