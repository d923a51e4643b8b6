"""A lock set has only regular files: links, pipes and devices are refused without opening them."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orbiter.lockset import folder, model
from orbiter.lockset.model import LockSet, LockSetError, Manifest
from tests.support.paths import ROOT

FILES = {"images.toml": 'version = "0.1.0"\n', "debian/apt.lock": "format = 1\n"}
TIMEOUT = 60
"""Seconds until a command counts as hanging."""


def sealed() -> LockSet:
    manifest = Manifest(release="0.1.0", cutoff="2026-11-01T00:00:00Z", source_date_epoch=1)
    return model.seal(manifest, FILES)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        # The path of a socket is short, so it is relative.
        here = Path.cwd()
        os.chdir(path.parent)
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "is not a regular file"),
    "socket": (make_socket, "is not a regular file"),
    "link to a file": (lambda path: path.symlink_to("/etc/hostname"), "is a symbolic link"),
    "link to a folder": (lambda path: path.symlink_to("/etc"), "is a symbolic link"),
    "broken link": (lambda path: path.symlink_to("/nowhere"), "is a symbolic link"),
    "link to a device": (lambda path: path.symlink_to("/dev/zero"), "is a symbolic link"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["debian/apt.lock", "debian/more", "lockset.toml", "digests.toml", "layers"]
)
def test_a_special_file_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    make, problem = KINDS[kind]
    (path / name).unlink(missing_ok=True)
    make(path / name)
    with pytest.raises(LockSetError, match=problem) as caught:
        folder.read(path)
    assert str(path / name) in caught.value.message


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    (path / "debian/apt.lock").unlink()
    (path / "debian").rmdir()
    (path / "debian").symlink_to("/etc")
    with pytest.raises(LockSetError, match="is a symbolic link"):
        folder.read(path)


COMMANDS = (
    ("archive", "kept"),
    ("build",),
    ("build", "--verify"),
    ("diff-locks", "0.1.0", "0.2.0"),
    ("export", "explicit", "--image", "debian-base"),
    ("fetch",),
    ("lock", "--check"),
    ("lock",),
    ("release",),
    ("run", "debian-base"),
)
"""Commands that read a lock set, as an index into locks/ of this repository."""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_hangs_on_a_pipe(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "images.toml").write_text(
        'version = "0.1.0"\nrepository = "a/b"\n'
        '[builder.debian]\nfrom = { debian = "trixie" }\n[image.debian.base]\napt = ["curl"]\n'
    )
    for release in ("0.1.0", "0.2.0"):
        folder.write(
            model.seal(
                Manifest(release=release, cutoff="2026-11-01T00:00:00Z", source_date_epoch=1), FILES
            ),
            tmp_path / "locks" / release,
        )
    lock = tmp_path / "locks/0.1.0/debian/apt.lock"
    lock.unlink()
    os.mkfifo(lock)
    done = subprocess.run(
        [sys.executable, "-m", "orbiter", *words],
        cwd=tmp_path,
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 2, done.stderr
    assert "locks/0.1.0/debian/apt.lock is not a regular file" in done.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("source-date-epoch = 1", f"source-date-epoch = {'9' * 5000}"),
        ("source-date-epoch = 1", "source-date-epoch = 999999999999999"),
        ("source-date-epoch = 1", "source-date-epoch = -1"),
        ("source-date-epoch = 1", f"source-date-epoch = {'[' * 5000}"),
        ("format = 1", f"format = {'9' * 5000}"),
        ("2026-11-01T00:00:00Z", "2026-99-01T00:00:00Z"),
        ("[bases]", '[bases."debian:13"]\n"linux/amd64" = "sha256:../../../../etc"'),
    ],
)
def test_absurd_values_in_a_manifest_are_an_error(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    _, _, body = (path / "lockset.toml").read_text().partition("\n")
    assert old in body
    body = body.replace(old, new)
    (path / "lockset.toml").write_text(f"{model.root_line(model.digest(body))}\n{body}")
    with pytest.raises(LockSetError, match=r"lockset\.toml: "):
        folder.read(path)
