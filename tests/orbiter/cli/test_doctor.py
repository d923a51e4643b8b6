"""``orbiter doctor``: exit codes, formats, and a project that stays as it is."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.json_output import read_document
from tests.support.loopback import Answer, serving

IMAGES = """
version = "0.1.0"
repository = "{0}/a/b"
[builder.debian]
from = "{0}/debian:trixie-slim"
[image.debian.base]
pip = ["attrs"]
"""
PAGE = Answer(200, b'<a href="attrs-1.tar.gz">attrs</a>', {"Content-Type": "text/html"})


def doctor(folder: Path, *words: str, index: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index,
        "DOCKER_HOST": "unix:///nowhere/docker.sock",
        "ORBITER_CACHE_DIR": str(folder.parent / "cache"),
        "PATH": os.path.dirname(sys.executable),  # noqa: PTH120
    }
    command = [sys.executable, "-m", "orbiter", "doctor", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def by_name(text: str) -> dict[str, Any]:
    return {check["name"]: check for check in read_document("doctor", text)["checks"]}


def test_a_project_with_faults(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with serving() as server:
        (project / "images.toml").write_text(IMAGES.format(server.host), encoding="utf-8")
        before = contents(project)
        server.otherwise = Answer(401)
        server.replies["/simple/attrs/"] = PAGE
        done = doctor(project, "--format", "json", index=f"{server.url}/simple/")
    assert done.returncode == 1
    found = by_name(done.stdout)
    assert found["pip index"]["state"] == "ok"
    assert (found["base image"]["fault"], found["push"]["fault"]) == ("credentials", "credentials")
    assert found["Docker engine"]["state"] == "failed"
    assert found["clock"]["state"] == "ok"
    assert contents(project) == before


def test_mistakes_in_images_toml_do_not_end_the_checks(tmp_path: Path) -> None:
    (tmp_path / "images.toml").write_text("version = 1\n", encoding="utf-8")
    with serving() as server:
        server.replies["/simple/pip/"] = Answer(404)
        found = by_name(doctor(tmp_path, "--format", "json", index=f"{server.url}/simple").stdout)
    assert found["image set"]["state"] == "failed"
    assert (found["pip index"]["fault"], found["cache folder"]["state"]) == ("missing", "ok")


@pytest.mark.engine
def test_nothing_failed(tmp_path: Path) -> None:
    host = os.environ.get("DOCKER_HOST", "")
    with serving() as server:
        server.replies["/simple/pip/"] = Answer(
            200, b'<a href="pip-1.tar.gz">pip</a>', {"Content-Type": "text/html"}
        )
        server.replies["/semver"] = Answer(200, b"{}")
        environment = {
            "PIP_INDEX_URL": f"{server.url}/simple",
            "PIP_CONFIG_FILE": os.devnull,
            "npm_config_registry": server.url,
        }
        done = subprocess.run(
            [sys.executable, "-m", "orbiter", "doctor"],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
    assert host in done.stdout
    assert ("failed" not in done.stdout, done.returncode) == (True, 0)
    assert max(map(len, done.stdout.splitlines())) <= 80
