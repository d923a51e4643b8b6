"""The example with an R kernel: a notebook runs for the image's user and for any other."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.paths import QUICK_ORBITER, ROOT

pytestmark = [pytest.mark.engine, pytest.mark.index]

REPOSITORY = "orbiter-test/kernels"
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}},
    "cells": [
        {
            "id": "plot",
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": "library(ggplot2)\n"
            "cat(round(coef(lm(mpg ~ wt, mtcars)), 2))\n"
            "ggplot(mtcars, aes(wt, mpg)) + geom_point()",
        }
    ],
}
EXECUTE = "cat > /tmp/r.ipynb && jupyter execute --inplace /tmp/r.ipynb >&2 && cat /tmp/r.ipynb"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    project = tmp_path_factory.mktemp("kernels")
    text = (ROOT / "docs/examples/r.toml").read_text()
    (project / "images.toml").write_text(text.replace("example/notebooks", REPOSITORY))
    env = {**os.environ, "ORBITER_CACHE_DIR": str(project / "cache")}
    for words in (["lock"], ["build", "--image", "debian-r"]):
        command = [sys.executable, QUICK_ORBITER, *words]
        done = subprocess.run(
            command, cwd=project, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    tag = f"{REPOSITORY}:debian-r-0.1.0"
    yield tag
    subprocess.run(["docker", "image", "rm", "--force", tag], capture_output=True, check=True)


@pytest.mark.parametrize("user", ["1000:100", "12345:0"])
def test_a_notebook_runs_r(image: str, user: str) -> None:
    options = ["--rm", "--interactive", "--network", "none", "--user", user]
    done = subprocess.run(
        ["docker", "run", *options, image, "sh", "-c", EXECUTE],
        input=json.dumps(NOTEBOOK),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed, plot = json.loads(done.stdout)["cells"][0]["outputs"]
    assert "".join(printed["text"]) == "37.29 -5.34"
    assert "image/png" in plot["data"]
