"""The engine Poetry."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from resolvers.pip import manager as pip
from resolvers.pip import poetry
from tests.support.pip_cases import request, versions, written


@pytest.mark.index
def test_poetry_accepts_the_written_files(tmp_path: Path) -> None:
    pip_request = request("poetry", "attrs", "jinja2; sys_platform == 'linux'")
    files = pip.resolve(pip_request)
    folder = written(files, tmp_path)
    python = poetry.interpreter(pip_request.progress)
    check = [python, "-m", "poetry", "check", "--lock", "--no-interaction"]
    completed = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    (folder / "pyproject.toml").write_text(
        files["pyproject.toml"].replace("attrs", "six"), encoding="utf-8"
    )
    completed = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert completed.returncode != 0


@pytest.mark.index
def test_settings_of_poetry_do_not_change_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    pip_request = request("poetry", "attrs")
    plain = pip.resolve(pip_request)
    monkeypatch.setenv("POETRY_SOLVER_MIN_RELEASE_AGE", "9999")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # the index proxy is on loopback
    assert pip.resolve(pip_request) == plain


@pytest.mark.index
def test_wheels_in_find_links_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "orbiter_test_only-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        text = "Metadata-Version: 2.1\nName: orbiter-test-only\nVersion: 1.0\nRequires-Dist: six\n"
        archive.writestr("orbiter_test_only-1.0.dist-info/METADATA", text)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    files = pip.resolve(request("poetry", "orbiter-test-only", as_of=None))
    assert set(versions(files)) == {"orbiter-test-only", "six"}
