import subprocess
import zipfile
from pathlib import Path

import pytest

from resolvers.pip import manager as pip
from resolvers.pip import poetry
from resolvers.types import Target
from tests.support.pip_cases import AMD64, ARM64, request, versions, written

LOCK = """
[[package]]
name = "Both"
version = "1"
groups = ["core", "base-build"]
markers = {core = "sys_platform == \\"win32\\"", base-build = "platform_machine == \\"aarch64\\""}
files = []

[[package]]
name = "free"
version = "2"
groups = ["core", "base-build"]
markers = {base-build = "sys_platform == \\"win32\\""}
files = []

[package.dependencies]
Some_Thing = "*"
"""


def names(target: Target, *groups: str) -> list[str]:
    chosen = poetry.chosen({"poetry.lock": LOCK}, target, frozenset(groups))
    return [package.name for package in chosen]


def test_markers_count_group_by_group() -> None:
    assert names(AMD64, "core") == ["free"]
    assert names(AMD64, "base-build") == []
    assert names(ARM64, "base-build") == ["both"]
    assert names(ARM64, "core", "base-build") == ["both", "free"]


def test_names_are_normalised() -> None:
    both, free = poetry.read({"poetry.lock": LOCK})
    assert both.name == "both"
    assert free.requires == ("some-thing",)


@pytest.mark.index
def test_poetry_itself_accepts_what_is_written(tmp_path: Path) -> None:
    asked = request("poetry", "attrs", "jinja2; sys_platform == 'linux'")
    files = pip.resolve(asked)
    folder = written(files, tmp_path)
    python = poetry._interpreter(asked)
    check = [python, "-m", "poetry", "check", "--lock", "--no-interaction"]
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "pyproject.toml").write_text(
        files["pyproject.toml"].replace("attrs", "six"), encoding="utf-8"
    )
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0


@pytest.mark.index
def test_no_configuration_of_poetry_plays_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request("poetry", "attrs")
    plain = pip.resolve(asked)
    monkeypatch.setenv("POETRY_SOLVER_MIN_RELEASE_AGE", "9999")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # the view is on the loopback
    assert pip.resolve(asked) == plain


@pytest.mark.index
def test_wheels_of_find_links_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "orbiter_test_only-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        text = "Metadata-Version: 2.1\nName: orbiter-test-only\nVersion: 1.0\nRequires-Dist: six\n"
        archive.writestr("orbiter_test_only-1.0.dist-info/METADATA", text)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    files = pip.resolve(request("poetry", "orbiter-test-only", as_of=None))
    assert set(versions(files)) == {"orbiter-test-only", "six"}
