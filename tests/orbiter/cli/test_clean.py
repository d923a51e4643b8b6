"""The options of ``orbiter clean``, without an engine."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from orbiter.cli.clean import clean
from orbiter.config.image_set import ImageSet
from orbiter.images import clean as images_clean
from orbiter.images.clean import CleanupPlan, CleanupScope
from tests.support.paths import ROOT


@pytest.mark.parametrize("release", ["0.1.0", "v0.1.0"])
def test_release_accepts_the_names_that_other_commands_accept(
    release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = []

    def plan(_image_set: ImageSet, scope: CleanupScope) -> CleanupPlan:
        scopes.append(scope)
        return CleanupPlan(leftovers=(), notes=())

    monkeypatch.setattr(images_clean, "plan_cleanup", plan)
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "images.toml", tmp_path)
    result = CliRunner().invoke(clean, ["--release", release])
    assert result.output == "nothing to remove\n"
    assert scopes == [CleanupScope(release="0.1.0")]


@pytest.mark.parametrize(
    ("kept", "note"),
    [
        (1, "1 fresh or released image stays; --all removes it too"),
        (2, "2 fresh or released images stay; --all removes them too"),
    ],
)
def test_the_note_about_kept_images_is_grammatical(kept: int, note: str) -> None:
    assert images_clean._kept_note(kept) == note
