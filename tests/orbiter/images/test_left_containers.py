"""``orbiter clean --containers`` on a real engine: containers of killed processes alone go."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from orbiter.docker import containers, local_images
from orbiter.docker.owner import FOLDER, owner, owner_state
from resolvers import cache
from tests.support.tiny_images import Project, project

pytestmark = pytest.mark.engine
BASE = "alpine:3.23"
START = """
import sys
from orbiter.docker import containers
from orbiter.docker.owner import owner

with owner() as name:
    started = containers.start_container(
        sys.argv[1], sys.argv[2:], ports={}, environment={}, mounts={}, owner=name
    )
    print(started.name, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        yield made


@pytest.fixture
def tag(here: Project) -> str:
    """Return the tag of an own image whose containers can run."""
    made = f"{here.repository}:debian-core-0.1.0"
    subprocess.run(["docker", "pull", "--quiet", BASE], check=True, capture_output=True)
    subprocess.run(["docker", "tag", BASE, made], check=True)
    return made


@contextmanager
def started(tag: str, *command: str) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """Start a container as ``orbiter run`` does; yield the process and the container's name."""
    words = [sys.executable, "-c", START, tag, *command]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        name = process.stdout.readline().strip()
        try:
            yield process, name
        finally:
            process.kill()
            subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def exists(name: str) -> bool:
    return containers.find_container(name) is not None


def owners() -> set[str]:
    return {path.name for path in cache.folder(FOLDER).iterdir()}


@pytest.mark.parametrize("command", [("sleep", "600"), ("true",)])
def test_the_container_of_a_killed_process_is_removed(
    here: Project, tag: str, command: tuple[str, ...]
) -> None:
    earlier = owners()
    with started(tag, *command) as (process, name):
        running = here.orbiter("clean", "--containers", "--yes")
        assert (running.stdout, exists(name)) == ("nothing to remove\n", True)
        (new,) = owners() - earlier
        assert owner_state(new) == "running"
        process.kill()
        process.wait()
        assert owner_state(new) == "killed"
        listed = here.orbiter("clean", "--containers", "--dry-run")
        assert listed.stdout.startswith(f"container   {name} ")
        assert (f"{name} is running, but" in listed.stderr) == ("sleep" in command)
        done = here.orbiter("clean", "--containers", "--yes")
        assert done.stdout.splitlines()[-1] == "removed 1"
        assert not exists(name)
    assert owners() == earlier


def test_a_process_that_ends_removes_its_container(tag: str) -> None:
    earlier = owners()
    with started(tag, "sleep", "600") as (process, name):
        process.communicate("\n")
        assert process.returncode == 0
        assert not exists(name)
    assert owners() == earlier


def test_containers_of_images_that_people_made_stay(here: Project, tag: str) -> None:
    with ExitStack() as stack:
        process, name = stack.enter_context(started(tag, "sleep", "600"))
        committed = f"{here.repository}:mine"
        docker("commit", name, committed)
        mine = [
            docker("run", "--detach", committed, "sleep", "600"),
            docker("create", committed, "true"),
            docker("create", tag, "true"),
        ]
        stack.callback(docker, "rm", "-f", *mine)
        process.kill()
        process.wait()
        done = here.orbiter("clean", "--containers", "--yes")
        assert done.stdout.splitlines()[-1] == "removed 1"
        assert [exists(each) for each in (name, *mine)] == [False, True, True, True]

        other, second = stack.enter_context(started(tag, "sleep", "600"))
        docker("commit", second, committed)
        copy = docker("run", "--detach", committed, "sleep", "600")
        stack.callback(docker, "rm", "-f", copy)
        other.communicate("\n")
        assert [exists(each) for each in (second, copy)] == [False, True]


def test_the_image_of_a_running_repo2docker_stays(here: Project, tag: str) -> None:
    with owner() as name:
        made = f"orbiter-repo2docker-{name}:latest"
        command = ["docker", "build", "--quiet", f"--label=org.orbiter.started={tag}", "-t", made]
        text = f"FROM {tag}\nLABEL owner={name}\n".encode()
        subprocess.run([*command, "-"], input=text, check=True, stdout=subprocess.DEVNULL)
        assert made not in here.orbiter("clean", "--dry-run").stdout
    assert f"image       {made}" in here.orbiter("clean", "--dry-run").stdout
    assert here.orbiter("clean", "--yes").returncode == 0
    assert local_images.find_image(made) is None


@pytest.mark.parametrize("label", ["0" * 32, "../containers", ""])
def test_a_container_of_an_unknown_owner_is_removed_only_if_it_has_stopped(
    here: Project, tag: str, label: str
) -> None:
    labels = (f"--label=org.orbiter.started={tag}", f"--label=org.orbiter.owner={label}")
    running = docker("run", "--detach", *labels, tag, "sleep", "600")
    wrong = docker("create", "--label=org.orbiter.started=no tag", labels[1], tag)
    try:
        assert here.orbiter("clean", "--containers", "--yes").stdout == "nothing to remove\n"
        docker("stop", "--time", "0", running)
        done = here.orbiter("clean", "--containers", "--yes")
        assert (done.returncode, done.stderr) == (0, "")
        # Without an owner, it is not one that Orbiter started.
        assert exists(running) == (not label)
        assert exists(wrong)
    finally:
        subprocess.run(["docker", "rm", "-f", running, wrong], check=False, capture_output=True)
