"""Lock sets with aliases and overrides of npm, made by the real commands."""

import json
from pathlib import Path

import pytest

from tests.support.npm_project import NpmProject

pytestmark = pytest.mark.index


def test_an_alias_and_an_override_make_the_lock_set_stale_and_appear_in_the_diff(
    tmp_path: Path,
) -> None:
    project = NpmProject(tmp_path)
    project.write('"odd@npm:is-odd@3.0.0"')
    project.lock()
    assert project.stale() == ""
    before = project.contents()
    project.lock()
    assert project.contents() == before
    project.write('"odd@npm:is-odd@3.0.1"', 'npm-overrides = { is-number = "^7" }')
    stale = project.stale()
    assert "image.debian.base.build.npm: odd@npm:is-odd@3.0.0 -> odd@npm:is-odd@3.0.1" in stale
    assert "builder.debian.npm-overrides.is-number: (none) -> ^7" in stale
    project.write('"odd@npm:is-odd@3.0.1"', 'npm-overrides = { is-number = "^7" }', version="0.2.0")
    project.lock()
    assert project.stale() == ""
    diff = project.diff("0.1.0", "0.2.0")
    assert '"old": "odd@npm:is-odd@3.0.0", "new": "odd@npm:is-odd@3.0.1"' in json.dumps(diff)
    changes = {change["name"]: change for change in diff["changes"]}
    assert changes.keys() == {"is-odd", "is-number"}
    assert changes["is-odd"]["direct"]
    assert not changes["is-number"]["direct"]
