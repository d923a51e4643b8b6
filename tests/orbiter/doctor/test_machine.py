"""The checks of the engine and of disks: a real engine, a missing one, and a full disk."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from orbiter.docker import client
from orbiter.doctor import machine
from orbiter.doctor.check import Check, run_checks
from orbiter.doctor.result import CheckResult


@pytest.fixture(autouse=True)
def new_connection() -> Iterator[None]:
    """Forget the engine of other tests, and the missing one of this test."""
    client._connection.cache_clear()
    yield
    client._connection.cache_clear()


def engine() -> CheckResult:
    (found,) = run_checks([Check("Docker engine", machine.check_engine)])
    return found


def test_a_missing_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    found = engine()
    assert (found.state, found.address) == ("failed", "unix:///nowhere/docker.sock")
    assert found.origin == "DOCKER_HOST"
    assert found.detail == "cannot connect to a Docker engine: No such file or directory"
    assert "correct or unset DOCKER_HOST" in found.hint
    assert machine.check_platforms(["linux/amd64"]).detail == machine.NO_ENGINE
    assert machine.check_platforms(["linux/amd64"]).state == "skipped"
    assert machine.check_engine_disk(lambda _address, _origin: None).state == "skipped"


def test_an_engine_of_another_user(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0)
        # Without its privileges, even root is denied.
        found = check(
            "machine.check_engine", f"DOCKER_HOST=unix://{path}", wrapper=["unshare", "-U"]
        )
    assert found["detail"] == "cannot connect to a Docker engine: Permission denied"
    assert "usermod -aG docker" in found["hint"]


@pytest.mark.engine
def test_an_engine_that_answers() -> None:
    found = engine()
    assert found.state in {"ok", "warning"}
    version = client.connect().version()["Version"]
    assert f"version {version}, API " in found.detail
    assert machine.check_buildx(lambda _address, _origin: None).state == "ok"
    assert machine.check_engine_disk(lambda _address, _origin: None).detail


@pytest.mark.engine
def test_a_platform_that_the_engine_does_not_run() -> None:
    assert machine.check_platforms([client.native_platform()]).state == "ok"
    found = machine.check_platforms([client.native_platform(), "linux/unheard"])
    assert (found.state, found.detail) == (
        "warning",
        "the Docker engine does not run linux/unheard",
    )
    assert "binfmt" in found.hint


# Answers of two engines to "docker info", because tests have only one of them.
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ([["driver-type", "io.containerd.snapshotter.v1"]], True),
        ([["Backing Filesystem", "extfs"]], False),
        (None, False),
    ],
)
def test_the_image_store_of_an_engine(status: object, expected: bool) -> None:
    assert machine.has_image_store({"DriverStatus": status}) is expected


def check(function: str, variable: str, *, wrapper: Sequence[str] = ()) -> dict[str, str]:
    """Return the result of a check by a new process; ``wrapper`` is a command that runs it."""
    code = (
        "import msgspec; from orbiter.doctor import check, machine; "
        f"found = check.run_checks([check.Check('a', {function})])[0]; "
        "print(msgspec.json.encode(found).decode())"
    )
    command = [*wrapper, "env", variable, sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if wrapper and "Operation not permitted" in done.stderr:
        pytest.skip(f"this machine has no user namespaces: {done.stderr}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def cache_check(folder: str, disk: str = "") -> dict[str, str]:
    """Return the check of a cache folder; ``disk`` mounts a small disk there."""
    mount = f'mount -t tmpfs -o {disk} tmpfs {folder} && exec "$@"'
    wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"] if disk else []
    return check("machine.check_cache", f"ORBITER_CACHE_DIR={folder}", wrapper=wrapper)


@pytest.mark.parametrize(
    ("disk", "reason"),
    [
        ("size=32k", "No space left on device"),
        ("size=64k,ro", "Read-only file system"),
        ("size=1m", "free"),
    ],
    ids=["full", "read-only", "nearly full"],
)
def test_a_cache_that_has_no_room(tmp_path: Path, disk: str, reason: str) -> None:
    found = cache_check(str(tmp_path), disk)
    assert found["state"] == "failed"
    assert str(tmp_path) in found["detail"]
    assert reason in found["detail"]
    assert "ORBITER_CACHE_DIR" in found["hint"]


def test_a_cache_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = cache_check(str(tmp_path / "file" / "cache"))
    assert (found["state"], "Not a directory" in found["detail"]) == ("failed", True)


def test_a_cache_with_room_keeps_nothing_of_the_check(tmp_path: Path) -> None:
    found = cache_check(str(tmp_path))
    assert " free" in found["detail"]
    assert list(tmp_path.iterdir()) == []
