"""The engine uv and the program uv."""

import re
from pathlib import Path

import pytest

from resolvers import uv_program
from resolvers.index import index
from resolvers.pip import manager as pip
from resolvers.pip import uv
from tests.support.pip_cases import check_lock, request, versions, written


def test_addresses_are_removed_from_locks() -> None:
    text = """[options]
exclude-newer = "2025-01-01T00:00:00Z"

[[package]]
source = { registry = "https://user:secret@a.invalid/simple" }
sdist = { url = "https://a.invalid/x/y/x-1%2Bcpu.tar.gz", hash = "sha256:00" }
wheels = [
    { path = "../../wheels/x-1-py3-none-any.whl", hash = "sha256:00" },
]
"""
    assert (
        uv._portable(text)
        == """[[package]]
source = { registry = "artifacts" }
sdist = { path = "x-1+cpu.tar.gz", hash = "sha256:00" }
wheels = [
    { path = "x-1-py3-none-any.whl", hash = "sha256:00" },
]
"""
    )


def test_uv_receives_the_indexes_in_the_order_of_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "https://one.invalid/simple")
    monkeypatch.setenv(
        "PIP_EXTRA_INDEX_URL", "https://two.invalid/simple https://three.invalid/simple"
    )
    monkeypatch.setenv("PIP_FIND_LINKS", "/a /b")
    monkeypatch.setenv("PIP_CERT", "/certificates.pem")
    variables = uv_program.environment()
    assert variables["UV_INDEX"] == "https://one.invalid/simple https://two.invalid/simple"
    assert variables["UV_DEFAULT_INDEX"] == "https://three.invalid/simple"
    assert variables["UV_FIND_LINKS"] == "/a,/b"
    assert variables["SSL_CERT_FILE"] == "/certificates.pem"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert uv_program.environment()["UV_NO_INDEX"] == "1"


@pytest.mark.index
def test_uv_accepts_the_written_files(tmp_path: Path) -> None:
    files = pip.resolve(request("uv", "attrs", "jinja2"))
    folder = written(files, tmp_path)
    check = check_lock("uv", folder)
    assert check.returncode == 0, check.stderr
    changed = files["pyproject.toml"].replace("attrs", "six")
    (folder / "pyproject.toml").write_text(changed, encoding="utf-8")
    assert check_lock("uv", folder).returncode != 0


@pytest.mark.index
def test_settings_of_uv_do_not_change_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = pip.resolve(request("uv", "attrs"))
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    for name in ("UV_INDEX_URL", "UV_INDEX", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(name, "https://a.invalid/simple")
    assert pip.resolve(request("uv", "attrs")) == plain


@pytest.mark.index
def test_an_extra_index_without_upload_times_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "attrs").mkdir()
    (tmp_path / "attrs" / "index.html").write_text(
        '<a href="attrs-99-py3-none-any.whl">attrs-99-py3-none-any.whl</a>'
    )
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", tmp_path.as_uri())
    assert len(index.configured().urls) == 2
    for engine in ("uv", "poetry"):
        assert versions(pip.resolve(request(engine, "attrs"))) == {"attrs": "24.3.0"}


@pytest.mark.parametrize(
    ("names", "manifest"),
    [
        (
            {"a", "c"},
            "[manifest]\nconstraints = [\n"
            '    { name = "a", specifier = "==1" },\n    { name = "c" },\n]\n\n',
        ),
        ({"c"}, '[manifest]\nconstraints = [{ name = "c" }]\n\n'),
        (set(), ""),
    ],
)
def test_constraints_are_written_like_uv_writes_them(names: set[str], manifest: str) -> None:
    lines = '    { name = "a", specifier = "==1" },\n    { name = "b" },\n    { name = "c" },\n'
    rest = '[[package]]\nname = "a"\nversion = "1"\n\n[[package]]\nname = "d"\n'
    text = f"version = 1\n\n[manifest]\nconstraints = [\n{lines}]\n\n{rest}"
    overrides = text.replace("]\n\n[[", ']\noverrides = [{ name = "b" }]\n\n[[', 1)

    def is_kept(constraint: "re.Match[str]") -> bool:
        return constraint[1] in names

    assert uv._with_constraints(text, is_kept) == f"version = 1\n\n{manifest}{rest}"
    assert uv._with_constraints(rest, is_kept) == rest
    kept = manifest.removesuffix("\n") or "[manifest]\n"
    assert uv._with_constraints(overrides, is_kept) == (
        f'version = 1\n\n{kept}overrides = [{{ name = "b" }}]\n\n{rest}'
    )
