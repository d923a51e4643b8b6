"""Image sets like those of published images: locked, built, and run.

The test index of ``ml`` has a made-up torch, because PyTorch's index cannot be reached.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.paths import QUICK_ORBITER, ROOT
from tests.support.wheel_index import WheelIndex, installable_wheel, wheel_index

pytestmark = [pytest.mark.engine, pytest.mark.index]
SETS = ROOT / "tests/data/published"
R_NOTEBOOK = "r-notebook"
IMAGES = {
    "base-notebook": "debian-base",
    R_NOTEBOOK: "debian-r",
    "pangeo": "micromamba-base",
    "ml": "debian-ml",
    "course": "debian-course",
}
"""The image of each set."""
EXECUTE = "cat > /tmp/x.ipynb && jupyter execute --inplace /tmp/x.ipynb >&2 && cat /tmp/x.ipynb"
PLOT = """library(ggplot2)
cat(round(coef(lm(mpg ~ wt, mtcars)), 2))
ggplot(mtcars, aes(wt, mpg)) + geom_point()"""
Published = Callable[[str], str]


@pytest.fixture(scope="module")
def index() -> Iterator[WheelIndex]:
    with wheel_index() as served:
        served.add_file("torch", installable_wheel("torch", "2.9.0+cpu", "version = '2.9.0+cpu'\n"))
        yield served


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, index: WheelIndex) -> Iterator[Published]:
    """Return a function that locks and builds a set, and returns the tag of its image."""
    cache = tmp_path_factory.mktemp("cache")
    addresses = {
        "https://download.pytorch.org/whl/cpu": index.url,
        "example/notebooks": f"orbiter-test/{R_NOTEBOOK}",
        "CHANNEL": os.environ.get("ORBITER_WORLD_CONDA_1", ""),
    }
    tags: list[str] = []

    def build(name: str) -> str:
        project = tmp_path_factory.mktemp("projects") / name
        if name == R_NOTEBOOK:
            project.mkdir()
            text = (ROOT / "docs/examples/r.toml").read_text()
        else:
            shutil.copytree(SETS / name, project)
            text = (project / "images.toml").read_text()
        for public, local in addresses.items():
            text = text.replace(public, local)
        (project / "images.toml").write_text(text)
        env = {**os.environ, "ORBITER_CACHE_DIR": str(cache)}
        tag = f"orbiter-test/{name}:{IMAGES[name]}-0.1.0"
        tags.append(tag)
        for words in (["lock"], ["build", "--image", IMAGES[name]]):
            command = [sys.executable, QUICK_ORBITER, *words]
            done = subprocess.run(
                command, cwd=project, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        return tag

    yield build
    subprocess.run(["docker", "image", "rm", "--force", *tags], capture_output=True, check=True)


def docker(*words: str, text: str = "") -> str:
    command = ["docker", *words]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def config(tag: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("image", "inspect", tag))[0]["Config"]
    return found


def variables(tag: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in config(tag)["Env"])


def executed(tag: str, source: str, *options: str, kernel: str = "python3") -> list[dict[str, Any]]:
    """Run a notebook of one cell in a container and return what the cell shows."""
    cell: dict[str, Any] = {
        "id": "cell",
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    spec = {"name": kernel, "display_name": kernel, "language": kernel}
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": spec},
        "cells": [cell],
    }
    words = [
        "run",
        "--rm",
        "--interactive",
        "--network",
        "none",
        *options,
        tag,
        "sh",
        "-c",
        EXECUTE,
    ]
    done = json.loads(docker(*words, text=json.dumps(notebook)))
    outputs: list[dict[str, Any]] = done["cells"][0]["outputs"]
    return outputs


def printed(tag: str, source: str) -> str:
    """Return what Python prints in a notebook."""
    return "".join("".join(output["text"]) for output in executed(tag, source))


def test_base_notebook(published: Published) -> None:
    tag = published("base-notebook")
    found = config(tag)
    assert found["Entrypoint"] == ["tini", "-g", "--", "start.sh"]
    assert found["Cmd"] == ["start-notebook.sh"]
    assert found["WorkingDir"] == "/home/jovyan"
    assert list(found["ExposedPorts"]) == ["8888/tcp"]
    assert found["Labels"]["org.example.stack"] == "base-notebook"
    assert variables(tag)["NOTEBOOK_ARGS"] == "--port=8888"
    print_hook = ("run", "--rm", tag, "sh", "-c", "echo $STARTED_BY; ls -l /usr/local/bin")
    hook, _, listed = docker(*print_hook).partition("\n")
    assert hook == "hook"
    assert re.findall(r"-rwxr-xr-x .* (start\S*)", listed) == ["start-notebook.sh", "start.sh"]
    assert printed(tag, "print(6 * 7)") == "42\n"
    container = docker("run", "--detach", "--network", "none", tag).strip()
    try:
        status = ("inspect", "--format", "{{.State.Health.Status}}", container)
        deadline = time.monotonic() + 120
        while docker(*status).strip() != "healthy":
            assert time.monotonic() < deadline, docker("logs", container)
            time.sleep(0.5)
    finally:
        docker("rm", "--force", container)


def test_r_notebook(published: Published) -> None:
    tag = published(R_NOTEBOOK)
    for user in ("1000:100", "12345:0"):
        text, plot = executed(tag, PLOT, "--user", user, kernel="ir")
        assert "".join(text["text"]) == "37.29 -5.34"
        assert "image/png" in plot["data"]


@pytest.mark.skipif(
    "ORBITER_WORLD_CONDA_1" not in os.environ,
    reason="needs the address of a channel in ORBITER_WORLD_CONDA_1",
)
def test_pangeo(published: Published) -> None:
    tag = published("pangeo")
    # The program before it activates conda packages.
    assert config(tag)["Entrypoint"][1:] == ["tini", "--", "/srv/start"]
    assert variables(tag)["PANGEO_SCRATCH"] == "/tmp/jovyan"
    shown = docker("run", "--rm", tag, "sh", "-c", "echo $PANGEO_STARTED; cat /opt/env/etc/*.yaml")
    assert shown.startswith("1\ndistributed:\n")
    disabled = docker("run", "--rm", tag, "sh", "-c", "jupyter labextension list 2>&1")
    assert "apputils-extension:announcements" in disabled
    source = "import numpy, pandas; print(int(pandas.Series(numpy.arange(4)).sum()))"
    assert printed(tag, source) == "6\n"


def test_ml(published: Published) -> None:
    tag = published("ml")
    found = config(tag)
    assert found["StopSignal"] == "SIGINT"
    assert found["Labels"]["io.example.accelerator"] == "none"
    assert variables(tag)["HF_HOME"] == "/home/jovyan/.cache/huggingface"
    source = "import os, numpy, torch; print(torch.version, os.environ['OMP_NUM_THREADS'])"
    assert printed(tag, source) == "2.9.0+cpu 1\n"


def test_course(published: Published) -> None:
    tag = published("course")
    assert config(tag)["WorkingDir"] == "/home/jovyan/course"
    assert variables(tag)["COURSE"] == "physics-101"
    listed = docker("run", "--rm", tag, "sh", "-c", "id -un; ls; touch here")
    assert listed == "jovyan\nlesson.md\n"
    source = "import coursetools; print(coursetools.grade(3, 4))"
    assert printed(tag, source) == "75 %\n"
