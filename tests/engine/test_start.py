"""Images on top of a base image like those of docker-stacks, and their init."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.lockset import folder
from tests.support.paths import QUICK_ORBITER

REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.index,
    pytest.mark.skipif(not REGISTRY, reason="ORBITER_WORLD_REGISTRY names no registry to push to"),
]
BASE = f"{REGISTRY}/orbiter-test/start-base:1"
REPOSITORY = "orbiter-test/start"
DOCKERFILE = """FROM debian:trixie-slim
RUN mkdir -p /home/jovyan && echo 'own=1' > /home/jovyan/.bashrc && chown -R 1000:100 /home/jovyan
RUN printf '#!/bin/sh\\necho notebook of the base\\n' > /usr/local/bin/start-notebook.py \\
    && chmod 755 /usr/local/bin/start-notebook.py
CMD ["start-notebook.py"]
"""
IMAGES = f"""
version = "0.1.0"
repository = "{REPOSITORY}"
[builder.debian]
from = "{BASE}"
[image.debian.plain]
[image.debian.init]
from = "plain"
apt = ["tini"]
"""
ZOMBIES = """
(sleep 0.2 & exec sleep 0.1) &
wait
while grep -qs '(sleep) [^Z]' /proc/[0-9]*/stat; do sleep 0.1; done
sleep 1
cat /proc/[0-9]*/stat | grep -c ') Z ' || true
cat /proc/1/comm
"""
"""Leave a process without a parent, and count the ended processes that nobody collected.

The orphan's parent ends first, so the first process of the container inherits it. An init has a
second to collect it.
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("start")
    (place / "Dockerfile").write_text(DOCKERFILE)
    (place / "images.toml").write_text(IMAGES)
    options = ["--quiet", "--provenance=false", "--tag", BASE]
    docker("build", *options, "-", stdin=DOCKERFILE)
    docker("push", "--quiet", BASE)
    for word in ("lock", "build"):
        command = [sys.executable, QUICK_ORBITER, word, "-q"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    yield place
    tags = [f"{REPOSITORY}:debian-{name}-0.1.0" for name in ("plain", "init")]
    docker("image", "rm", "--force", *tags, BASE)


def docker(*words: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["docker", *words], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(image: str, *command: str) -> str:
    return docker("run", "--rm", f"{REPOSITORY}:debian-{image}-0.1.0", *command)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("image", ["plain", "init"])
def test_the_command_of_the_base_image_stays(image: str) -> None:
    assert run(image) == "notebook of the base\n"


@pytest.mark.usefixtures("project")
def test_files_of_an_existing_home_stay() -> None:
    assert run("plain", "cat", "/home/jovyan/.bashrc") == "own=1\n"
    assert run("plain", "sh", "-c", "touch ~/new; ls -A ~") == ".bashrc\nnew\n"


@pytest.mark.usefixtures("project")
def test_the_init_collects_ended_processes() -> None:
    assert run("init", "sh", "-c", ZOMBIES).splitlines() == ["0", "tini"]
    # Most programs ignore the processes that they inherit.
    program = ("perl", "-e", "system('sh', '-c', $ARGV[0])", ZOMBIES)
    assert run("plain", *program).splitlines() == ["1", "perl"]


def test_locking_again_changes_nothing(project: Path) -> None:
    path = project / "locks/0.1.0"
    facts = folder.read(path).manifest.builders["debian"]
    assert (facts.entrypoint, facts.command) == ((), ("start-notebook.py",))
    before = (path / "lockset.toml").read_bytes()
    command = ["unshare", "--net", sys.executable, QUICK_ORBITER, "lock"]
    env = {**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:9"}
    done = subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (path / "lockset.toml").read_bytes() == before
