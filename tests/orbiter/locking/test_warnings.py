"""Warnings of ``orbiter lock``: printed at the end, kept in the lock set, errors with --strict."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orbiter.cli.lock import lock
from orbiter.lockset import folder
from orbiter.lockset.model import manifest_text
from resolvers.conda import manager as conda
from resolvers.types.packages import LockFiles
from resolvers.types.request import LockWarning, Request
from tests.support.conda_world import channel, record
from tests.support.paths import ROOT

IMAGES = """
version = "0.1.0"
repository = "a/b"
platforms = ["linux/amd64"]
[builder.micromamba]
channels = ["{channel}"]
[image.micromamba.base.build]
conda = ["tool"]
"""
YANKED = LockWarning("tool", "version 1.0 was yanked: broken", "require another version")
DEPRECATED = LockWarning("map", "deprecated")


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write an image set; its resolver warns twice, the second time for two platforms."""
    resolve = conda.resolve

    def resolve_with_warnings(request: Request) -> LockFiles:
        for warning in (YANKED, DEPRECATED, DEPRECATED):
            request.warn(warning)
        return resolve(request)

    monkeypatch.setattr(conda, "resolve", resolve_with_warnings)
    monkeypatch.chdir(tmp_path)
    address = channel(tmp_path / "channel", record("tool", "1.0"))
    (tmp_path / "images.toml").write_text(IMAGES.format(channel=address))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(lock, ["--only", "conda", "--quiet", *words])


def recorded(images: Path) -> Any:
    text = (images / "locks/0.1.0/lockset.toml").read_text()
    return tomllib.loads(text).get("warnings")


def test_warnings_are_printed_last_and_kept_in_the_lock_set(images: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        "warning: micromamba conda: map: deprecated\n"
        "warning: micromamba conda: tool: version 1.0 was yanked: broken\n"
        "    hint: require another version\n"
    )
    assert result.output.endswith(result.stderr)
    assert recorded(images) == [
        {"builder": "micromamba", "manager": "conda", "package": "map", "text": "deprecated"},
        {
            "builder": "micromamba",
            "manager": "conda",
            "package": "tool",
            "text": YANKED.text,
            "hint": YANKED.hint,
        },
    ]


def test_a_reused_lock_keeps_its_warnings(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    before = (images / "locks/0.1.0/lockset.toml").read_bytes()
    monkeypatch.setattr(conda, "resolve", None)
    again = run()
    assert "up to date" in again.stdout
    assert "warning: micromamba conda: map: deprecated" in again.stderr
    assert (images / "locks/0.1.0/lockset.toml").read_bytes() == before


def test_strict_makes_warnings_errors_and_writes_nothing(images: Path) -> None:
    refused = run("--strict")
    assert refused.exit_code == 2
    assert "warning: micromamba conda: map: deprecated" in refused.stderr
    assert "error: --strict: 2 warnings, so nothing was written" in refused.stderr
    assert not (images / "locks").exists()


@pytest.mark.usefixtures("images")
def test_strict_refuses_the_kept_warnings_too() -> None:
    run()
    assert run("--strict").exit_code == 2


def test_a_warning_that_no_longer_holds_disappears(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    monkeypatch.undo()
    monkeypatch.chdir(images)
    upgraded = run("--upgrade")
    assert "wrote" in upgraded.stdout
    assert recorded(images) is None


@pytest.mark.parametrize("release", ["0.1.0", "0.2.0"])
def test_lock_sets_without_warnings_keep_their_bytes(release: str) -> None:
    path = ROOT / "locks" / release
    assert manifest_text(folder.read(path)) == (path / "lockset.toml").read_text()
