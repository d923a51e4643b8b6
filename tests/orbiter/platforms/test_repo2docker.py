"""Arguments of repo2docker for an image; tests/engine/test_platforms.py runs the real program."""

import json
from pathlib import Path

import pytest

from orbiter.platforms.repo2docker import BuiltImage, arguments, run_with_repo2docker
from resolvers.errors import ExpectedError
from tests.support.runnable import TAG, locked


def image(*packages: str) -> BuiltImage:
    return BuiltImage(locked(*packages), "debian-base", TAG, "1")


def test_repo2docker_starts_its_own_command_on_the_loopback_interface(tmp_path: Path) -> None:
    *options, repository = arguments(image("jupyterlab", "notebook"), tmp_path, 9000, None)
    assert options[-2:] == ["--publish", "127.0.0.1:9000:8888"]
    assert repository == tmp_path / "repository"


def test_jupyterlab_starts_if_the_image_has_no_notebook(tmp_path: Path) -> None:
    command = ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888"]
    assert list(arguments(image("jupyterlab"), tmp_path, 9000, None))[-4:] == command


def test_the_repository_has_the_dockerfile_for_binder_alone(tmp_path: Path) -> None:
    arguments(image("jupyterlab"), tmp_path, 9000, None)
    (file,) = (path for path in (tmp_path / "repository").rglob("*") if path.is_file())
    assert file == tmp_path / "repository/binder/Dockerfile"
    assert file.read_text(encoding="utf-8").splitlines()[1:] == [
        f"FROM {TAG}",
        "COPY --chown=${NB_UID}:${NB_GID} . ${HOME}",
    ]


def test_the_container_and_its_image_have_the_label_that_clean_looks_for(tmp_path: Path) -> None:
    mount = tmp_path / "a:b"
    mount.mkdir()
    arguments(image("jupyterlab"), tmp_path, 9000, mount)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["Repo2Docker"]
    labels = {"org.orbiter.started": TAG, "org.orbiter.owner": "1"}
    assert config["extra_run_kwargs"] == {"name": "orbiter-repo2docker-1", "labels": labels}
    assert config["labels"] == {"org.orbiter.started": TAG}
    assert config["volumes"] == {str(mount): "/home/jovyan/work"}


def test_the_ports_of_an_engine_on_another_machine_are_not_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example:2376")
    with pytest.raises(ExpectedError, match="is on another machine"):
        run_with_repo2docker(locked(), "debian-base", print)
