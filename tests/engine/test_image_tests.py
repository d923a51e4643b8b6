"""``orbiter test`` on the real engine: commands and notebooks in an image with a kernel."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import junitparser
import pytest

from orbiter.docker.objects import STARTED
from tests.support.alpine_project import Project, temporary_project
from tests.support.alpine_world import REPOSITORIES, base_image, docker, needs_world

pytestmark = [pytest.mark.engine, pytest.mark.index, needs_world]

IMAGES = """
version = "0.1.0"
repository = "{repository}"
[builder.alpine]
from = "{base}"
python = "3.13"
pip-engine = "uv"
[image.alpine.core]
apk = ["python3", "tini"]
#core
[image.alpine.base]
from = "core"
#base
[image.alpine.base.build]
from = "core"
pip = ["ipykernel", "nbclient"]
"""
SECONDS = 300
"""The longest time for anything on a busy machine."""
WRITES = "touch x ~/x /tmp/x /var/tmp/x && ! touch /opt/env/x"
NETWORK = (
    "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 9), 1)' 2>&1 | "
    'grep -q refused && test "$(ls /sys/class/net)" = lo'
)


def notebook(*cells: str, kernel: str = "python3") -> str:
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": kernel, "display_name": kernel}},
            "cells": [
                {
                    "id": f"cell-{number}",
                    "cell_type": "code",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": source,
                }
                for number, source in enumerate(cells)
            ],
        }
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder, cache = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache")
    with (
        base_image(*REPOSITORIES) as base,
        temporary_project(folder, cache, IMAGES.replace("{base}", base)) as project,
    ):
        project.lock()
        project.build()
        (folder / "verify").write_text("#!/usr/bin/env python3\nprint(open('data/x').read())\n")
        (folder / "data").mkdir()
        (folder / "data/x").write_text("content of x")
        yield project


@pytest.fixture
def here(built: Project) -> Iterator[Project]:
    path = built.folder / "images.toml"
    text = path.read_text()
    yield built
    path.write_text(text)
    assert containers(built) == []


def containers(project: Project) -> list[str]:
    """Return the containers that tests of the project's images left behind."""
    label = f"label={STARTED}"
    rows = docker("ps", "--all", "--filter", label, "--format", "{{.Image}} {{.ID}}").splitlines()
    return [row for row in rows if row.startswith(project.image_set.repository)]


def write_tests(project: Project, image: str, *commands: str, **keys: object) -> None:
    lines = [f"verify = {json.dumps(commands)}"]
    lines += [f"verify-{key} = {json.dumps(value)}" for key, value in keys.items()]
    project.edit(f"#{image}", "\n".join(lines))


def results(project: Project, *words: str) -> tuple[int, dict[str, Any]]:
    """Run the tests and return the exit code, and the results by name."""
    done = project.start("test", "-q", "--format", "json", *words)
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    tests = [test for image in document["images"] for test in image["tests"]]
    assert document["passed"] is (done.returncode == 0)
    return done.returncode, {test["name"]: test for test in tests}


def test_commands_run_as_the_user_without_network_and_cannot_change_the_image(
    here: Project,
) -> None:
    commands = ('test "$(id -un)" = jovyan', WRITES, NETWORK, "./verify")
    write_tests(here, "base", *commands, files=["data"])
    code, found = results(here)
    assert {name: test["verdict"] for name, test in found.items()} == dict.fromkeys(
        commands, "passed"
    ), found
    assert code == 0


def test_failures_are_reported_with_their_output(here: Project) -> None:
    write_tests(here, "base", "true", "(echo first; echo last) >&2; exit 7", "touch /etc/x", "nope")
    xml = here.folder / "results.xml"
    done = here.start("test", "--junit", str(xml))
    assert done.returncode == 1
    assert "  FAIL" in done.stdout
    assert "      exit code 7\n      | first\n      | last\n" in done.stdout
    assert "hint: tests can write to their folder" in done.stdout
    assert "nope: not found" in done.stdout
    assert "not tested: alpine-core: images.toml has no tests for it\n" in done.stdout
    assert done.stdout.endswith("1 passed, 3 failed\n")
    assert "tests: done in" in done.stderr
    assert junitparser.JUnitXml.fromfile(str(xml)).failures == 3


def test_a_command_is_killed_at_its_limit_and_endless_output_is_cut(here: Project) -> None:
    write_tests(here, "base", "trap '' TERM; yes", "true", timeout="5s")
    code, found = results(here)
    killed = found["trap '' TERM; yes"]
    assert code == 1
    assert (killed["verdict"], killed["reason"]) == ("timeout", "killed after 5 s")
    assert killed["seconds"] < 60
    assert set(killed["output"].split()) == {"y"}
    assert len(killed["output"]) <= 64 * 1024
    assert found["true"]["verdict"] == "passed"


def test_notebooks_run_in_their_folder_with_the_kernel_of_the_image(here: Project) -> None:
    folder = here.folder / "notebooks"
    folder.mkdir()
    (folder / "good.ipynb").write_text(
        notebook("import os", "assert os.path.basename(os.getcwd()) == 'notebooks'")
    )
    (folder / "bad.ipynb").write_text(notebook("x = 0", "print('before')\n1 / x", "never = 1"))
    (folder / "dead.ipynb").write_text(notebook("import os, signal", "os.kill(os.getpid(), 9)"))
    (folder / "kernel.ipynb").write_text(notebook("1", kernel="absent"))
    (folder / "text.ipynb").write_text("not a notebook")
    write_tests(here, "base", notebooks=["notebooks/*.ipynb"])
    code, found = results(here)
    found = {Path(name).stem: test for name, test in found.items()}
    assert code == 1
    assert found["good"]["verdict"] == "passed", found["good"]
    assert found["bad"]["reason"] == "cell 2 of 3: ZeroDivisionError: division by zero"
    assert "----> 2 1 / x" in found["bad"]["output"]
    assert "\x1b" not in found["bad"]["output"]
    assert found["dead"]["reason"].startswith("cell 2 of 2: DeadKernelError")
    assert "NoSuchKernel" in found["kernel"]["reason"]
    assert "add the kernel" in found["kernel"]["hint"]
    assert found["text"]["reason"].startswith("the notebook: ")


def test_an_image_without_nbclient_gets_a_hint(here: Project) -> None:
    (here.folder / "one.ipynb").write_text(notebook("1"))
    write_tests(here, "core", notebooks=["one.ipynb"])
    code, found = results(here, "--image", "core")
    assert code == 1
    assert found["one.ipynb"]["reason"] == "the image has no nbclient to run notebooks with"
    assert "jupyterlab" in found["one.ipynb"]["hint"]


def test_an_interruption_removes_all_containers(here: Project) -> None:
    write_tests(here, "base", *(f"sleep 60{number}" for number in range(5)))
    with subprocess.Popen(
        here.command("test", "-q"), cwd=here.folder, env=here.environment, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + SECONDS
        while not containers(here):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
    assert containers(here) == []


@pytest.mark.parametrize(
    ("keys", "words", "problem"),
    [
        ("", (), "images.toml has no tests for the images of release 0.1.0"),
        ("", ("--image", "core"), "alpine-core: images.toml has no tests for this image"),
        ('verify = ["./absent"]', (), "'absent' does not exist"),
        ('verify = ["true"]', ("--platform", "linux/arm64"), "is not locked for linux/arm64"),
        ('verify = ["true"]', ("--junit", "absent/x.xml"), "cannot write"),
    ],
)
def test_mistakes_are_errors(
    here: Project, keys: str, words: tuple[str, ...], problem: str
) -> None:
    here.edit("#base", keys)
    done = here.start("test", "-q", *words)
    assert done.returncode == 2
    assert problem in done.stderr
    assert done.stdout == ""


def test_images_that_are_not_built_are_named(here: Project, tmp_path: Path) -> None:
    copy = here.copy(tmp_path / "copy")
    copy.edit("#base", 'verify = ["true"]')
    docker("tag", copy.tag("alpine-base"), "orbiter-test/kept:1")
    docker("rmi", copy.tag("alpine-base"))
    try:
        done = copy.start("test", "-q")
        assert done.returncode == 2
        assert "alpine-base-0.1.0 is not built" in done.stderr
        assert "orbiter build --image alpine-base --release 0.1.0" in done.stderr
    finally:
        docker("tag", "orbiter-test/kept:1", copy.tag("alpine-base"))
        docker("rmi", "orbiter-test/kept:1")
