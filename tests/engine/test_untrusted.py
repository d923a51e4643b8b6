"""Edited lock sets with a root digest that fits: build refuses them before it sends anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.lockset import folder
from tests.support.edits import VARIANTS
from tests.support.lock_sets import PROJECT, changed, older

pytestmark = pytest.mark.engine

REPORTED = (
    "step with network",
    "secret mount",
    "context with a host folder",
    "variable of the environment",
    "argument of the environment",
    "secret",
    "local output",
    "other packages",
    "another package list",
    "file among the artifacts",
)


@pytest.mark.parametrize("name", REPORTED)
def test_an_edited_lock_set_is_not_built(name: str, tmp_path: Path) -> None:
    change, path = VARIANTS[name]
    lock_set = older()  # its texts cannot be compared with those of the present templates
    place = tmp_path / "locks/0.1.0"
    folder.write(changed(lock_set, change(lock_set)), place)
    (tmp_path / "images.toml").write_text((PROJECT / "images.toml").read_text())
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "orbiter", "build"],
        cwd=tmp_path,
        env={**os.environ, "ORBITER_CACHE_DIR": str(tmp_path / "cache"), "TOKEN": "s3cr3t"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert path in done.stderr
    assert "s3cr3t" not in done.stderr
    # Without a cache folder, nothing was fetched or laid out for an engine.
    assert sorted(tmp_path.rglob("*")) == before
