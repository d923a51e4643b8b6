"""The image set of the current folder."""

from pathlib import Path

import pytest

from orbiter.doctor.project import current_image_set, newest_lock_set
from orbiter.lockset import folder
from resolvers.errors import ExpectedError
from tests.support.lock_sets import small


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outside_of_a_project() -> None:
    assert current_image_set() is None
    assert newest_lock_set() is None


def test_without_images_toml_the_newest_lock_set_counts(here: Path) -> None:
    folder.write(small(), here / "locks" / "0.1.0")
    assert current_image_set() == small().image_set
    assert newest_lock_set("9.0.0") == newest_lock_set("0.1.0") == small()


def test_mistakes_in_images_toml_are_not_hidden_by_a_lock_set(here: Path) -> None:
    folder.write(small(), here / "locks" / "0.1.0")
    (here / "images.toml").write_text("version = 1\n", encoding="utf-8")
    with pytest.raises(ExpectedError, match="mistakes"):
        current_image_set()
