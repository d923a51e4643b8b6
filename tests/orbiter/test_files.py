"""Atomic writes of text files."""

import os
from pathlib import Path

import pytest

from orbiter.files import write_text
from resolvers.errors import ExpectedError


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


def test_a_pipe_and_a_device_are_written_and_stay(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert pipe.is_fifo()
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(ExpectedError, match=r"cannot write .*full: No space left on device"):
        write_text(full, "text")
    assert Path("/dev/full").is_char_device()


def test_a_reader_that_ended_is_not_an_error_of_the_path() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        write_text(Path(f"/dev/fd/{writer}"), "text")
    os.close(writer)
