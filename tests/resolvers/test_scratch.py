"""Locks between processes, scratch folders, and what is left of them after a kill."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from resolvers import scratch
from resolvers.scratch import (
    locked,
    locked_if_free,
    remove_if_free,
    scratch_folder,
    temporary_folder,
    try_lock,
)

KILLED = """
import os, signal
from resolvers.scratch import temporary_folder
with temporary_folder() as folder:
    (folder / "file").write_text("secret")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_lock_is_exclusive_and_ends_with_the_block(tmp_path: Path) -> None:
    with locked(tmp_path), locked_if_free(tmp_path) as free:
        assert not free
    with locked_if_free(tmp_path) as free:
        assert free
        descriptor = os.open(tmp_path, os.O_RDONLY)
        assert not try_lock(descriptor)
        os.close(descriptor)


def test_a_missing_path_is_not_free(tmp_path: Path) -> None:
    with locked_if_free(tmp_path / "missing") as free:
        assert not free


def test_a_scratch_folder_is_removed_and_so_are_unlocked_leftovers(tmp_path: Path) -> None:
    leftover, unrelated = tmp_path / "new-dead", tmp_path / "other"
    for folder in (leftover, unrelated):
        folder.mkdir()
    with scratch_folder(tmp_path, "new-") as first:
        (first / "file").touch()
        with scratch_folder(tmp_path, "new-") as second:
            assert first.is_dir()
            assert second.is_dir()
            assert not leftover.exists()
    assert list(tmp_path.iterdir()) == [unrelated]


def test_a_named_folder_has_the_same_path_in_each_run(tmp_path: Path) -> None:
    for _ in range(2):
        with scratch_folder(tmp_path, "build-", name="a") as folder:
            assert folder == tmp_path / "build-a"
            with scratch_folder(tmp_path, "build-", name="a") as beside:
                assert beside != folder
                assert beside.name.startswith("build-")
    assert list(tmp_path.iterdir()) == []


def test_a_named_folder_of_a_killed_run_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "build-a").mkdir()
    (tmp_path / "build-a/old").touch()
    with scratch_folder(tmp_path, "build-", name="a") as folder:
        assert folder == tmp_path / "build-a"
        assert list(folder.iterdir()) == []


def make_again_before_locking(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another process replace the folder and use it, just before the first lock."""

    def replace_and_lock(descriptor: int) -> bool:
        monkeypatch.setattr(scratch, "try_lock", try_lock)
        path.rmdir()
        path.mkdir()
        other = os.open(path, os.O_RDONLY)
        assert try_lock(other)
        return try_lock(descriptor)

    monkeypatch.setattr(scratch, "try_lock", replace_and_lock)


def test_two_runs_never_use_the_same_named_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_again_before_locking(tmp_path / "build-a", monkeypatch)
    with scratch_folder(tmp_path, "build-", name="a") as folder:
        assert folder != tmp_path / "build-a"
    assert list(tmp_path.iterdir()) == [tmp_path / "build-a"]


def test_a_folder_that_another_run_made_again_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftover = tmp_path / "build-a"
    leftover.mkdir()
    make_again_before_locking(leftover, monkeypatch)
    remove_if_free(leftover)
    assert leftover.is_dir()


def test_the_folder_of_a_killed_run_is_removed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = subprocess.run(
        [sys.executable, "-c", KILLED],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    left = Path(result.stdout.strip())
    assert left.stat().st_mode & 0o777 == 0o700
    with temporary_folder() as first, temporary_folder() as second:
        assert not left.exists()
        assert first.is_dir()
        assert second.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_run_removes_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkdtemp

    def make_and_sweep(prefix: str, dir: Path) -> str:  # noqa: A002 - the name of tempfile
        made = make(prefix=prefix, dir=dir)
        monkeypatch.setattr(tempfile, "mkdtemp", make)
        with scratch_folder(tmp_path, "new-"):
            pass
        return made

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_sweep)
    with scratch_folder(tmp_path, "new-") as folder:
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []
