"""The folder of a lock set is replaced as a whole, however and whenever a run is killed."""

import errno
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orbiter.lockset import exchange, folder, model
from orbiter.lockset.model import LockSet, LockSetError, Manifest
from resolvers import scratch

STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")
"""Audit events of the steps after which the child is killed."""


def lock_set(text: str) -> LockSet:
    manifest = Manifest(
        release="0.1.0", cutoff="2026-11-01T00:00:00Z", source_date_epoch=1793491200
    )
    return model.seal(manifest, {"images.toml": text, "build/debian-core/Dockerfile": text})


def no_exchange(first: Path, second: Path) -> None:
    """Fail as a file system does that cannot exchange two folders."""
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(first), None, str(second))


def killed_before(step: int, action: Callable[[], object]) -> bool:
    """Run an action in a child that kills itself before a step; return whether it came to that."""

    def child() -> None:
        steps = 0

        def count(event: str, _arguments: object) -> None:
            nonlocal steps
            if event in STEPS:
                steps += 1
                if steps == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        action()
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    return process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("exchanges", [True, False], ids=["exchange", "two-steps"])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_lock_set(
    tmp_path: Path, exchanges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanges:
        monkeypatch.setattr(exchange, "_exchange", no_exchange)
    path, old, new = tmp_path / "0.1.0", lock_set("old\n"), lock_set("new\n")
    found, stranded, step = set(), 0, 1
    folder.write(old, path)
    while killed_before(step, lambda: folder.write(new, path)):
        stranded += not path.exists()
        exchange.recover(tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == ["0.1.0"]
        read = folder.read(folder.release_folder("0.1.0", tmp_path))
        assert read in (old, new)
        found.add(read.root)
        folder.write(old, path)
        step += 1
    assert step > 10
    assert found == {old.root, new.root}
    assert stranded == (0 if exchanges else 1)


def test_the_old_folder_is_used_by_no_command_until_it_has_its_name_again(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(lock_set("old\n"), path)
    path.rename(exchange.backup_folder(path))
    for use in (folder.releases, lambda locks: folder.release_folder("0.2.0", locks)):
        with pytest.raises(LockSetError) as error:
            use(tmp_path)
        assert str(path) in error.value.message
        assert error.value.hint == f"restore it: mv {tmp_path}/.0.1.0.old {path}"
    assert not path.exists()  # a check does not write
    exchange.recover(tmp_path)
    assert folder.releases(tmp_path) == ("0.1.0",)
    assert folder.previous("0.2.0", tmp_path) == lock_set("old\n")


def test_the_rest_of_a_finished_replacement_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(lock_set("old\n"), path)
    path.rename(exchange.backup_folder(path))
    folder.write(lock_set("new\n"), path)
    (tmp_path / ".0.2.0.new-dead").mkdir()
    (tmp_path / ".other.old").mkdir()
    assert folder.releases(tmp_path) == ("0.1.0",)
    exchange.recover(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"0.1.0", ".other.old"}
    assert folder.read(path) == lock_set("new\n")


def test_an_exchange_is_never_half_done_for_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(lock_set("0\n"), path)

    def write() -> None:
        for count in range(100):
            folder.write(lock_set(f"{count}\n"), path)

    process = multiprocessing.get_context("fork").Process(target=write)
    process.start()
    while process.is_alive():
        assert path.is_dir()
    process.join()
    assert process.exitcode == 0


def test_a_lock_set_that_another_run_releases_meanwhile_stays(tmp_path: Path) -> None:
    path, old = tmp_path / "0.1.0", lock_set("old\n")
    folder.write(old, path)
    with ThreadPoolExecutor(1) as pool:
        with scratch.locked(tmp_path):
            writing = pool.submit(folder.write, lock_set("new\n"), path)
            while not list(tmp_path.glob(f".*/0.1.0/{model.MANIFEST}")) and not writing.done():
                time.sleep(0.001)
            (path / model.DIGESTS).write_text("")
        with pytest.raises(LockSetError, match="was released and cannot change"):
            writing.result()
    assert (path / "images.toml").read_text() == "old\n"
    assert [file.name for file in tmp_path.iterdir()] == ["0.1.0"]
