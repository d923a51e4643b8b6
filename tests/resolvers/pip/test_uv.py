import subprocess
import sys
from pathlib import Path

import pytest

from resolvers import uv_program
from resolvers.index import index
from resolvers.pip import manager as pip
from resolvers.pip import uv
from tests.support.pip_cases import AMD64, ARM64, request, versions, written

LOCK = """
version = 1

[[package]]
name = "orbiter-image"
version = "0"
source = { virtual = "." }

[package.dev-dependencies]
build = [
    { name = "a", extra = ["fast"] },
    { name = "fork", version = "1", marker = "platform_machine == 'x86_64'" },
    { name = "fork", version = "2", marker = "platform_machine == 'aarch64'" },
]

[[package]]
name = "a"
version = "1"
dependencies = [{ name = "b", marker = "sys_platform == 'win32'" }, { name = "c" }]

[package.optional-dependencies]
fast = [{ name = "d" }]
slow = [{ name = "b" }]

[[package]]
name = "b"
version = "1"

[[package]]
name = "c"
version = "1"
dependencies = [{ name = "a" }]

[[package]]
name = "d"
version = "1"

[[package]]
name = "fork"
version = "1"
resolution-markers = ["platform_machine == 'x86_64'"]

[[package]]
name = "fork"
version = "2"
resolution-markers = ["platform_machine == 'aarch64'"]
"""
FILES = {"uv.lock": LOCK}


def test_the_graph_is_walked_with_markers_extras_and_forks() -> None:
    amd64 = uv.chosen(FILES, AMD64, frozenset({"build"}))
    arm64 = uv.chosen(FILES, ARM64, frozenset({"build"}))
    assert {(package.name, package.version) for package in amd64} == {
        ("a", "1"),
        ("c", "1"),
        ("d", "1"),
        ("fork", "1"),
    }
    assert {(package.name, package.version) for package in arm64} == {
        ("a", "1"),
        ("c", "1"),
        ("d", "1"),
        ("fork", "2"),
    }


def test_groups_are_those_that_lead_to_a_package_anywhere() -> None:
    groups = {(package.name, package.version): package.groups for package in uv.read(FILES)}
    found = [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("fork", "1"), ("fork", "2")]
    assert groups == dict.fromkeys(found, ("build",))


def test_locks_are_freed_of_addresses() -> None:
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


def test_uv_is_told_pips_indexes_in_pips_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "https://one.invalid/simple")
    monkeypatch.setenv(
        "PIP_EXTRA_INDEX_URL", "https://two.invalid/simple https://three.invalid/simple"
    )
    monkeypatch.setenv("PIP_FIND_LINKS", "/a /b")
    monkeypatch.setenv("PIP_CERT", "/certificates.pem")
    told = uv_program.environment()
    assert told["UV_INDEX"] == "https://one.invalid/simple https://two.invalid/simple"
    assert told["UV_DEFAULT_INDEX"] == "https://three.invalid/simple"
    assert told["UV_FIND_LINKS"] == "/a,/b"
    assert told["SSL_CERT_FILE"] == "/certificates.pem"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert uv_program.environment()["UV_NO_INDEX"] == "1"


@pytest.mark.index
def test_uv_itself_accepts_what_is_written(tmp_path: Path) -> None:
    files = pip.resolve(request("uv", "attrs", "jinja2"))
    folder = written(files, tmp_path)
    check = [
        uv_program.program(),
        "lock",
        "--check",
        "--offline",
        "--no-config",
        "--python",
        sys.executable,
    ]
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "pyproject.toml").write_text(
        files["pyproject.toml"].replace("attrs", "six"), encoding="utf-8"
    )
    assert subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode != 0


@pytest.mark.index
def test_no_setting_of_uv_plays_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = pip.resolve(request("uv", "attrs"))
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    for name in ("UV_INDEX_URL", "UV_INDEX", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(name, "https://a.invalid/simple")
    assert pip.resolve(request("uv", "attrs")) == plain


@pytest.mark.index
def test_an_extra_index_without_times_is_no_obstacle(
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
