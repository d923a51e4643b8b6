"""Locks, scratch folders and atomic writes."""

import os
from pathlib import Path

import pytest

from orbiter.files import locked, locked_if_free, scratch_folder, try_lock, write_text
from resolvers.errors import ExpectedError


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


def test_writing_replaces_the_target_of_a_link_and_keeps_its_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o600)
    assert {path.name for path in tmp_path.iterdir()} == {"target", "link"}


def test_a_file_that_cannot_be_written_is_an_expected_error(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match=f"cannot write {tmp_path}/missing/file: "):
        write_text(tmp_path / "missing" / "file", "text")
