"""The state of a release: lock set, git, Docker engine, registry, and the next command."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.config.read import read_image_set, read_project_config
from orbiter.docker import client
from orbiter.images.audits import AuditedStage, record_audit
from orbiter.images.list import list_images, own_images
from orbiter.lockset import folder
from orbiter.lockset.git_files import commit_status, write_git_files
from orbiter.query.status import Status, status
from orbiter.report.query import status_text
from tests.support.lock_sets import PROJECT, small
from tests.support.tiny_images import Project, project

LOCKS = Path("locks/0.1.0")
NOWHERE = "127.0.0.1:1"
REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a project with a fresh lock set and no Docker engine."""
    shutil.copy(PROJECT / "images.toml", tmp_path)
    folder.write(small(), tmp_path / LOCKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{NOWHERE}")
    client._connection.cache_clear()  # as in a new process
    yield tmp_path
    client._connection.cache_clear()


def state(*, remote: bool = False) -> Status:
    found = status(read_project_config(Path("images.toml")), remote=remote)
    for width in (80, 50):
        lines = status_text.render(found, width=width).splitlines()
        # A longer line is a single word, such as a path, which people can copy.
        assert [line for line in lines if len(line) > width and len(line.split()) > 1] == []
    assert len(status_text.render(found, width=80).splitlines()) <= 24
    return found


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")


def git(*words: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *settings, *words], check=True, capture_output=True)


@pytest.mark.usefixtures("locked")
def test_a_fresh_lock_set_without_an_engine() -> None:
    found = state()
    assert (found.lock.state, found.lock.reasons, found.git) == ("fresh", (), "unknown")
    assert {(image.built, image.pushed) for image in found.images} == {("unknown", "not checked")}
    assert "cannot connect to a Docker engine" in found.engine
    assert (found.released, found.next.command) == (False, "")
    shown = status_text.render(found, width=80)
    assert "no Docker engine: " in shown
    assert shown.splitlines()[-1].startswith("next: start the Docker engine, or set DOCKER_HOST")


def test_no_lock_set(locked: Path) -> None:
    shutil.rmtree(locked / "locks")
    found = state()
    assert (found.lock.state, found.next.command) == ("missing", "orbiter lock")


def test_a_stale_lock_set(locked: Path) -> None:
    images = locked / "images.toml"
    edit(images, 'pip = ["', 'pip = ["added", "')
    found = state()
    assert (found.lock.state, found.next.command) == ("stale", "orbiter lock")
    assert "added" in found.lock.reasons[0]


def test_a_broken_lock_set(locked: Path) -> None:
    edit(locked / LOCKS / "debian" / "apt.lock", "version", "Version")
    found = state()
    assert (found.lock.state, found.next.command) == ("broken", "orbiter lock --check")
    (reason,) = found.lock.reasons
    assert "apt.lock" in reason
    words = status_text.render(found, width=80).split()
    assert [word for word in reason.split() if word not in words] == []


def test_git_and_nothing_is_written(locked: Path) -> None:
    git("init", "-q")
    index = locked / ".git" / "index"
    assert (state().git, index.exists()) == ("changed", False)
    git("add", ".")
    git("commit", "-q", "-m", "Lock")
    before = index.read_bytes()
    os.utime(locked / LOCKS / "lockset.toml", (1, 1))  # git would note the new time in its index
    assert state().git == "committed"
    assert index.read_bytes() == before
    (locked / ".git" / "info" / "exclude").write_text("locks/\n", encoding="utf-8")
    git("rm", "-rq", "--cached", "locks")
    found = state()
    assert (found.git, found.next.command) == ("ignored", "orbiter lock --check")


def test_a_registry_that_does_not_answer_is_unknown(
    locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.net.http.PAUSES", ())
    edit(locked / "images.toml", "orbiter-test/small", f"{NOWHERE}/small")
    found = state(remote=True)
    assert {image.pushed for image in found.images} == {"unknown"}
    assert all(NOWHERE in image.reason for image in found.images)


def test_git_has_all_that_a_clone_needs(locked: Path) -> None:
    write_git_files(locked / "locks")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "Lock")
    assert state().git == "committed"
    for path in (Path("images.toml"), Path("locks/.gitignore"), Path("locks/.gitattributes")):
        before = path.read_text(encoding="utf-8")
        path.write_text(f"{before}# edited\n", encoding="utf-8")
        assert (path, state().git) == (path, "changed")
        path.write_text(before, encoding="utf-8")
        git("rm", "-q", "--cached", str(path))
        found = state()
        assert (path, found.git) == (path, "changed")
        subprocess.run(found.next.command.partition(" && ")[0].split(), check=True)
        assert state().git == "committed"


OWN_FILES = """
prebuild = [{ script = "setup.sh" }]
verify = ["./tests/check.sh"]
verify-notebooks = ["tests/*.ipynb"]
"""
FILE_TABLE = """
[image.debian.core.files]
"start.sh" = "/usr/local/bin/start.sh"
"config" = "/etc/config/"
"""


def name_files(images: Path) -> None:
    edit(images, "[image.debian.core]", f"[image.debian.core]{OWN_FILES}")
    images.write_text(images.read_text(encoding="utf-8") + FILE_TABLE, encoding="utf-8")


def test_git_has_the_files_that_images_toml_names(locked: Path) -> None:
    name_files(locked / "images.toml")
    sources = ("config/a", "config/b c", "setup.sh", "start.sh", "tests/check.sh", "tests/n.ipynb")
    for source in (*sources, "other.txt"):
        path = locked / source
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}\n", encoding="utf-8")
    git("init", "-q")
    git("add", "images.toml", "locks")
    git("commit", "-q", "-m", "Lock")
    found = state()
    assert (found.git, {*found.git_files}) == ("changed", {*sources})
    # The lock set of this test is stale, so the next step is another one.
    command = commit_status(LOCKS, sources).command
    assert command == ("git add images.toml locks config setup.sh start.sh tests && git commit")
    subprocess.run(command.partition(" && ")[0].split(), check=True)
    git("commit", "-q", "-m", "Add the files")
    assert state().git == "committed"
    (locked / "tests/check.sh").write_text("changed", encoding="utf-8")
    found = state()
    assert (found.git, found.git_files) == ("changed", ("tests/check.sh",))
    assert "tests/check.sh" in status_text.render(found, width=80)
    assert commit_status(LOCKS, sources).command.endswith(" tests/check.sh && git commit")


def test_git_ignores_a_file_that_images_toml_names(locked: Path) -> None:
    name_files(locked / "images.toml")
    for source in ("config/a", "setup.sh", "start.sh", "tests/check.sh", "tests/n.ipynb"):
        path = locked / source
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}\n", encoding="utf-8")
    (locked / ".gitignore").write_text("config/\n", encoding="utf-8")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "Lock")
    found = state()
    assert (found.git, found.git_files) == ("ignored", ("config/a",))
    command = commit_status(LOCKS, found.git_files).command
    assert command == "git add --force config/a && git commit"
    subprocess.run(command.partition(" && ")[0].split(), check=True)
    git("commit", "-q", "-m", "Add the file")
    assert state().git == "committed"


def test_the_commands_add_files_with_any_name(locked: Path) -> None:
    sources = ("-n.txt", ":(top)a", "$HOME b")
    for source in sources:
        (locked / source).write_text("{}\n", encoding="utf-8")
    git("init", "-q")
    git("add", "images.toml", "locks")
    git("commit", "-q", "-m", "Lock")
    for expected in ("changed", "ignored"):
        found = commit_status(LOCKS, sources)
        assert (found.state, {*found.files}) == (expected, {*sources})
        subprocess.run(found.command.partition(" && ")[0], shell=True, check=True)
        git("commit", "-q", "-m", "Add the files")
        assert commit_status(LOCKS, sources).state == "committed"
        git("rm", "-q", "--cached", "./-n.txt", "./:(top)a", "$HOME b")
        git("commit", "-q", "-m", "Remove the files")
        (locked / ".git/info/exclude").write_text("/-*\n/:*\n/$*\n", encoding="utf-8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    with project(tmp_path, f"{REGISTRY}/" if REGISTRY else "") as made:
        yield made


@pytest.mark.engine
@pytest.mark.skipif(not REGISTRY, reason="ORBITER_WORLD_REGISTRY names no registry to push to")
def test_images_in_the_engine_and_the_registry(here: Project) -> None:
    root = here.write_lock_set("0.1.0").root
    name = "debian-core-0.1.0"

    def states() -> tuple[str, str]:
        (image,) = state(remote=True).images
        return image.built, image.pushed

    assert states() == ("missing", "missing")
    tag = here.image(name, f"sha256:{'0' * 64}", title="debian-core", release="0.1.0")
    assert states() == ("stale", "missing")
    subprocess.run(["docker", "push", "-q", tag], check=True, capture_output=True)
    assert states() == ("stale", "other")
    here.image(name, root, title="debian-core", release="0.1.0")
    subprocess.run(["docker", "push", "-q", tag], check=True, capture_output=True)
    assert states() == ("fresh", "pushed")
    (image,) = state().images
    assert image.audited == "not audited"
    (listed,) = (each for each in list_images(own_images(read_image_set(Path("images.toml")))))
    record_audit((listed.id,), AuditedStage(root=root, name="debian-core"), 0)
    (image,) = state().images
    assert image.audited == "audited"
