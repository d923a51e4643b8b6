"""Packages that files of /opt/env belong to. Pure."""

import csv
import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

ENVIRONMENT = PurePosixPath("opt/env")
NPM = re.compile(r".*/node_modules/((?:@[^/]+/)?[^/]+)/")


def owners(records: Mapping[str, str]) -> dict[str, str]:
    """Return the packages of pip and conda by file: ``opencv-python (pip)``.

    ``records`` are the texts of RECORD and conda-meta by path.
    """
    found: dict[str, str] = {}
    for path, text in sorted(records.items()):
        if path.endswith("/RECORD"):
            found |= dict.fromkeys(_pip_files(path, text), f"{_pip_name(path)} (pip)")
        else:
            record = json.loads(text)
            files = [str(ENVIRONMENT / name) for name in record.get("files", ())]
            found |= dict.fromkeys(files, f"{record['name']} (conda)")
    return found


def owner(path: str, known: Mapping[str, str]) -> str:
    """Return the package of a file; the path itself if no package is known."""
    if path in known:
        return known[path]
    if match := NPM.match(path):
        return f"{match[1]} (npm)"
    return f"/{path}"


def _pip_name(record: str) -> str:
    return canonicalize_name(PurePosixPath(record).parent.name.partition("-")[0])


def _pip_files(record: str, text: str) -> list[str]:
    """Return the paths in a RECORD, which are relative to the folder of the packages."""
    packages = PurePosixPath(record).parent.parent
    # Programs are listed as ../../../bin/NAME.
    lines = [line[0] for line in csv.reader(text.splitlines()) if line]
    return [_normal(packages / line) for line in lines]


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
