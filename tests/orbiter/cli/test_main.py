"""The command line: help, exit codes, errors without a traceback, and Ctrl-C."""

import inspect
import keyword
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orbiter.cli.main import COMMANDS, SECTIONS

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.base]
apt = ["python3"]
pip = ["attrs"]
"""


def orbiter(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def error_of(result: "subprocess.CompletedProcess[str]") -> str:
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    return result.stderr


def test_help_lists_every_command_with_its_whole_summary(tmp_path: Path) -> None:
    result = orbiter(tmp_path, "--help", COLUMNS="80")
    assert result.returncode == 0
    sections = result.stdout.split("\n\n")[-len(SECTIONS) :]
    assert [section.splitlines()[0].strip() for section in sections] == [
        f"{title}:" for title in SECTIONS
    ]
    listed = [line for section in sections for line in section.splitlines()[1:]]
    assert [line.split()[0] for line in listed] == [command.name for command in COMMANDS]
    assert [line for line in listed if line.endswith("...")] == []


def test_every_command_has_a_file_of_its_name() -> None:
    for command in COMMANDS:
        assert command.name
        module = command.name.replace("-", "_")
        if keyword.iskeyword(module):
            module += "_"
        assert command.callback
        assert inspect.unwrap(command.callback).__module__ == f"orbiter.cli.{module}"


def test_init_never_overwrites(tmp_path: Path) -> None:
    assert orbiter(tmp_path, "init").returncode == 0
    written = (tmp_path / "images.toml").read_bytes()
    assert "images.toml" in error_of(orbiter(tmp_path, "init"))
    assert (tmp_path / "images.toml").read_bytes() == written


def test_check_cannot_be_combined_with_other_options(tmp_path: Path) -> None:
    result = orbiter(tmp_path, "lock", "--check", "--upgrade")
    assert "--check can only be combined with --strict" in error_of(result)


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        ("build --nope", "no such option '--nope'", "did you mean --no-cache?"),
        ("build --relese x", "no such option '--relese'", "did you mean --release?"),
        ("build -x", "no such option '-x'", "run orbiter build --help"),
        ("buil", "no such command 'buil'", "did you mean build?"),
        ("--nope", "no such option '--nope'", "run orbiter --help"),
        ("import", "missing argument 'FILE'", "run orbiter import --help"),
        ("import absent", "invalid value for 'FILE': ", "run orbiter import --help"),
        ("import imags.toml", "invalid value for 'FILE': 'imags.toml' does not", "did you mean im"),
        ("diff-locks", "missing argument 'OLD'", "name a lock file, the folder of a lock set"),
        ("bump", "missing argument '{patch|minor|major|auto}'\n\n", "choose one of patch, minor, "),
        ("bump majr", "invalid value for '{patch|minor|major|auto}': ", "did you mean major?\n"),
        ("init --builder mamba", "invalid value for '--builder': ", "did you mean micromamba?\n"),
        ("init --builder nix", "invalid value for '--builder': ", "run orbiter init --help"),
        ("build a", "got unexpected extra argument", "images are named with --image: --image a\n"),
        ("push a b", "got unexpected extra", "images are named with --image: --image a --image b"),
        ("build 0.1.0", "got unexpected", "releases are named with --release: --release 0.1.0\n"),
        ("fetch v0.1.0", "got unexpected", "releases are named with --release: --release v0.1.0\n"),
        (
            "list 0.1.0 a",
            "got unexpected extra arguments (0.1.0 a)",
            "releases are named with --release and images are named with --image: "
            "--release 0.1.0 --image a\n",
        ),
        ("fetch a", "got unexpected extra argument", "run orbiter fetch --help"),
        ("attest a", "missing option '--image'", "run orbiter attest --help"),
        ("status extra", "got unexpected extra argument", "run orbiter status --help"),
        ("build --image", "option '--image' requires an argument", "run orbiter build --help"),
        ("clean --all --stale", "--all, --stale and --release", "run orbiter clean --help"),
    ],
)
def test_usage_errors_look_like_all_other_errors(
    tmp_path: Path, words: str, error: str, hint: str
) -> None:
    (tmp_path / "images.toml").touch()
    result = orbiter(tmp_path, *words.split())
    shown = error_of(result)
    assert shown.startswith(f"error: {error}")
    assert f"\n\nhint: {hint}" in shown
    assert "Usage:" not in shown
    assert not result.stdout


def test_an_empty_word_has_no_option(tmp_path: Path) -> None:
    (tmp_path / "images.toml").touch()
    assert "\n\nhint: run orbiter build --help\n" in error_of(orbiter(tmp_path, "build", ""))


def test_orbiter_alone_shows_the_help(tmp_path: Path) -> None:
    shown = error_of(orbiter(tmp_path))
    assert shown.startswith("Usage: orbiter ")
    assert all(f"{title}:" in shown for title in SECTIONS)


@pytest.mark.parametrize("release", ["/", "..", "one", ""])
def test_a_release_is_a_semantic_version(tmp_path: Path, release: str) -> None:
    assert "is not a release" in error_of(orbiter(tmp_path, "fetch", "--release", release))


def test_file_system_errors_name_the_file(tmp_path: Path) -> None:
    with_python = IMAGES.replace(
        'from = "debian:trixie-slim"', 'from = "debian:trixie-slim"\npython = "3.13"'
    )
    (tmp_path / "images.toml").write_text(with_python)
    message = error_of(orbiter(tmp_path, "lock", "--only", "pip", ORBITER_CACHE_DIR="/dev/null/x"))
    assert "/dev/null/x" in message


def test_locking_only_pip_needs_a_python_version(tmp_path: Path) -> None:
    (tmp_path / "images.toml").write_text(IMAGES)
    result = orbiter(tmp_path, "lock", "--only", "pip")
    assert "builder.debian.python is not set" in error_of(result)


@pytest.mark.index
def test_ctrl_c_stops_the_engines_too(tmp_path: Path) -> None:
    """Replace uv with a program that runs for long, because the real one may end too early."""
    slow, started = tmp_path / "uv", tmp_path / "started"
    slow.write_text(f"#!/bin/sh\necho $$ > {started}\nexec sleep 600\n")
    slow.chmod(0o755)
    engine = 'from = "debian:trixie-slim"\npip-engine = "uv"\npython = "3.13"'
    (tmp_path / "images.toml").write_text(IMAGES.replace('from = "debian:trixie-slim"', engine))
    script = (
        "from resolvers import uv_program; "
        f"uv_program.program = lambda: {str(slow)!r}; "
        "from orbiter.cli.main import main; main()"
    )
    command = [sys.executable, "-c", script, "lock", "--only", "pip"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while not (started.exists() and started.read_text()) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "interrupted" in stderr
    assert not Path("/proc", started.read_text().strip()).exists()


def test_a_program_that_starts_while_all_are_stopped_stops_too(tmp_path: Path) -> None:
    script = "from resolvers import process; process.terminate_all(); process.run(['sleep', '60'])"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, timeout=300, check=False
    )
    assert b"ProgramError" in result.stderr
