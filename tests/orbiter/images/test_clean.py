"""``orbiter clean`` on a real engine: the things it removes and keeps, and its confirmation."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orbiter.docker import containers
from orbiter.store.store import Store
from tests.support.tiny_images import Project, on_terminal, project

pytestmark = pytest.mark.engine
ROOT = "sha256:" + "0" * 64
UNKNOWN = "0" * 32
"""The owner of a container that another machine started."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        yield made


@pytest.fixture
def whole() -> Path:
    """Add a complete file to the store; return its path."""
    digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    Store().add(b"", digest)
    return Store().path(digest)


def leave_container(tag: str) -> None:
    """Leave a container behind, as a killed ``orbiter run`` does."""
    containers.start_container(
        tag, ["/missing"], ports={}, environment={}, mounts={}, owner=UNKNOWN
    ).wait()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a folder the way ``scratch_folder`` does during a build."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def left_of(tag: str) -> list[str]:
    command = ["docker", "ps", "--all", "--quiet", "--filter", f"ancestor={tag}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_it_removes_what_orbiter_made_and_nothing_else(here: Project, whole: Path) -> None:
    removed = here.image("debian-core-0.1.0", ROOT)
    leave_container(removed)
    mine = here.image("mine", ROOT)
    dead, wrong = whole.with_name("a.part"), whole.with_name("b.bad")
    dead.write_text("12345")
    wrong.write_text("")
    scratch = Store().root / "build" / "build-dead"
    (scratch / "artifacts").mkdir(parents=True)
    (scratch / "artifacts" / "link").hardlink_to(whole)
    listed = here.orbiter("clean", "--dry-run")
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        *("container", "image", "unfinished", "unfinished", "unfinished", "at", "dry")
    ]
    assert f"unfinished  {dead}" in listed.stdout
    assert "  5 B\n" in listed.stdout
    assert (here.tags(), len(left_of(removed)), dead.exists()) == ([removed, mine], 1, True)

    done = here.orbiter("clean", "--yes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "removed 5")
    assert here.tags() == [mine]
    assert left_of(removed) == []
    assert [path.exists() for path in (dead, wrong, scratch, whole)] == [False, False, False, True]
    assert here.orbiter("clean").stdout == "nothing to remove\n"


def freeze(here: Project, release: str) -> None:
    """Record a release, as far as ``clean`` looks at the record."""
    (here.folder / "locks" / release / "digests.toml").write_text("")


def test_fresh_and_released_images_stay_unless_asked(here: Project) -> None:
    fresh, frozen = here.write_lock_set("0.2.0").root, here.write_lock_set("0.1.0").root
    freeze(here, "0.1.0")
    kept = [
        here.image("debian-core-0.1.0", frozen),
        here.image("debian-old-0.1.0", ROOT),  # a recorded release: it may have been published
        here.image("debian-core-0.2.0", fresh),
    ]
    stale, unknown = here.image("debian-old-0.2.0", ROOT), here.image("debian-core-0.3.0", ROOT)
    leave_container(kept[0])
    part = Store().root / "sha256" / "00" / "a.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text("")

    def planned(*options: str) -> set[str]:
        done = here.orbiter("clean", "--dry-run", *options)
        assert done.returncode == 0
        lines = [line.split() for line in done.stdout.splitlines()]
        kinds = {"container", "image", "unfinished"}
        return {
            words[1] if words[0] == "image" else words[0] for words in lines if words[0] in kinds
        }

    other = {"container", "unfinished"}
    assert planned() == {stale, unknown, *other}
    assert planned("--all") == {*kept, stale, unknown, *other}
    assert planned("--stale") == {stale, kept[1]}
    assert planned("--release", "0.1.0") == {kept[0], kept[1], "container"}
    assert planned("--release", "0.2.0") == {kept[2], stale}
    assert planned("--release", "0.9.0") == set()
    assert "cannot be combined" in here.orbiter("clean", "--all", "--stale").stderr

    done = here.orbiter("clean", "--yes")
    assert "3 fresh or released images stay; --all removes them too" in done.stderr
    assert here.tags() == sorted(kept)


def test_it_removes_images_that_a_killed_repo2docker_built(here: Project) -> None:
    fresh = here.image("debian-core-0.1.0", here.write_lock_set("0.1.0").root)

    def built(name: str, tag: str) -> str:
        """Build an image on the fresh one, with the label of ``orbiter r2d``."""
        made = f"{name}-{here.repository.rpartition('/')[2]}:latest"
        command = ["docker", "build", "--quiet", f"--label=org.orbiter.started={tag}", "-t", made]
        text = f"FROM {fresh}\nLABEL {name}=1\n".encode()
        subprocess.run([*command, "-"], input=text, check=True, stdout=subprocess.DEVNULL)
        return made

    left, used, theirs = (
        built(f"orbiter-repo2docker-{name}", tag)
        for name, tag in (("left", fresh), ("used", fresh), ("theirs", "other:1"))
    )
    committed = built("committed", fresh)
    user = f"{here.repository.rpartition('/')[2]}-user"
    create = ["docker", "create", "--name", user, "--label=org.orbiter.started=", used, "/missing"]
    subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
    try:
        for words in (("--stale",), ("--release", "0.2.0")):
            assert here.orbiter("clean", "--yes", *words).stdout == "nothing to remove\n"
        done = here.orbiter("clean", "--yes")
        assert done.stdout.split()[:2] == ["image", left]
        assert done.stdout.splitlines()[-1] == "removed 1"
        for image, code in ((left, 1), (used, 0), (theirs, 0), (committed, 0)):
            shown = subprocess.run(
                ["docker", "image", "inspect", image], check=False, capture_output=True
            )
            assert shown.returncode == code
        assert here.tags() == [fresh]
    finally:
        subprocess.run(["docker", "rm", user], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(
            ["docker", "rmi", used, theirs, committed], check=True, stdout=subprocess.DEVNULL
        )


def test_images_and_files_in_use_stay(here: Project, whole: Path) -> None:
    tag = here.image("debian-core-0.1.0", ROOT)
    theirs = f"{here.repository.rpartition('/')[2]}-theirs"
    command = ["docker", "create", "--name", theirs, tag, "/missing"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    part = whole.with_name("a.part")
    build = Store().root / "build" / "build-working"
    build.mkdir(parents=True)
    try:
        with part.open("w") as writing, held(build):
            fcntl.flock(writing, fcntl.LOCK_EX)
            done = here.orbiter("clean", "--yes")
        assert done.returncode == 0
        assert f"{tag} stays: the container {theirs} uses it" in done.stderr
        assert here.tags() == [tag]
        assert len(left_of(tag)) == 1
        assert (part.exists(), build.exists()) == (True, True)
    finally:
        subprocess.run(["docker", "rm", theirs], check=True, stdout=subprocess.DEVNULL)


def test_without_a_terminal_it_does_not_guess(here: Project) -> None:
    tag = here.image("debian-core-0.1.0", ROOT)
    done = here.orbiter("clean", stdin="y\n")
    assert done.returncode == 2
    assert done.stderr == (
        "error: nothing was removed: confirmation needs a terminal\n\n"
        "hint: run orbiter clean --yes\n"
    )
    assert f"image       {tag}" in done.stdout
    assert here.tags() == [tag]


def test_on_a_terminal_it_asks(here: Project) -> None:
    tag = here.image("debian-core-0.1.0", ROOT)
    code, seen = on_terminal(here.command("clean"), here.folder, "n\n")
    assert (code, here.tags()) == (0, [tag])
    assert "Remove these 1? [y/N]" in seen
    assert seen.endswith("nothing was removed\r\n")
    code, seen = on_terminal(here.command("clean"), here.folder, "y\n")
    assert (code, here.tags()) == (0, [])
