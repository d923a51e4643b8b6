"""The command osv update, and the answers from what it fetched."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.json_output import read_document
from tests.support.loopback import Answer, ranged, serving
from tests.support.osv import OSV
from tests.support.paths import ROOT


def orbiter(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def test_fetches_indexes_and_answers(tmp_path: Path) -> None:
    (tmp_path / "locks").symlink_to(ROOT / "locks")
    with serving() as server:
        for name in ("Debian", "PyPI", "npm"):
            content = (OSV / name / "all.zip").read_bytes()
            server.replies[f"/{name}/all.zip"] = ranged(content)
        done = orbiter(
            tmp_path, "osv", "update", "Debian", "PyPI", "npm", ORBITER_OSV_URL=server.url
        )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.partition(",")[0] for line in lines[:3]] == [
        "Debian: new",
        "PyPI: new",
        "npm: new",
    ]
    assert lines[3].startswith("sha256:")
    assert lines[4] == "newest advisory 2026-07-23, advisories: Debian 8, PyPI 567, npm 17"
    assert "PyPI: done in" in done.stderr
    words = ("audit", "--vulnerabilities", "--release", "0.2.0", "--format", "json")
    answer = orbiter(tmp_path, *words, "--max-age", "99999")
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["database"]["digest"] == lines[3]


def test_as_json(tmp_path: Path) -> None:
    with serving() as server:
        server.replies["/npm/all.zip"] = ranged((OSV / "npm" / "all.zip").read_bytes())
        words = ("osv", "update", "npm", "-q", "--format", "json")
        first, second = (orbiter(tmp_path, *words, ORBITER_OSV_URL=server.url) for _ in range(2))
    document = read_document("osv update", first.stdout)
    assert document["records"] == {"npm": 17}
    (export,) = document["exports"]
    assert (export["ecosystem"], export["is_new"]) == ("npm", True)
    assert export["size"] == (OSV / "npm" / "all.zip").stat().st_size
    assert read_document("osv update", second.stdout)["digest"] == document["digest"]


@pytest.mark.parametrize(("status", "problem"), [(404, "returned 404"), (403, "returned 403")])
def test_a_failure_exits_with_2(tmp_path: Path, status: int, problem: str) -> None:
    with serving() as server:
        server.otherwise = Answer(status)
        done = orbiter(tmp_path, "osv", "update", ORBITER_OSV_URL=server.url)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "ORBITER_OSV_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_ecosystem_is_a_usage_error(tmp_path: Path) -> None:
    done = orbiter(tmp_path, "osv", "update", "pypi")
    assert done.returncode == 2
    assert "'PyPI'" in done.stderr
