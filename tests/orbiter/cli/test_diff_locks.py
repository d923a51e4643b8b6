"""diff-locks and log as commands: what is named, what is shown, how they end."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import TESTS

PAIRS = TESTS / "data" / "locks" / "pairs"
OLD = (
    "flask==3.0.0 \\\n    --hash=sha256:"
    + "a" * 64
    + "\nclick==8.1.0 \\\n    --hash=sha256:"
    + "b" * 64
    + "\n"
)
NEW = OLD.replace("flask==3.0.0", "flask==3.1.0").replace("a" * 64, "c" * 64)


def orbiter(place: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command, cwd=place, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def git(place: Path, *words: str, **env: str) -> None:
    who = {
        f"GIT_{role}_{what}": "a@b.invalid"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    subprocess.run(
        ["git", *words],
        cwd=place,
        env={**os.environ, **who, **env},
        check=True,
        capture_output=True,
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "old.txt").write_text(OLD)
    (tmp_path / "new.txt").write_text(NEW)
    return tmp_path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A lock file in a folder, with three tags; it is new in the second and the same in the third."""
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


def test_two_files(place: Path) -> None:
    done = orbiter(place, "diff-locks", "old.txt", "new.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"flask +3\.0\.0 → 3\.1\.0", done.stdout)
    assert "click" not in done.stdout


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
def test_exit_codes(place: Path, words: tuple[str, ...], code: int) -> None:
    assert orbiter(place, "diff-locks", "old.txt", "new.txt", *words).returncode == code


def test_an_altered_package_always_fails_and_is_called_out_in_every_format(place: Path) -> None:
    (place / "altered.txt").write_text(OLD.replace("a" * 64, "d" * 64))
    for form in ("text", "markdown", "json", "html"):
        done = orbiter(
            place, "diff-locks", "old.txt", "altered.txt", "--format", form, "--fail-on", "removed"
        )
        assert done.returncode == 1
        assert "altered" in done.stdout.lower()


def test_a_reader_that_has_seen_enough_is_no_error(place: Path) -> None:
    for which in ("old", "new"):
        packed = (
            PAIRS / "conda-lock" / "02-ml-next-day" / f"{which}.conda-lock.yml.gz"
        ).read_bytes()
        (place / f"{which}.yml").write_bytes(gzip.decompress(packed))
    words = [
        sys.executable,
        "-m",
        "orbiter",
        "diff-locks",
        "old.yml",
        "new.yml",
        "--format",
        "json",
    ]
    with subprocess.Popen(
        words, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_what_was_not_asked_for_is_counted(place: Path) -> None:
    done = orbiter(place, "diff-locks", "old.txt", "new.txt", "--kind", "removed")
    assert done.stdout.startswith(
        "old.txt → new.txt: no such change; 1 other change left out; 1 unchanged\n"
    )


def test_formats(place: Path) -> None:
    found = json.loads(
        orbiter(place, "diff-locks", "old.txt", "new.txt", "--format", "json").stdout
    )
    assert found["format"] == 1
    assert "| " in orbiter(place, "diff-locks", "old.txt", "new.txt", "--format", "markdown").stdout
    assert orbiter(place, "diff-locks", "old.txt", "new.txt", "--format", "html").stdout.startswith(
        "<!DOCTYPE html>"
    )


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_table_fits_the_window(place: Path, columns: int) -> None:
    for which in ("old", "new"):
        packed = (
            PAIRS / "conda-lock" / "02-ml-next-day" / f"{which}.conda-lock.yml.gz"
        ).read_bytes()
        (place / f"{which}.yml").write_bytes(gzip.decompress(packed))
    done = orbiter(place, "diff-locks", "old.yml", "new.yml", "--all", COLUMNS=str(columns))
    assert max(map(len, done.stdout.splitlines())) <= columns
    assert "\x1b" not in done.stdout


def test_git_revisions(repository: Path) -> None:
    done = orbiter(repository, "diff-locks", "v2:requirements.txt", "requirements.txt")
    assert "3.0.0 → 3.1.0" in done.stdout
    assert (
        "3.0.0 → 3.1.0"
        in orbiter(
            repository, "diff-locks", "v2:./requirements.txt", "HEAD:requirements.txt"
        ).stdout
    )
    for name, words in (
        ("v9:requirements.txt", "v9"),
        ("v1:requirements.txt", "requirements.txt"),
        ("v2:", "is not a release"),
    ):
        done = orbiter(repository, "diff-locks", name, "requirements.txt")
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_bytes_of_a_git_revision_are_not_guessed(repository: Path) -> None:
    (repository / "requirements.txt").write_bytes(OLD.encode() + b"\n# \xe9\n")
    git(repository, "commit", "--quiet", "-am", "latin 1")
    done = orbiter(repository, "diff-locks", "HEAD:requirements.txt", "v2:requirements.txt")
    assert done.returncode == 2
    assert "HEAD:requirements.txt:6: this is no text in UTF-8" in done.stderr


def test_revisions_may_hold_colons(repository: Path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "fix: all")
    for name in ("HEAD^{/fix: all}:requirements.txt", ":requirements.txt"):
        assert (
            "3.0.0 → 3.1.0" in orbiter(repository, "diff-locks", "v2:requirements.txt", name).stdout
        )


@pytest.mark.parametrize("name", ["/dev/zero", "nowhere.lock", "9.9.9", "", ".", "-x:y", ":"])
def test_what_is_not_there_is_an_expected_error(place: Path, name: str) -> None:
    done = orbiter(place, "diff-locks", "--", name, "new.txt")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "hint: " in done.stderr


def test_an_image_that_neither_side_has_is_an_error(place: Path) -> None:
    done = orbiter(place, "diff-locks", "old.txt", "new.txt", "--image", "base")
    assert done.returncode == 2
    assert "neither side has the image 'base'" in done.stderr


def test_the_schema_describes_the_json(place: Path) -> None:
    import jsonschema

    schema = json.loads(orbiter(place, "schema", "diff-locks").stdout)
    found = json.loads(
        orbiter(place, "diff-locks", "old.txt", "new.txt", "--format", "json").stdout
    )
    jsonschema.validate(found, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**found, "changes": [{}]}, schema)


def test_log_over_the_tags_of_a_repository(repository: Path) -> None:
    done = orbiter(repository, "log", "Flask", "--git", "requirements.txt")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "flask (pip)", "  v2  2026-02-01  added      3.0.0", "  v3  2026-03-01  upgraded   3.0.0 → 3.1.0",
    ]  # fmt: skip
    git(repository, "tag", "v0-blob", "HEAD:./README")
    (repository / "requirements.txt").write_text("<<<<<<< ours\n")
    git(
        repository,
        "commit",
        "--quiet",
        "-am",
        "half merged",
        GIT_COMMITTER_DATE="2026-05-01T00:00:00Z",
    )
    git(repository, "tag", "v5")
    again = orbiter(repository, "log", "flask", "--git", str(repository / "requirements.txt"))
    assert again.stdout == done.stdout
    assert again.stderr == "skipped: v5:requirements.txt:1: unresolved merge conflict\n"
    outside = orbiter(repository.parent.parent, "log", "flask", "--git", "requirements.txt")
    assert "this folder is in no git repository" in outside.stderr
    for words in (
        ("numpy", "--git", "requirements.txt"),
        ("flask", "--git", "nowhere.txt"),
        ("flask",),
    ):
        done = orbiter(repository, "log", *words)
        assert done.returncode == 2
        assert "hint: " in done.stderr


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
    done = orbiter(tmp_path, "lock", "--only", "pip", "--as-of", "2025-06-01", "--upgrade")
    assert done.returncode == 0, done.stderr
    done = orbiter(tmp_path, "diff-locks", "0.1.0", "0.2.0")
    assert done.stdout.startswith("0.1.0 → 0.2.0: 1 added, 1 upgraded"), done.stderr
    assert "suggested release: 0.2.0 (minor" in done.stdout
    assert re.search(r"attrs +23\.2\.0 → 25\.3\.0", done.stdout)
    assert orbiter(tmp_path, "diff-locks", "0.1.0").stdout == done.stdout  # images.toml is at 0.2.0
    assert orbiter(tmp_path, "diff-locks", "locks/0.1.0", "0.2.0").returncode == 0
    told = orbiter(tmp_path, "log", "attrs").stdout.splitlines()
    assert told == [
        "attrs (pip)", "  0.1.0  2024-06-01  added      23.2.0", "  0.2.0  2025-06-01  upgraded   23.2.0 → 25.3.0",
    ]  # fmt: skip
    assert orbiter(tmp_path, "log", "numpy").returncode == 2


def test_the_choices_are_the_kinds_that_there_are() -> None:
    from orbiter.cli import diff_locks
    from orbiter.diff import types

    assert diff_locks.KINDS == types.KINDS
