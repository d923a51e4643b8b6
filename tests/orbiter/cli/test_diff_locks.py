"""The commands diff-locks and log: arguments, output and exit codes."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.support.paths import ROOT, TESTS

PAIRS = TESTS / "data" / "locks" / "pairs"
OLD = f"""\
flask==3.0.0 \\
    --hash=sha256:{"a" * 64}
click==8.1.0 \\
    --hash=sha256:{"b" * 64}
"""
NEW = OLD.replace("flask==3.0.0", "flask==3.1.0").replace("a" * 64, "c" * 64)


def orbiter(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def diff(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return orbiter(folder, "diff-locks", *words, **env)


def git(folder: Path, *words: str, **env: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", *words]
    subprocess.run(command, cwd=folder, env={**os.environ, **env}, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old.txt").write_text(OLD)
    (tmp_path / "new.txt").write_text(NEW)
    return tmp_path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Commit a lock file under four tags: missing, added, changed and unchanged."""
    folder = tmp_path / "repository" / "locks of mine"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / "README").write_text("empty\n")
    for number, text in enumerate(("", OLD, NEW, NEW), start=1):
        if text:
            (folder / "requirements.txt").write_text(text)
        git(folder, "add", ".")
        moment = f"2026-0{number}-01T00:00:00Z"
        git(folder, "commit", "--quiet", "--allow-empty", "-m", "x", GIT_COMMITTER_DATE=moment)
        git(folder, "tag", f"v{number}")
    return folder


def test_two_files(folder: Path) -> None:
    result = diff(folder, "old.txt", "new.txt")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.search(r"flask +3\.0\.0 → 3\.1\.0", result.stdout)
    assert "click" not in result.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 0),
        (("--exit-code",), 1),
        (("--fail-on", "major"), 0),
        (("--exit-code", "--fail-on", "major"), 0),
        (("--fail-on", "major", "--fail-on", "any"), 1),
        (("--exit-code", "--manager", "npm"), 0),
        (("--exit-code", "--kind", "removed"), 0),
    ],
)
def test_exit_codes(folder: Path, words: tuple[str, ...], code: int) -> None:
    assert diff(folder, "old.txt", "new.txt", *words).returncode == code


def test_an_altered_package_always_fails_and_is_named_in_every_format(folder: Path) -> None:
    (folder / "altered.txt").write_text(OLD.replace("a" * 64, "d" * 64))
    for form in ("text", "markdown", "json", "html"):
        result = diff(folder, "old.txt", "altered.txt", "--format", form, "--fail-on", "removed")
        assert result.returncode == 1
        assert "altered" in result.stdout.lower()


def unpack_large_pair(folder: Path) -> None:
    for side in ("old", "new"):
        pair = PAIRS / "conda-lock" / "02-ml-next-day"
        content = gzip.decompress((pair / f"{side}.conda-lock.yml.gz").read_bytes())
        (folder / f"{side}.yml").write_bytes(content)


def test_changes_that_are_not_requested_are_counted(folder: Path) -> None:
    result = diff(folder, "old.txt", "new.txt", "--kind", "removed")
    assert result.stdout.startswith(
        "old.txt → new.txt: no such change; 1 other change left out; 1 unchanged\n"
    )


def test_formats(folder: Path) -> None:
    text, markdown, html = (
        diff(folder, "old.txt", "new.txt", "--format", form).stdout
        for form in ("json", "markdown", "html")
    )
    assert json.loads(text)["format"] == 1
    assert "| " in markdown
    assert html.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_table_fits_the_window(folder: Path, columns: int) -> None:
    unpack_large_pair(folder)
    result = diff(folder, "old.yml", "new.yml", "--all", COLUMNS=str(columns))
    assert max(map(len, result.stdout.splitlines())) <= columns
    assert "\x1b" not in result.stdout


def test_git_revisions(repository: Path) -> None:
    for old, new in (
        ("v2:requirements.txt", "requirements.txt"),
        ("v2:./requirements.txt", "HEAD:requirements.txt"),
    ):
        assert "3.0.0 → 3.1.0" in diff(repository, old, new).stdout
    for name, message in (
        ("v9:requirements.txt", "v9"),
        ("v1:requirements.txt", "requirements.txt"),
        ("v2:", "'v2:' not found: there is no such release"),
    ):
        result = diff(repository, name, "requirements.txt")
        assert result.returncode == 2
        assert message in result.stderr
        assert "Traceback" not in result.stderr


def test_the_folder_of_a_lock_set_at_a_git_revision(tmp_path: Path) -> None:
    locks = tmp_path / "repository" / "project" / "locks"
    for release in ("0.1.0", "0.2.0"):
        shutil.copytree(ROOT / "locks" / release, locks / release)
    git(tmp_path / "repository", "init", "--quiet")
    git(tmp_path / "repository", "config", "core.autocrlf", "true")
    git(tmp_path / "repository", "add", "--force", ".")
    git(tmp_path / "repository", "commit", "--quiet", "-m", "x")
    git(tmp_path / "repository", "tag", "v1")
    project = locks.parent
    expected = diff(project, "locks/0.1.0", "locks/0.2.0", "--format", "json").stdout
    shutil.rmtree(locks / "0.1.0")
    for name in ("v1:locks/0.1.0", "v1:./locks/0.1.0/"):
        result = diff(project, name, "locks/0.2.0", "--format", "json")
        assert result.stdout.replace(name, "locks/0.1.0") == expected
    same = diff(project, "v1:locks/0.2.0", "locks/0.2.0", "--exit-code")
    assert (same.returncode, same.stderr) == (0, "")
    (locks / "0.2.0" / "lockset.toml").unlink()
    git(tmp_path / "repository", "commit", "--quiet", "--all", "-m", "y")
    broken = diff(project, "HEAD:locks/0.2.0", "v1:locks/0.2.0")
    assert broken.returncode == 2
    assert "error: no lock set in HEAD:locks/0.2.0" in broken.stderr


def test_bytes_of_a_git_revision_are_not_guessed(repository: Path) -> None:
    (repository / "requirements.txt").write_bytes(OLD.encode() + b"\n# \xe9\n")
    git(repository, "commit", "--quiet", "-am", "latin 1")
    result = diff(repository, "HEAD:requirements.txt", "v2:requirements.txt")
    assert result.returncode == 2
    assert "HEAD:requirements.txt:6: not UTF-8 text" in result.stderr


def test_revisions_may_contain_colons(repository: Path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "fix: all")
    for name in ("HEAD^{/fix: all}:requirements.txt", ":requirements.txt"):
        assert "3.0.0 → 3.1.0" in diff(repository, "v2:requirements.txt", name).stdout


@pytest.mark.parametrize("name", ["/dev/zero", "nowhere.lock", "9.9.9", "", ".", "-x:y", ":"])
def test_a_missing_file_is_an_expected_error(folder: Path, name: str) -> None:
    result = diff(folder, "--", name, "new.txt")
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert "hint: " in result.stderr


def test_an_image_that_neither_side_has_is_an_error(folder: Path) -> None:
    result = diff(folder, "old.txt", "new.txt", "--image", "base")
    assert result.returncode == 2
    assert "neither side has the image 'base'" in result.stderr


def test_the_schema_describes_the_json(folder: Path) -> None:
    import jsonschema

    schema = json.loads(orbiter(folder, "schema", "diff-locks").stdout)
    report = json.loads(diff(folder, "old.txt", "new.txt", "--format", "json").stdout)
    jsonschema.validate(report, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**report, "changes": [{}]}, schema)


def test_log_over_the_tags_of_a_repository(repository: Path) -> None:
    result = orbiter(repository, "log", "Flask", "--git", "requirements.txt")
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "flask (pip)",
        "  v2  2026-02-01  added      3.0.0",
        "  v3  2026-03-01  upgraded   3.0.0 → 3.1.0",
    ]
    git(repository, "tag", "v0-blob", "HEAD:./README")
    (repository / "requirements.txt").write_text("<<<<<<< ours\n")
    moment = "2026-05-01T00:00:00Z"
    git(repository, "commit", "--quiet", "-am", "half merged", GIT_COMMITTER_DATE=moment)
    git(repository, "tag", "v5")
    again = orbiter(repository, "log", "flask", "--git", str(repository / "requirements.txt"))
    assert again.stdout == result.stdout
    assert again.stderr == "skipped: v5:requirements.txt:1: unresolved merge conflict\n"
    outside = orbiter(repository.parent.parent, "log", "flask", "--git", "requirements.txt")
    assert "the current folder is not in a git repository" in outside.stderr
    for words in (
        ("numpy", "--git", "requirements.txt"),
        ("flask", "--git", "nowhere.txt"),
        ("flask",),
    ):
        result = orbiter(repository, "log", *words)
        assert result.returncode == 2
        assert "hint: " in result.stderr


IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
python = "3.13"
pip-engine = "uv"
[image.debian.base.build]
pip = ["attrs"]
[image.debian.base]
"""


@pytest.mark.index
def test_releases_and_their_log(tmp_path: Path) -> None:
    images = tmp_path / "images.toml"
    images.write_text(IMAGES)
    assert orbiter(tmp_path, "lock", "--only", "pip", "--as-of", "2024-06-01").returncode == 0
    images.write_text(IMAGES.replace("0.1.0", "0.2.0").replace('"attrs"', '"attrs", "idna"'))
    result = orbiter(tmp_path, "lock", "--only", "pip", "--as-of", "2025-06-01", "--upgrade")
    assert result.returncode == 0, result.stderr
    result = diff(tmp_path, "0.1.0", "0.2.0")
    assert result.stdout.startswith("0.1.0 → 0.2.0: 1 added, 1 upgraded"), result.stderr
    assert "suggested release: 0.2.0 (minor" in result.stdout
    assert re.search(r"attrs +23\.2\.0 → 25\.3\.0", result.stdout)
    assert diff(tmp_path, "0.1.0").stdout == result.stdout  # images.toml is at 0.2.0
    assert diff(tmp_path, "locks/0.1.0", "0.2.0").returncode == 0
    assert orbiter(tmp_path, "log", "attrs").stdout.splitlines() == [
        "attrs (pip)",
        "  0.1.0  2024-06-01  added      23.2.0",
        "  0.2.0  2025-06-01  upgraded   23.2.0 → 25.3.0",
    ]
    assert orbiter(tmp_path, "log", "numpy").returncode == 2


def test_the_choices_are_the_kinds_of_change() -> None:
    from orbiter.cli import diff_locks
    from orbiter.diff import types

    assert diff_locks.KINDS == types.KINDS


def pair(folder: Path, name: str) -> tuple[str, str]:
    """Write the two sides of a real pair, and return their names."""
    new, old = sorted((PAIRS / name).glob("*.gz"))
    for path in (old, new):
        (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    return old.stem, new.stem


def test_licences_and_findings_are_reported_in_each_format(tmp_path: Path) -> None:
    sides = pair(tmp_path, "pixi/05-pixi-v5-to-v6")
    words = (*sides, "--licences", "--lint", "--format")
    for form, title in (("text", "New licences ("), ("markdown", "### New licences (")):
        shown = diff(tmp_path, *words, form).stdout
        assert title in shown
        assert "0BSD: " in shown
        assert "not checked: malicious-version" in shown
    page = diff(tmp_path, *words, "html").stdout
    assert '<h2 id="licences">Licences</h2>' in page
    assert '<h2 id="lint">Findings of orbiter lint</h2>' in page
    report = json.loads(diff(tmp_path, *words, "json").stdout)
    assert report["lint"]["new"] == []
    assert {"0BSD", "NCSA"} < {each["licence"] for each in report["licences"]["introduced"]}
    jsonschema.validate(report, json.loads(orbiter(tmp_path, "schema", "diff-locks").stdout))
    plain = json.loads(diff(tmp_path, *sides, "--format", "json").stdout)
    assert not plain.keys() & {"licences", "lint"}


def test_a_denied_licence_and_a_new_finding_fail(tmp_path: Path) -> None:
    sides = pair(tmp_path, "package-lock/05-lonboard")
    (tmp_path / "images.toml").write_bytes((ROOT / "images.toml").read_bytes())
    assert diff(tmp_path, *sides, "--licences", "--fail-on", "denied").returncode == 0
    assert diff(tmp_path, *sides, "--lint", "--fail-on", "lint").returncode == 1
    assert diff(tmp_path, *sides[:1] * 2, "--lint", "--fail-on", "lint").returncode == 0
    with (tmp_path / "images.toml").open("a") as file:
        file.write('\n[licences]\ndeny = ["CC0-1.0"]\n')
    done = diff(tmp_path, *sides, "--licences", "--fail-on", "denied")
    assert done.returncode == 1
    assert "Denied licences (" in done.stdout
    wrong = diff(tmp_path, *sides, "--fail-on", "denied")
    assert wrong.returncode == 2
    assert "--fail-on denied needs --licences" in wrong.stderr


def test_findings_of_a_git_revision_are_compared(repository: Path) -> None:
    revision = "v3:requirements.txt"
    changes = repository / "requirements.txt"
    changes.write_text(f"--index-url https://example.org/simple\n{changes.read_text()}")
    report = json.loads(
        diff(repository, revision, changes.name, "--lint", "--format", "json").stdout
    )
    assert [each["rule"] for each in report["lint"]["new"]] == ["index-option"]
