"""The settings for Renovate and Dependabot in the documentation."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from orbiter import __version__
from orbiter.platforms.ci import FILES, Service, WorkflowOptions, workflow
from tests.support.paths import ROOT, TESTS

BIN = Path(sys.executable).parent
PAGE = ROOT / "docs/how-to/ci.md"
MARKED = """
pip = [
    "jupyter-book<2",               # renovate: pypi
    "dask[array]>=2026.1,<2027" ,   # not marked, because of the comma
    "dask[array]>=2026.1,<2027",    # renovate: pypi
    "numpy==2.4.1; python_version >= '3.12'",  # renovate: pypi
    "pandas",                       # renovate: pypi
    "scipy>=1",
    "other>=1",                     # renovate: pypish
]
npm = ["npm@8"] # renovate: npm
other = [
    "npm@8",                        # renovate: npm
    "@scope/name@^1.2",             # renovate: npm
    "canvas@^3.1",
]
"""


def block(start: str) -> str:
    """Return the block of code on the page that starts with a text."""
    (found,) = re.findall(rf"```\w+\n({re.escape(start)}.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def managers() -> list[dict[str, Any]]:
    return list(json.loads(block("{\n"))["customManagers"])


def matches(manager: dict[str, Any], text: str) -> list[tuple[str, str]]:
    """Return names and versions; named groups of JavaScript are written differently."""
    (pattern,) = manager["matchStrings"]
    # The engine of Renovate, RE2, has neither.
    assert "(?=" not in pattern
    assert "(?!" not in pattern
    found = re.finditer(pattern.replace("(?<", "(?P<"), text)
    return [(match["depName"], match["currentValue"]) for match in found]


@pytest.mark.parametrize(
    ("schema", "name", "start"),
    [
        ("vendor.renovate", "renovate.json", "{\n"),
        ("vendor.dependabot", "dependabot.yml", "version: 2\n"),
    ],
)
def test_the_schemas_accept_the_settings(
    tmp_path: Path, schema: str, name: str, start: str
) -> None:
    (tmp_path / name).write_text(block(start))
    command: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema", schema, name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", [ROOT / "images.toml", TESTS / "data/lock-set/small/images.toml"], ids=["own", "small"]
)
def test_base_images_are_found_and_nothing_else(path: Path) -> None:
    text = path.read_text()
    tables = tomllib.loads(text)["builder"].values()
    bases = [table["from"] for table in tables if isinstance(table.get("from"), str)]
    assert bases
    assert [":".join(found) for found in matches(managers()[0], text)] == bases


def test_marked_requirements_are_found() -> None:
    _, pypi, npm, _ = managers()
    assert matches(pypi, MARKED) == [
        ("jupyter-book", "<2"),
        ("dask", ">=2026.1,<2027"),
        ("numpy", "==2.4.1"),
    ]
    assert matches(npm, MARKED) == [("npm", "8"), ("@scope/name", "^1.2")]
    assert matches(pypi, PAGE.read_text())[0] == ("jupyter-book", "<2")


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_orbiter_is_found_in_the_workflow(service: Service) -> None:
    manager = managers()[3]
    text = workflow(service, WorkflowOptions(repository="a/b"))
    assert matches(manager, text) == [("dorgeln/orbiter", __version__)]
    patterns = [pattern.strip("/") for pattern in manager["managerFilePatterns"]]
    assert any(re.search(pattern, str(FILES[service])) for pattern in patterns)
