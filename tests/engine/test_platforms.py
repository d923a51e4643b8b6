"""A released image on JupyterHub with DockerSpawner, and in repo2docker."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.support.browser import chromium
from tests.support.git_server import git_server
from tests.support.hub import log_in, running_hub, stop_server
from tests.support.loopback import serving
from tests.support.notebook import run_cells, upload, wait
from tests.support.paths import QUICK_ORBITER
from tests.support.served_image import printed_url

REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.index,
    pytest.mark.skipif(not REGISTRY, reason="ORBITER_WORLD_REGISTRY names no registry to push to"),
]
IMAGES = """
version = "0.1.0"
repository = "{repository}"
[builder.debian]
from = "debian:trixie-slim"
python = "3.13"
pip-engine = "uv"
[image.debian.base]
apt = ["git", "python3", "tini"]
pip = ["jupyterhub", "jupyterlab", "nbgitpuller", "notebook"]
"""
HOME = "/home/jovyan"
SOURCE = f"""from pathlib import Path
Path("{HOME}/answer").write_text(str(6 * 7))
print("wrote the answer")"""
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": "answer",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": SOURCE,
        }
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
PATH = "week 1/intro.ipynb"


COMPUTE = """import os
print(os.getuid(), 6 * 7, open("work/given").read())
open("made", "w").close()"""


class Project(NamedTuple):
    folder: Path
    image: str
    """The tag and the digest of the released image."""

    def orbiter(self, *words: str) -> str:
        return output(sys.executable, QUICK_ORBITER, *words, cwd=self.folder)


def output(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def docker(*words: str) -> str:
    return output("docker", *words)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Release and push an image, and pull it as the documentation says."""
    folder = tmp_path_factory.mktemp("project")
    repository = f"{REGISTRY}/orbiter-test/platforms-{uuid.uuid4().hex}"
    (folder / "images.toml").write_text(IMAGES.format(repository=repository))
    new = Project(folder, "")
    for word in ("lock", "release"):
        new.orbiter(word, "-q")
    tag, digest, _ = new.orbiter("push", "-q").split(maxsplit=2)
    image = f"{tag}@{digest}"
    docker("pull", "--quiet", image)
    docker("tag", image, tag)
    yield Project(folder, image)
    docker("image", "rm", "--force", image, tag)


@pytest.fixture
def user() -> Iterator[str]:
    """Return the name of a new user, whose containers and home volume are removed at the end."""
    name = f"ada{uuid.uuid4().hex[:8]}"
    yield name
    for container in containers_of(name):
        # The hub may be removing it too.
        subprocess.run(["docker", "rm", "--force", container], check=False)
    docker("volume", "rm", "--force", f"jupyterhub-{name}")


def containers_of(user: str) -> list[str]:
    return docker("ps", "--all", "--quiet", "--filter", f"volume=jupyterhub-{user}").split()


def wait_until_removed(user: str) -> None:
    for _ in range(1500):
        if not containers_of(user):
            return
        sleep(0.2)
    pytest.fail("the hub did not remove the container")


@pytest.mark.browser
def test_a_link_opens_a_notebook_on_a_hub_with_docker_spawner(
    project: Project, user: str, tmp_path: Path
) -> None:
    bridge = urlsplit(os.environ["ORBITER_WORLD_HTTP_FROM_CONTAINERS"]).hostname
    assert bridge
    with (
        git_server(tmp_path, bridge) as server,
        running_hub(tmp_path, project.image, bridge) as hub,
        chromium(tmp_path, "window-size=1300,2000") as browser,
    ):
        server.commit("course", {PATH: json.dumps(NOTEBOOK)})
        words = ("--content", server.repository_url("course"), "--path", PATH, "--hub", hub.url)
        link = json.loads(project.orbiter("binder", "base", *words, "--format", "json"))["hub"]

        browser.get(link)
        log_in(browser, user)
        wait(browser, lambda: "intro.ipynb" in browser.title, "the notebook did not open")
        assert run_cells(browser, 1) == ["wrote the answer"]
        (first,) = containers_of(user)
        described = json.loads(docker("inspect", first))[0]
        assert described["Config"]["Image"] == project.image
        assert docker("exec", first, "stat", "--format=%u:%g", f"{HOME}/answer") == "1000:100"

        stop_server(browser, hub)
        wait_until_removed(user)
        browser.get(link)
        wait(browser, lambda: "intro.ipynb" in browser.title, "the notebook did not open again")
        (second,) = containers_of(user)
        assert second != first
        assert docker("exec", second, "cat", f"{HOME}/answer") == "42"
    wait_until_removed(user)


@pytest.mark.browser
def test_repo2docker_runs_the_image_as_on_binder(project: Project, tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / "given").write_text("mounted")
    tag = project.image.partition("@")[0]
    started = f"label=org.orbiter.started={tag}"
    with printed_url("r2d", "base", "--mount", str(mount), folder=project.folder) as url:
        (container,) = docker("ps", "--quiet", "--filter", started).split()
        described = json.loads(docker("inspect", container))[0]
        assert described["Config"]["Cmd"][:2] == ["jupyter", "notebook"]
        assert described["Config"]["User"] == "1000"
        name = described["Config"]["Image"]
        labels = docker("image", "inspect", "--format={{.Config.Labels}}", name)
        assert "repo2docker.version:" in labels
        assert f"org.orbiter.started:{tag}" in labels
        docker("exec", container, "jupyterhub-singleuser", "--version")
        with chromium(tmp_path, "window-size=1300,2000") as browser:
            browser.get(upload(url, [COMPUTE]))
            assert run_cells(browser, 1) == ["1000 42 mounted"]
        assert docker("exec", container, "stat", "--format=%U", "made") == "jovyan"
    assert not docker("ps", "--all", "--quiet", "--filter", started)
    assert not docker("image", "ls", "--quiet", name)


@pytest.mark.parametrize(
    ("variable", "address", "problem"),
    [
        ("PIP_INDEX_URL", "{index}", "has no package 'jupyter-repo2docker'"),
        ("DOCKER_HOST", "tcp://127.0.0.1:9", "cannot connect to a Docker engine"),
    ],
)
def test_repo2docker_needs_an_index_and_an_engine(
    project: Project, tmp_path: Path, variable: str, address: str, problem: str
) -> None:
    with serving() as index:
        env = {**os.environ, "UV_CACHE_DIR": str(tmp_path)}
        env |= {"PIP_EXTRA_INDEX_URL": "", variable: address.format(index=index.url)}
        command = [sys.executable, "-m", "orbiter", "run", "base", "--repo2docker"]
        done = subprocess.run(
            command, cwd=project.folder, env=env, capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
