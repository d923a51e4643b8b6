"""The engine Poetry."""

import zipfile
from pathlib import Path

import pytest

from resolvers.pip import manager as pip
from tests.support.pip_cases import check_lock, request, versions, written


@pytest.mark.index
def test_poetry_accepts_the_written_files(tmp_path: Path) -> None:
    files = pip.resolve(request("poetry", "attrs", "jinja2; sys_platform == 'linux'"))
    folder = written(files, tmp_path)
    check = check_lock("poetry", folder)
    assert check.returncode == 0, check.stdout + check.stderr
    changed = files["pyproject.toml"].replace("attrs", "six")
    (folder / "pyproject.toml").write_text(changed, encoding="utf-8")
    assert check_lock("poetry", folder).returncode != 0


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
