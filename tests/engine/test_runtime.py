"""The settings of containers in images.toml, as the engine sees them in built images."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import QUICK_ORBITER

pytestmark = [pytest.mark.engine]
REPOSITORY = "orbiter-test/runtime"
IMAGES = f"""
version = "0.1.0"
repository = "{REPOSITORY}"

[builder.debian]
from = "debian:trixie-slim"

[image.debian.core]
workdir = "${{HOME}}/work"
entrypoint = ["env", "STARTED=yes"]
cmd = ["sh", "-c", "echo $STARTED $TEXT; pwd; id -u"]
expose = [8888, "53/udp"]
user = "1000:100"
stop-signal = "SIGINT"
volumes = ["/data", "/srv/x"]
postbuild = ["printf %s \\"$TEXT\\" > /opt/env/text"]

[image.debian.core.env]
PATH = "${{SPARK_HOME}}/bin:${{PATH}}"
SPARK_HOME = "/opt/spark"
TEXT = '''a  "b" \\ # 'c' $$HOME &<<X'''
TWICE = "${{TEXT}};${{HOME}}"

[image.debian.core.labels]
"org.example.team" = '''data "science" $HOME \\'''
"org.opencontainers.image.authors" = "Ada"

[image.debian.core.healthcheck]
test = ["sh", "-c", "test -e /data"]
interval = "1m30s"
timeout = "1.5s"
start-period = "500ms"
retries = 3

[image.debian.child]
from = "core"
env = {{ SPARK_OPTS = "--dir ${{SPARK_HOME}}" }}
cmd = ["true"]
expose = [9000]
labels = {{ "org.example.team" = "physics" }}

[image.debian.bare]
from = "core"
entrypoint = []
healthcheck = false
user = "root"
workdir = "/"
"""
TEXT = "a  \"b\" \\ # 'c' $HOME &<<X"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("runtime")
    (place / "images.toml").write_text(IMAGES)
    orbiter(place, "lock", "-q")
    orbiter(place, "build", "-q")
    yield place
    tags = [f"{REPOSITORY}:debian-{name}-0.1.0" for name in ("core", "child", "bare")]
    docker("image", "rm", "--force", *tags)


def orbiter(place: Path, *words: str, code: int = 0) -> str:
    """Run orbiter, which ends with a code, and return its output or its error."""
    env = {**os.environ, "ORBITER_CACHE_DIR": str(place / "cache")}
    command = [sys.executable, QUICK_ORBITER, *words]
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr if code == 2 else done.stdout


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def inspect(image: str) -> dict[str, Any]:
    text = docker("image", "inspect", f"{REPOSITORY}:debian-{image}-0.1.0")
    config: dict[str, Any] = json.loads(text)[0]["Config"]
    return config


def run(image: str, *words: str) -> str:
    return docker("run", "--rm", f"{REPOSITORY}:debian-{image}-0.1.0", *words)


def variables(config: dict[str, Any]) -> dict[str, str]:
    return dict(variable.split("=", 1) for variable in config["Env"])


@pytest.mark.usefixtures("project")
def test_the_engine_sees_every_setting() -> None:
    config = inspect("core")
    env = variables(config)
    assert env["PATH"].startswith("/opt/spark/bin:/opt/env/bin:/usr/local/sbin:")
    assert (env["TEXT"], env["TWICE"]) == (TEXT, f"{TEXT};/home/jovyan")
    assert config["WorkingDir"] == "/home/jovyan/work"
    assert config["Entrypoint"] == ["env", "STARTED=yes"]
    assert config["Cmd"] == ["sh", "-c", "echo $STARTED $TEXT; pwd; id -u"]
    assert config["Labels"]["org.example.team"] == 'data "science" $HOME \\'
    assert config["Labels"]["org.opencontainers.image.authors"] == "Ada"
    assert config["Labels"]["org.opencontainers.image.title"] == "debian-core"
    assert set(config["ExposedPorts"]) == {"8888/tcp", "53/udp"}
    assert set(config["Volumes"]) == {"/data", "/srv/x"}
    assert (config["User"], config["StopSignal"]) == ("1000:100", "SIGINT")
    assert config["Healthcheck"] == {
        "Test": ["CMD", "sh", "-c", "test -e /data"],
        "Interval": 90_000_000_000,
        "Timeout": 1_500_000_000,
        "StartPeriod": 500_000_000,
        "Retries": 3,
    }


@pytest.mark.usefixtures("project")
def test_a_container_runs_as_the_settings_say() -> None:
    # The shell of the command splits the text into words.
    started = " ".join(["yes", *TEXT.split()])
    assert run("core").splitlines() == [started, "/home/jovyan/work", "1000"]
    assert run("core", "sh", "-c", "touch ~/place/a /data/b /srv/x/c; cat /opt/env/text") == TEXT
    assert run("bare", "sh", "-c", 'id -u; pwd; echo "${STARTED-}"') == "0\n/\n\n"


@pytest.mark.usefixtures("project")
def test_a_stacked_image_inherits_the_settings() -> None:
    core, child, bare = inspect("core"), inspect("child"), inspect("bare")
    assert variables(child) == {**variables(core), "SPARK_OPTS": "--dir /opt/spark"}
    assert child["Cmd"] == ["true"]
    assert set(child["ExposedPorts"]) == {"53/udp", "8888/tcp", "9000/tcp"}
    assert child["Labels"]["org.example.team"] == "physics"
    same = ("Entrypoint", "Healthcheck", "StopSignal", "User", "Volumes", "WorkingDir")
    assert {key: child[key] for key in same} == {key: core[key] for key in same}
    assert not bare["Entrypoint"]
    assert bare["Healthcheck"] == {"Test": ["NONE"]}
    assert (bare["User"], bare["WorkingDir"]) == ("root", "/")
    assert bare["Cmd"] == core["Cmd"]


def test_an_edit_makes_the_lock_set_stale_and_is_reported(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    edit(tmp_path, '"SIGINT"', '"SIGQUIT"')
    change = "image.debian.core.stop-signal: SIGINT -> SIGQUIT"
    assert change in orbiter(tmp_path, "lock", "--check", code=1)
    edit(tmp_path, 'version = "0.1.0"', 'version = "0.2.0"')
    orbiter(tmp_path, "lock", "-q")
    report = orbiter(tmp_path, "diff-locks", "0.1.0", "0.2.0")
    lines = [" ".join(line.split()) for line in report.splitlines()]
    assert "image.debian.core.stop-signal SIGINT → SIGQUIT" in "\n".join(lines)


def test_a_variable_that_the_base_image_lacks_is_an_error(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    edit(tmp_path, 'SPARK_HOME = "/opt/spark"', 'SPARK_HOME = "${NOPE}/spark"')
    before = (tmp_path / "locks/0.1.0/lockset.toml").read_bytes()
    error = orbiter(tmp_path, "lock", "-q", code=2)
    assert "env.SPARK_HOME: refers to ${NOPE}, which neither images.toml nor the base" in error
    assert (tmp_path / "locks/0.1.0/lockset.toml").read_bytes() == before


def edit(place: Path, old: str, new: str) -> None:
    path = place / "images.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_two_builds_are_equal(project: Path) -> None:
    build = ("build", "-q", "--no-load")
    first = orbiter(project, *build)  # of the fixture, from the cache
    assert orbiter(project, *build, "--no-cache") == first
