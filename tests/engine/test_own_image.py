"""The image of Orbiter itself: locked from a commit, built by Orbiter, and used as CI would."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_server import git_server
from tests.support.paths import QUICK_ORBITER, ROOT

pytestmark = [pytest.mark.engine, pytest.mark.index]

EXAMPLE = ROOT / "examples/orbiter/images.toml"
ADDRESS = "https://github.com/dorgeln/orbiter"
"""The tests serve this checkout instead."""
REPOSITORY = "orbiter-test/cli"
CORE, IMAGE = (f"{REPOSITORY}:debian-{name}-0.1.0" for name in ("core", "orbiter"))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    project, repositories = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("git")
    env = {**os.environ, "ORBITER_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}
    run("git", "clone", "--quiet", str(ROOT), str(repositories / "orbiter.git"))
    run("git", "-C", str(repositories / "orbiter.git"), "tag", "--force", "v0.1.0")
    with git_server(repositories) as server:
        text = EXAMPLE.read_text(encoding="utf-8")
        assert ADDRESS in text
        served = text.replace(ADDRESS, server.repository_url("orbiter"))
        served = served.replace("dorgeln/orbiter-cli", REPOSITORY)
        (project / "images.toml").write_text(served, encoding="utf-8")
        for command in ("lock", "build"):
            run(sys.executable, QUICK_ORBITER, command, "-q", cwd=project, env=env)
    yield IMAGE
    run("docker", "image", "rm", "--force", CORE, IMAGE)


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    process = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_it_compares_the_releases_of_a_repository_of_another_user(
    image: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "locks", tmp_path / "locks")
    run("git", "init", "--quiet", cwd=tmp_path)
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, 1234, 1234, follow_symlinks=False)
    mount = f"{tmp_path}:/project"
    script = "orbiter diff-locks 0.1.0 0.2.0 && git status --short"
    output = run("docker", "run", "--rm", "--volume", mount, image, "sh", "-c", script)
    assert output.startswith("0.1.0 → 0.2.0: ")
    assert output.endswith("?? locks/\n")


def test_it_reaches_the_engine_and_has_the_programs_that_orbiter_starts(
    image: str, tmp_path: Path
) -> None:
    socket = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    mounts = ("--volume", f"{tmp_path}:/project", "--volume", f"{socket}:/var/run/docker.sock")
    script = (
        "uv --version && npm --version && docker buildx version && orbiter init && orbiter images"
    )
    run("docker", "run", "--rm", *mounts, image, "sh", "-c", script)
    assert (tmp_path / "images.toml").exists()
