"""The command lint: targets, formats and exit codes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from orbiter.config.read import read_image_set
from tests.support.paths import ROOT, TESTS

SMALL = TESTS / "data" / "lock-set" / "small"
HASHED = f"a==1.0 \\\n    --hash=sha256:{'a' * 64}\n"
NOT_CHECKED = (
    "not checked: malicious-version: there is no database of known malicious versions\n"
    "  (--database)\n"
)
FAULTY = f"--index-url http://user:hunter2@example.org/simple\n{HASHED}b>=2\n"


def lint(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", "lint", *words]
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.txt").write_text(HASHED)
    (tmp_path / "bad.txt").write_text(FAULTY)
    return tmp_path


def test_a_file_without_faults_exits_with_0(folder: Path) -> None:
    result = lint(folder, "good.txt")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"no findings in 1 file with 1 package\n{NOT_CHECKED}"


def test_a_file_with_faults_exits_with_1(folder: Path) -> None:
    result = lint(folder, "good.txt", "bad.txt")
    assert (result.returncode, result.stderr) == (1, "")
    assert "line 4: b>=2" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "hunter2" not in result.stdout


def test_ignored_rules_and_their_limits(folder: Path) -> None:
    ids = ("credentials", "insecure-address", "index-option", "not-pinned")
    assert lint(folder, "bad.txt", *(f"--ignore={each}" for each in ids)).returncode == 0
    assert "no such rule" in lint(folder, "bad.txt", "--ignore", "other").stderr
    result = lint(folder, "bad.txt", "--ignore", "merge-marker")
    assert result.returncode == 2
    assert "cannot be ignored" in result.stderr


def test_an_unreadable_file_exits_with_2_after_the_others_are_checked(folder: Path) -> None:
    result = lint(folder, "missing.txt", "bad.txt", "--format", "json")
    assert result.returncode == 2
    report = json.loads(result.stdout)
    assert [each["path"] for each in report["errors"]] == ["missing.txt"]
    assert {each["file"] for each in report["findings"]} == {"bad.txt"}
    assert result.stderr.startswith("error: 'missing.txt' not found\n\nhint: ")


def test_json_follows_its_schema(folder: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "orbiter", "schema", "lint"], capture_output=True, check=True
    )
    report = json.loads(lint(folder, "bad.txt", "--format", "json").stdout)
    jsonschema.validate(report, json.loads(printed.stdout))
    assert report["format"] == 1
    assert {(each["rule"], each["line"]) for each in report["findings"]} == {
        ("credentials", 1),
        ("insecure-address", 1),
        ("index-option", 1),
        ("not-pinned", 4),
    }


def test_sarif_names_rules_and_lines(folder: Path) -> None:
    (run,) = json.loads(lint(folder, "bad.txt", "--format", "sarif").stdout)["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert run["invocations"][0]["executionSuccessful"]
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uri"] == "bad.txt"
        assert location["region"]["startLine"] in {1, 4}
    assert len(run["results"]) == 4
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["level"] == "note"
    assert notification["message"]["text"].startswith("not checked: malicious-version")


def test_annotations_are_escaped(folder: Path) -> None:
    (folder / "a,b.txt").write_text(f"{HASHED}b>=2,<3 ; platform_system == '100%'\n")
    result = lint(folder, "a,b.txt", "--format", "github")
    first, _, rest = result.stdout.partition("\n")
    assert rest == (
        "::notice title=orbiter lint::not checked: malicious-version: there is no database of "
        "known malicious versions (--database)\n"
    )
    assert f"{first}\n" == (
        "::error file=a%2Cb.txt,line=3,title=orbiter lint%3A not-pinned::"
        "a requirement without an exact version: b>=2,<3 ; platform_system == '100%25'\n"
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(SMALL, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_lock_sets_are_the_default(project: Path) -> None:
    result = lint(project, "--format", "json")
    report = json.loads(result.stdout)
    paths = {each["path"] for each in report["files"]}
    assert {"locks/0.1.0/lockset.toml", "locks/0.1.0/debian/apt.lock"} <= paths
    assert not any("/build/" in path for path in paths)
    assert sum(each["packages"] for each in report["files"]) > 10
    assert {each["rule"] for each in report["findings"]} <= {"sdist-only", "install-script"}


def test_a_changed_lock_set_is_found(project: Path) -> None:
    lock = project / "locks" / "0.1.0" / "debian" / "apt.lock"
    text = lock.read_text(encoding="utf-8")
    name = text.partition('[[package]]\nname = "')[2].partition('"')[0]
    lock.write_text(text.replace(f"/{name}_", "/other_", 1), encoding="utf-8")
    result = lint(project, "0.1.0", "--format", "json")
    assert result.returncode == 1
    found = {each["rule"]: each for each in json.loads(result.stdout)["findings"]}
    assert found["entry-mismatch"]["package"] == name
    assert text.splitlines()[found["entry-mismatch"]["line"] - 1] == f'name = "{name}"'
    assert found["damaged-file"]["file"] == "locks/0.1.0/lockset.toml"


def test_a_folder_without_lock_sets_is_an_error(tmp_path: Path) -> None:
    result = lint(tmp_path)
    assert result.returncode == 2
    assert "no lock set in locks/" in result.stderr


def test_hostile_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{HASHED}b\x1b[31m>=2\n")
    result = lint(tmp_path, "a.txt")
    assert "\x1b" not in result.stdout
    assert "U+001B" in result.stdout


def test_known_malicious_versions_are_found(tmp_path: Path) -> None:
    integrity = "sha512-" + "A" * 86 + "=="
    of_index = {"version": "4.4.2", "integrity": integrity}
    own_folder = {"name": "debug", "version": "4.4.2"}
    packages = {"": {}, "node_modules/debug": of_index, "packages/debug": own_folder}
    lock = tmp_path / "package-lock.json"
    lock.write_text(json.dumps({"lockfileVersion": 3, "packages": packages}, indent=1))
    result = lint(tmp_path, lock.name, "--database", str(TESTS / "data" / "osv"))
    assert result.returncode == 1
    assert result.stdout.count("debug 4.4.2: MAL-2025-46974\n") == 1
    assert "not checked" not in result.stdout
    of_folder = {"": {}, "packages/debug": own_folder}
    lock.write_text(json.dumps({"lockfileVersion": 3, "packages": of_folder}, indent=1))
    assert lint(tmp_path, lock.name, "--database", str(TESTS / "data" / "osv")).returncode == 0


def configure(folder: Path, table: str) -> None:
    path = folder / "images.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n[lint]\n{table}\n", encoding="utf-8")


def test_images_toml_ignores_rules_and_allows_hosts(project: Path) -> None:
    (project / "bad.txt").write_text(FAULTY)
    configure(
        project,
        'ignore = ["credentials", "insecure-address", "index-option", "not-pinned"]\n'
        'allowed-hosts = ["other.example.org"]',
    )
    report = json.loads(lint(project, "bad.txt", "--format", "json").stdout)
    assert [each["rule"] for each in report["findings"]] == ["host-not-allowed"]
    assert lint(project, "bad.txt", "--allow-host", "example.org").returncode == 0


def test_known_names_are_not_look_alikes(project: Path) -> None:
    (project / "named.txt").write_text(HASHED.replace("a==", "reqeusts=="))
    assert "look-alike-name" in lint(project, "named.txt").stdout
    configure(project, 'known-names = ["reqeusts"]')
    assert lint(project, "named.txt").returncode == 0


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('ignore = ["other"]', "images.toml: lint.ignore: other: no such rule"),
        ('ignore = ["merge-marker"]', "merge-marker: this rule cannot be ignored"),
        ('allowed-hosts = ["https://example.org/"]', "lint.allowed-hosts"),
        ("ignored = []", "lint.ignored"),
    ],
)
def test_mistakes_in_images_toml_exit_with_2(project: Path, table: str, problem: str) -> None:
    configure(project, table)
    result = lint(project)
    assert (result.returncode, result.stdout) == (2, "")
    assert problem in result.stderr


def test_settings_of_lint_leave_lock_sets_current(project: Path) -> None:
    before = read_image_set(project / "images.toml")
    configure(project, 'ignore = ["sdist-only"]')
    assert read_image_set(project / "images.toml") == before


def test_packages_that_images_toml_allows_to_run_code_are_no_findings(tmp_path: Path) -> None:
    locked = ROOT / "locks" / "0.2.0"
    shutil.copytree(locked, tmp_path / "locks" / "0.2.0")
    assert lint(tmp_path, "0.2.0").returncode == 0
    lock = tmp_path / "locks" / "0.2.0" / "debian" / "package-lock.json"
    result = lint(tmp_path, str(lock))
    assert result.returncode == 1
    assert "canvas 3.2.3: runs an install script" in result.stdout


def test_the_database_that_was_fetched_is_the_default(folder: Path) -> None:
    database = folder / "cache" / "orbiter" / "osv"
    shutil.copytree(TESTS / "data" / "osv" / "npm", database / "npm")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("ORBITER_CACHE_DIR", None)
    command = [sys.executable, "-m", "orbiter", "lint", "good.txt", "--format", "json"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    report = json.loads(done.stdout)
    assert report["not_checked"] == []
    assert report["database"].startswith("sha256:")
    (file,) = report["files"]
    assert "the database has no MAL- records of PyPI" in file["notes"][0]
