"""The option --readme of push. Nothing is built and pushed: that would need Docker Hub itself."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orbiter.build import build
from orbiter.cli.main import cli
from orbiter.lockset.model import LockSet
from orbiter.oci import hub
from tests.support.loopback_hub import LOGIN, LoopbackHub
from tests.support.loopback_hub import hub as stand_in
from tests.support.paths import ROOT

NAME = "dorgeln/orbiter"
WORDS = ("push", "-q", "--release", "0.2.0", "--readme")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a release and a README, whose user is logged in."""
    shutil.copytree(ROOT / "locks" / "0.2.0", tmp_path / "locks" / "0.2.0")
    (tmp_path / "README.md").write_text("# Images\n\n[more](docs/a.md)\n", encoding="utf-8")
    auth = base64.b64encode(":".join(LOGIN).encode()).decode()
    config = {"auths": {"https://index.docker.io/v1/": {"auth": auth}}}
    docker = tmp_path / "docker"
    docker.mkdir()
    (docker / "config.json").write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(docker))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the releases that were built and pushed, instead of doing that."""
    releases: list[str] = []

    def push(lock_set: LockSet, *_: object) -> tuple[()]:
        releases.append(lock_set.manifest.release)
        return ()

    monkeypatch.setattr(build, "build", push)
    return releases


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with stand_in() as started:
        started.overviews[NAME] = "old"
        monkeypatch.setattr(hub, "API", started.url)
        yield started


def push(*words: str) -> Result:
    return CliRunner().invoke(cli, [*WORDS, *words])


def test_the_readme_is_sent_after_the_push(
    project: Path, built: list[str], api: LoopbackHub
) -> None:
    done = push()
    assert (done.exit_code, built) == (0, ["0.2.0"])
    assert done.stdout == f"README.md is now the overview of {NAME} on Docker Hub\n"
    assert "README.md has 1 relative link, which Docker Hub cannot resolve" in done.stderr
    assert api.overviews[NAME] == (project / "README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("project", "built", "api")
def test_json_says_that_it_was_sent() -> None:
    assert json.loads(push("--format", "json").stdout)["readme"] is True


def test_a_missing_readme_is_found_before_the_build(project: Path, built: list[str]) -> None:
    (project / "README.md").unlink()
    done = push()
    assert (done.exit_code, built) == (2, [])
    assert "error: README.md not found" in done.stderr


@pytest.mark.usefixtures("project")
def test_a_failure_says_that_the_images_are_pushed(built: list[str], api: LoopbackHub) -> None:
    del api.overviews[NAME]
    done = push()
    assert (done.exit_code, built) == (2, ["0.2.0"])
    expected = "error: the images are pushed, but not README.md: Docker Hub has no repository"
    assert expected in done.stderr
