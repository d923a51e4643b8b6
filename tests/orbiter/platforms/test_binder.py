"""Dockerfiles and links for Binder and JupyterHub; real nbgitpuller opens a link."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from click.testing import CliRunner
from selenium.webdriver.support.ui import WebDriverWait

from orbiter.cli.main import cli
from orbiter.config.runtime import Runtime
from orbiter.platforms.binder import (
    Content,
    binder_link,
    hub_link,
    is_on_this_machine,
    other_user,
)
from tests.support.browser import chromium
from tests.support.git_server import git_server
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.runnable import locked

ENVIRONMENT = "https://github.com/lab/environment"
CONTENT = "https://git.example.org/lab/course"
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("locks", "images.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def binder(*arguments: str) -> tuple[int, str]:
    """Run the command and return its exit code and output."""
    result = CliRunner().invoke(cli, ["binder", *arguments])
    return result.exit_code, result.output


def test_the_dockerfile_starts_from_the_recorded_digest(project: Path) -> None:
    assert binder("base", "--release", "0.1.0")[0] == 0
    recorded = tomllib.loads((ROOT / "locks/0.1.0/digests.toml").read_text(encoding="utf-8"))
    digest = recorded["stages"]["debian-base"]["linux/amd64"]["digest"]
    lines = (project / "binder/Dockerfile").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == [
        f"FROM dorgeln/orbiter:debian-base-0.1.0@{digest}",
        "COPY --chown=${NB_UID}:${NB_GID} . ${HOME}",
    ]


def test_content_is_pulled_instead_of_copied(project: Path) -> None:
    binder("base", "--content", CONTENT)
    assert "COPY" not in (project / "binder/Dockerfile").read_text(encoding="utf-8")


@pytest.mark.usefixtures("project")
def test_the_document_has_the_links_and_the_badge() -> None:
    arguments = ("--environment", ENVIRONMENT, "--content", CONTENT, "--format", "json")
    code, output = binder("base", *arguments, "--hub", "https://hub.example.org/")
    document = json.loads(output)
    assert code == 0
    assert document["image"] == "debian-base-0.2.0"
    assert document["badge"].endswith(f"({document['binder']})")
    assert document["hub"].startswith("https://hub.example.org/hub/user-redirect/git-pull?repo=")


@pytest.mark.usefixtures("project")
def test_images_that_binder_may_not_start_are_reported() -> None:
    assert "no lock file of debian-core has JupyterLab" in binder("core")[1]
    assert "add --environment URL" in binder("core")[1]
    assert "warning" not in binder("base")[1]


@pytest.mark.parametrize(
    ("user", "other"),
    [
        ("", ""),
        ("jovyan", ""),
        ("1000:100", ""),
        ("root", "root"),
        ("0", "0"),
        ("1001:100", "1001"),
    ],
)
def test_an_image_with_another_user_than_that_of_binder_is_reported(user: str, other: str) -> None:
    assert other_user(locked(runtime=Runtime(user=user)), "debian-base") == other


def test_r2d_warns_of_another_user_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    lock_set = locked(runtime=Runtime(user="1001"))
    monkeypatch.setattr("orbiter.cli.run.read_lock_set", lambda *_args, **_options: lock_set)
    result = CliRunner().invoke(cli, ["r2d", "debian-base"])
    assert result.exit_code == 2  # it has no JupyterLab
    assert "warning: debian-base runs as the user 1001, but Binder" in result.stderr


def test_other_machines_cannot_pull_from_a_registry_of_this_machine() -> None:
    for repository in ("127.0.0.1:5000/a/b", "localhost/a", "localhost:5000/a", "[::1]:5000/a"):
        assert is_on_this_machine(repository)
    for repository in ("dorgeln/orbiter", "registry.example.org:5000/a/b", "ghcr.io/a/b"):
        assert not is_on_this_machine(repository)


@pytest.mark.parametrize(
    ("environment", "start"),
    [
        (ENVIRONMENT, "gh/lab/environment/"),
        (f"{ENVIRONMENT}.git", "gh/lab/environment/"),
        ("https://gitlab.com/lab/sub/environment", "gl/lab%2Fsub%2Fenvironment/"),
        (CONTENT, "git/https%3A%2F%2Fgit.example.org%2Flab%2Fcourse/"),
    ],
)
def test_binder_finds_repositories_of_any_server(environment: str, start: str) -> None:
    link = binder_link("https://mybinder.org", environment, "v1.0", None)
    assert link == f"https://mybinder.org/v2/{start}v1.0"


@pytest.mark.parametrize("path", ["week 1/intro & more.ipynb", "übung/100%.ipynb", "a=b/c?d#e", ""])
def test_special_characters_survive_both_links(path: str) -> None:
    content = Content(url=CONTENT, branch="feature/x+y", path=path)
    query = urlsplit(binder_link("https://mybinder.org", ENVIRONMENT, "main", content)).query
    (page,) = parse_qs(query, strict_parsing=True)["urlpath"]
    for link in (page, hub_link("https://hub.example.org", content)):
        expected = {"repo": [CONTENT], "urlpath": [f"lab/tree/course/{path}".rstrip("/")]}
        found = parse_qs(urlsplit(link).query, strict_parsing=True)
        assert found == {**expected, "branch": ["feature/x+y"]}


def test_the_notebook_interface_opens_folders_and_notebooks() -> None:
    for path, page in (("a.ipynb", "notebooks/course/a.ipynb"), ("a", "tree/course/a")):
        link = hub_link("https://x.org", Content(url=CONTENT, path=path, interface="notebook"))
        assert parse_qs(urlsplit(link).query)["urlpath"] == [page]


@pytest.mark.parametrize("page", ["", "/", "/hub", "/hub/", "/hub/home"])
def test_the_address_of_a_page_of_the_hub_is_enough(page: str) -> None:
    content = Content(url=CONTENT)
    expected = hub_link("https://hub.example.org/lab", content)
    assert hub_link(f"https://hub.example.org/lab{page}", content) == expected


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("base-build",), "debian-base-build is a build stage, not an image"),
        (("core", "--content", CONTENT), "does not contain nbgitpuller"),
        (("base", "--path", "a"), "--path needs --content"),
        (("base", "--content", "https://u:secret@x.org/a"), "contains credentials"),
        (("base", "--content", "git@x.org:a/b"), "is not the address of a repository"),
        (("base", "--content", CONTENT, "--path", "../b"), "is not a path in the repository"),
        (("base", "--environment", ENVIRONMENT, "--binder", "mybinder"), "is not the address of"),
        (
            ("base", "--environment", ENVIRONMENT, "--binder", "https://[::1"),
            "is not the address of",
        ),
        (("base", "--environment", "https://[::1"), "is not the address of a repository"),
        (("base", "--environment", ENVIRONMENT, "--ref", "a b"), "'a b' is not a branch, tag or"),
        (("base", "--content", CONTENT, "--branch", "../b"), "'../b' is not a branch, tag or"),
        (("base", "--content", CONTENT, "--hub", "hub.x"), "write it like https://hub.example.org"),
        (("base", "--content", CONTENT, "--hub", "https://u:secret@h.x"), "contains credentials"),
        (("base", "--content", CONTENT, "--hub", "https://u:secret@"), "contains credentials"),
        (("base", "--content", CONTENT, "--hub", "https://h:99999"), "is not the address of a"),
    ],
)
def test_mistakes_write_nothing(project: Path, arguments: tuple[str, ...], problem: str) -> None:
    code, output = binder(*arguments)
    assert code == 2
    assert problem in output
    assert "secret" not in output
    assert not (project / "binder").exists()


def test_a_dockerfile_of_somebody_else_stays(project: Path) -> None:
    (project / "binder").mkdir()
    (project / "binder/Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    assert "binder did not write it" in binder("base")[1]
    assert (project / "binder/Dockerfile").read_text(encoding="utf-8") == "FROM scratch\n"


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Start JupyterLab with nbgitpuller; yield its address and the folder of its user."""
    folder = tmp_path_factory.mktemp("jupyter")
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "env", "-p", sys.executable], cwd=folder, check=True)
    packages = ["jupyterlab", "nbgitpuller"]
    install = [uv, "pip", "install", "-q", "-p", "env/bin/python", *packages]
    subprocess.run(install, cwd=folder, check=True)
    home = folder / "home"
    home.mkdir()
    port = free_port()
    token = secrets.token_hex(8)
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    env = {**os.environ, "HOME": str(home), "JUPYTER_TOKEN": token}
    with subprocess.Popen(
        [folder / "env/bin/jupyter", "lab", *options],
        cwd=home,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/api", server)
            yield f"http://127.0.0.1:{port}/{{page}}&token={token}", home
        finally:
            # Its kernels belong to the same session, and may ignore the other signals.
            os.killpg(server.pid, signal.SIGKILL)


def _wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait until a server answers."""
    for _ in range(600):
        assert server.poll() is None
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server does not answer")


@pytest.mark.browser
@pytest.mark.index
@pytest.mark.slow
def test_nbgitpuller_pulls_the_content_and_opens_the_notebook(
    jupyter: tuple[str, Path], tmp_path: Path
) -> None:
    """The page is the one that a hub opens after ``user-redirect``; its server is JupyterLab."""
    address, home = jupyter
    if not shutil.which("git"):
        pytest.fail("nbgitpuller needs git")
    with git_server(tmp_path) as server:
        files = {"week 1/intro.ipynb": json.dumps(NOTEBOOK)}
        server.commit("course", files)
        server.git("course", "branch", "class")
        url = server.repository_url("course")
        content = Content(url=url, branch="class", path="week 1/intro.ipynb")
        page = hub_link("https://hub.example.org", content).partition("/user-redirect/")[2]
        with chromium(tmp_path) as browser:
            browser.get(address.format(page=page))
            wait = WebDriverWait(browser, 120)
            wait.until(lambda _: "/lab/" in browser.current_url)
            wait.until(lambda _: "intro.ipynb" in browser.title)
    assert json.loads((home / "course/week 1/intro.ipynb").read_text(encoding="utf-8")) == NOTEBOOK
