"""Atomic writes of text files."""

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
