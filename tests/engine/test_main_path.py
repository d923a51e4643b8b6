"""The main path of a user: real commands, with a real engine, registry and index."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import QUICK_ORBITER

pytestmark = [pytest.mark.engine, pytest.mark.index]

IMAGES = """
version = "0.1.0"
repository = "orbiter-test/main-path"
maintainer = "Somebody"
source = "https://git.example.org/team/images"

[builder.debian]
from = "debian:trixie-slim"
python = "3.13"

[image.debian.core]
apt = ["python3"]

[image.debian.base]
from = "core"

[image.debian.base.build]
from = "core"
pip = ["attrs", "markupsafe"]
postbuild = ["python -c 'import attrs, markupsafe'"]
"""

Orbiter = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared-cache")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """Lock a small image set; return its folder."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "images.toml").write_text(IMAGES)
    done = orbiter(folder, cache, "lock")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(locked: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder, which the test may change."""
    return Path(shutil.copytree(locked, tmp_path / "project"))


def orbiter(
    project: Path, cache: Path, *words: str, prefix: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    command = [*prefix, sys.executable, QUICK_ORBITER, *words]
    env = {**os.environ, "ORBITER_CACHE_DIR": str(cache)}
    return subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def edit(project: Path, old: str, new: str) -> None:
    path = project / "images.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_locking_again_changes_nothing(project: Path, cache: Path) -> None:
    before = contents(project)
    done = orbiter(project, cache, "lock")
    assert done.returncode == 0
    assert "is up to date" in done.stdout
    assert contents(project) == before


def test_check_distinguishes_fresh_stale_and_broken_and_never_writes(
    project: Path, cache: Path
) -> None:
    offline = ("unshare", "--net")
    assert orbiter(project, cache, "lock", "--check", prefix=offline).returncode == 0
    edit(project, '"attrs", ', '"attrs", "six", ')
    before = contents(project)
    stale = orbiter(project, cache, "lock", "--check", prefix=offline)
    assert stale.returncode == 1
    assert "images.toml: image.debian.base.build.pip: six added" in stale.stdout
    lock = project / "locks/0.1.0/debian/poetry.lock"
    lock.write_bytes(lock.read_bytes().replace(b"attrs", b"attrz", 1))
    broken = orbiter(project, cache, "lock", "--check", prefix=offline)
    assert broken.returncode == 2
    assert "poetry.lock" in broken.stderr
    lock.write_bytes(lock.read_bytes().replace(b"attrz", b"attrs", 1))
    assert contents(project) == before


def test_a_small_edit_keeps_every_other_pin(project: Path, cache: Path) -> None:
    before = contents(project / "locks/0.1.0/debian")
    edit(project, '"attrs", ', '"attrs", "six", ')
    done = orbiter(project, cache, "lock")
    assert done.returncode == 0, done.stderr
    assert "1 added" in done.stdout
    assert "+ six" in done.stdout
    after = contents(project / "locks/0.1.0/debian")
    assert after["apt.lock"] == before["apt.lock"]
    for name in ("attrs", "markupsafe"):
        assert entry(after["poetry.lock"], name) == entry(before["poetry.lock"], name)


def entry(lock: bytes, name: str) -> str:
    return next(
        part for part in lock.decode().split("[[package]]") if f'name = "{name}"' in part
    ).split("[metadata]")[0]


def test_a_dry_run_writes_nothing(project: Path, cache: Path) -> None:
    edit(project, '"attrs", ', '"attrs", "six", ')
    before = contents(project)
    done = orbiter(project, cache, "lock", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "+ six" in done.stdout
    assert contents(project) == before


def test_a_new_release_starts_from_earlier_pins_and_a_cutoff_is_repeatable(
    tmp_path: Path, cache: Path
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "images.toml").write_text(IMAGES)
        done = orbiter(tmp_path / name, cache, "lock", "--as-of", "2025-06-01")
        assert done.returncode == 0, done.stderr
        assert "as-of has no effect on apt" in done.stderr
    project = tmp_path / "first"
    assert contents(project) == contents(tmp_path / "second")
    assert b'version = "25.3.0"' in contents(project)["locks/0.1.0/debian/poetry.lock"]
    edit(project, 'version = "0.1.0"', 'version = "0.2.0"')
    done = orbiter(project, cache, "lock")
    assert "release 0.2.0 (from 0.1.0" in done.stdout
    assert (project / "locks/0.2.0/debian/poetry.lock").read_bytes() == (
        project / "locks/0.1.0/debian/poetry.lock"
    ).read_bytes()
    done = orbiter(project, cache, "lock", "--upgrade-package", "Attrs")
    assert done.returncode == 0, done.stderr
    assert "1 upgraded" in done.stdout
    assert "↑ attrs 25.3.0 → " in done.stdout
    assert orbiter(project, cache, "lock", "--upgrade-package", "nothing").returncode == 2


def test_an_unsolvable_edit_is_explained_and_changes_nothing(project: Path, cache: Path) -> None:
    edit(project, '"attrs", ', '"attrs>99999", ')
    before = contents(project)
    done = orbiter(project, cache, "lock")
    assert done.returncode == 2
    assert "attrs" in done.stderr
    assert "debian-base-build" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(project) == before


def test_another_python_than_requested_is_an_error_that_names_the_key(
    project: Path, cache: Path
) -> None:
    edit(project, 'python = "3.13"', 'python = "3.12"')
    done = orbiter(project, cache, "lock")
    assert done.returncode == 2
    assert "builder.debian.python is 3.12, but apt locked Python 3.13" in done.stderr


def test_a_partial_lock_set_needs_no_engine_and_cannot_be_built(
    tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "images.toml").write_text(IMAGES)
    no_engine = ("env", "DOCKER_HOST=unix:///nowhere.sock")
    done = orbiter(tmp_path, cache, "lock", "--only", "pip", prefix=no_engine)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "locks/0.1.0/build").exists()
    refused = orbiter(tmp_path, cache, "build", prefix=no_engine)
    assert refused.returncode == 2
    assert "is partial" in refused.stderr
    stale = orbiter(tmp_path, cache, "lock", "--check")
    assert stale.returncode == 1
    assert "apt is not locked" in stale.stdout
    assert orbiter(tmp_path, cache, "lock").returncode == 0
    assert orbiter(tmp_path, cache, "lock", "--check").returncode == 0


def digests(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


def inside(tag: str, *command: str) -> str:
    return subprocess.run(
        ["docker", "run", "--rm", tag, *command], capture_output=True, text=True, check=True
    ).stdout


def test_a_release_builds_offline_without_images_toml_to_the_same_digest(
    project: Path, cache: Path
) -> None:
    first = digests(orbiter(project, cache, "build"))
    assert set(first) == {
        f"orbiter-test/main-path:debian-{name}-0.1.0" for name in ("base", "core")
    }
    tag = "orbiter-test/main-path:debian-base-0.1.0"
    assert inside(tag, "python", "-c", "import attrs, sys; print(sys.prefix)") == "/opt/env\n"
    packages = json.loads(inside(tag, "cat", "/usr/share/orbiter/packages.json"))["packages"]
    assert {package["name"] for package in packages} >= {"attrs", "markupsafe", "python3"}
    (project / "images.toml").unlink()
    offline = ("unshare", "--net")
    again = orbiter(project, cache, "build", "--release", "0.1.0", "--no-cache", prefix=offline)
    assert digests(again) == first


def test_a_flipped_byte_in_an_artifact_never_enters_an_image(
    project: Path, cache: Path, tmp_path: Path
) -> None:
    # The folder assembly may have the images already.
    without_images = shutil.ignore_patterns("assembly")
    own = Path(shutil.copytree(cache, tmp_path / "cache", ignore=without_images))
    artifacts = (
        project / "locks/0.1.0/build/debian-base-build/artifacts-linux-amd64.txt"
    ).read_text()
    line = next(line for line in artifacts.splitlines() if " pip/attrs-" in line)
    hexadecimal = line.split(" ")[0].partition(":")[2]
    stored = own / "store/sha256" / hexadecimal[:2] / hexadecimal
    content = bytearray(stored.read_bytes())
    content[100] ^= 1
    stored.chmod(0o644)
    stored.write_bytes(content)
    refused = orbiter(project, own, "build", prefix=("unshare", "--net"))
    assert refused.returncode == 2
    assert "attrs-" in refused.stderr or hexadecimal in refused.stderr
    assert "Traceback" not in refused.stderr
    digests(orbiter(project, own, "build"))  # the file is fetched again


def test_an_offline_machine_builds_from_an_archive(
    project: Path, cache: Path, tmp_path: Path
) -> None:
    done = orbiter(project, cache, "archive", str(tmp_path / "archive.tar"))
    assert done.returncode == 0, done.stderr
    offline = ("unshare", "--net", "env", f"ORBITER_CACHE_DIR={tmp_path / 'elsewhere'}")
    done = orbiter(project, cache, "fetch", "--from", str(tmp_path / "archive.tar"), prefix=offline)
    assert done.returncode == 0, done.stderr
    digests(orbiter(project, cache, "build", prefix=offline))


@pytest.mark.parametrize(
    ("words", "after"), [(("lock",), 1.5), (("lock",), 4.0), (("fetch",), 0.7), (("build",), 3.0)]
)
def test_the_run_after_a_killed_one_completes(
    tmp_path: Path, locked: Path, words: tuple[str, ...], after: float
) -> None:
    project, own = tmp_path / "project", tmp_path / "cache"
    if words == ("lock",):
        project.mkdir()
        shutil.copy(locked / "images.toml", project)
    else:
        shutil.copytree(locked, project)
    command = [sys.executable, QUICK_ORBITER, *words]
    env = {**os.environ, "ORBITER_CACHE_DIR": str(own)}
    with subprocess.Popen(
        command, cwd=project, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    done = orbiter(project, own, *words)
    assert done.returncode == 0, done.stderr
    assert orbiter(project, own, "lock", "--check").returncode == 0
    names = {path.name for path in (project / "locks").iterdir()}
    assert names == {"0.1.0", ".gitattributes", ".gitignore"}


def test_errors_name_file_key_and_remedy(tmp_path: Path, cache: Path) -> None:
    missing = orbiter(tmp_path, cache, "build")
    assert missing.returncode == 2
    assert "images.toml" in missing.stderr
    assert "hint: " in missing.stderr
    (tmp_path / "images.toml").write_text(IMAGES)
    unlocked = orbiter(tmp_path, cache, "build")
    assert unlocked.returncode == 2
    assert "hint: run orbiter lock" in unlocked.stderr
    nobody = orbiter(tmp_path, cache, "lock", prefix=("env", "DOCKER_HOST=unix:///nowhere.sock"))
    assert nobody.returncode == 2
    assert "cannot connect to a Docker engine" in nobody.stderr
    assert "orbiter lock --only conda,pip,npm" in nobody.stderr
    assert not (tmp_path / "locks").exists()
