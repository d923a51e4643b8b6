"""Import of package.json: addresses, overrides, and wrong files."""

import json
from pathlib import Path

import pytest

from orbiter.config.read import read_image_set
from tests.support.imports import import_text

PACKAGE = {
    "dependencies": {
        "d3": "^7",
        "any": "*",
        "old": "npm:d3@^5",
        "either": "^1||^2",
        "short": "lab/charts#v1",
        "repository": "git://example.org/lab/charts.git#v1",
        "tarball": "https://example.org/charts-1.0.0.tgz",
        "secret": "https://user:word@example.org/charts-1.0.0.tgz",
        "local": "file:../charts",
        "member": "workspace:*",
        "-": "^0.0.1",
        "number": 3,
    },
    "optionalDependencies": {"fsevents": "*"},
    "overrides": {
        "glob": "^11",
        "mocha": {"minimatch": "$d3", ".": "^1"},
        "deep": {"a": {"b": "1"}},
        "x@https://example.org": "1",
    },
    "bundleDependencies": ["d3"],
    "workspaces": ["packages/*"],
    "license": "MIT",
}


def test_each_entry_is_added_or_listed(tmp_path: Path) -> None:
    done = import_text(tmp_path, "package.json", json.dumps(PACKAGE))
    assert done.code == 0, done.err
    read_image_set(tmp_path / "images.toml")
    assert done.entries("npm") == [
        "d3@^7",
        "any",
        "old@npm:d3@^5",
        "either@^1 || ^2",
        "short@github:lab/charts#v1",
        "repository@git+https://example.org/lab/charts.git#v1",
        "tarball@https://example.org/charts-1.0.0.tgz",
    ]
    overrides = done.data["builder"]["debian"]["npm-overrides"]
    assert overrides == {"glob": "^11", "mocha": {"minimatch": "$d3", ".": "^1"}}
    for what in (
        "dependencies: 'secret https://…@example.org",
        "dependencies: 'local file:../charts'",
        "dependencies: 'member workspace:*'",
        "dependencies: '- ^0.0.1'",
        "dependencies: 'number 3'",
        "optionalDependencies (fsevents *)",
        "overrides 'deep' (a {'b': '1'})",
        "overrides 'x@https://example.org' ()",
        "package.json: bundleDependencies (d3)",
        "package.json: workspaces (packages/*)",
        "package.json: license",
    ):
        assert f"left out: {what}" in done.err, what
    assert "word" not in done.err


def test_overrides_are_added_to_those_of_the_builder(tmp_path: Path) -> None:
    import_text(tmp_path, "package.json", json.dumps(PACKAGE))
    other = {"dependencies": {"b": "1"}, "overrides": {"glob": "^10", "new": "1"}}
    done = import_text(tmp_path, "package.json", json.dumps(other), "--image", "debian-base")
    assert done.data["builder"]["debian"]["npm-overrides"] == {
        "glob": "^11",
        "mocha": {"minimatch": "$d3", ".": "^1"},
        "new": "1",
    }
    assert "left out: npm-overrides 'glob': images.toml has another" in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "is not a package.json"),
        ('{"lockfileVersion": 3, "dependencies": {}}', "is not a package.json"),
        ("{}", "has no dependencies"),
        ('{"dependencies": []}', "has nothing that images.toml can contain"),
    ],
)
def test_errors_leave_the_folder_as_it_was(tmp_path: Path, text: str, words: str) -> None:
    done = import_text(tmp_path, "package.json", text)
    assert (done.code, done.data) == (2, {})
    assert words in done.err


def test_a_lock_file_is_an_error(tmp_path: Path) -> None:
    done = import_text(tmp_path, "package-lock.json", "{}")
    assert "is a lock file, and images.toml has requirements" in done.err


@pytest.mark.parametrize("version", ["1" + " " * 100_000 + "|", "a/" * 50_000, "git://" * 20_000])
def test_hostile_ranges_are_listed(tmp_path: Path, version: str) -> None:
    """A reader whose time is not linear would be stopped."""
    text = json.dumps({"dependencies": {"lab": version, "d3": "1"}})
    done = import_text(tmp_path, "package.json", text)
    assert done.entries("npm") == ["d3@1"]
    assert "left out: dependencies: 'lab " in done.err


def test_a_hostile_address_is_read_in_linear_time(tmp_path: Path) -> None:
    """A reader whose time is not linear would be stopped."""
    package = {"dependencies": {"lab": f"https://a{'.git#a' * 100_000} x"}}
    done = import_text(tmp_path, "package.json", json.dumps(package))
    assert (done.code, done.data) == (2, {})
    assert "left out: dependencies: 'lab https://a.git#a" in done.err


def test_thousands_of_overrides_are_added_in_linear_time(tmp_path: Path) -> None:
    """Reading images.toml again for each override would take many minutes."""
    overrides = {f"a{number}": "^1" for number in range(10_000)}
    package = {"dependencies": {"d3": "^7"}, "overrides": overrides}
    done = import_text(tmp_path, "package.json", json.dumps(package))
    assert done.code == 0, done.err
    assert done.data["builder"]["debian"]["npm-overrides"] == overrides
