"""The wheel works in clean environments, installed as users install it."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = [pytest.mark.index, pytest.mark.slow]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (path,) = folder.glob("*.whl")
    return path


def run(*command: str, cwd: Path, **variables: str) -> str:
    """Run a program without the variables of this environment, and return its output."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "UV_", "ORBITER_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    process = subprocess.run(
        command, cwd=cwd, env=env | variables, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def check_installed(orbiter: Path, folder: Path) -> None:
    """Run commands that need the starter and the templates of the wheel, and its dependencies."""
    assert run(str(orbiter), "--version", cwd=folder) == f"orbiter, version {version('orbiter')}\n"
    run(str(orbiter), "init", cwd=folder)
    assert (folder / "images.toml").exists()
    shutil.copytree(ROOT / "locks/0.2.0", folder / "locks/0.2.0")
    bill = json.loads(run(str(orbiter), "sbom", "--release", "0.2.0", cwd=folder))
    assert len(bill["components"]) > 300
    assert run(str(orbiter), "lint", "0.2.0", cwd=folder).startswith("no findings")


def test_pip_installs_it(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    run("env/bin/python", "-m", "pip", "install", "-q", "--no-compile", str(wheel), cwd=tmp_path)
    run("env/bin/python", "-m", "pip", "check", cwd=tmp_path)
    check_installed(tmp_path / "env/bin/orbiter", tmp_path)


def test_uv_installs_it_as_a_tool(wheel: Path, tmp_path: Path) -> None:
    folders = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    uv = str(Path(sys.executable).with_name("uv"))
    run(
        uv, "tool", "install", "-q", "--python", sys.executable, str(wheel), cwd=tmp_path, **folders
    )
    check_installed(tmp_path / "bin/orbiter", tmp_path)


def test_pipx_runs_it(wheel: Path, tmp_path: Path) -> None:
    pipx = str(Path(sys.executable).with_name("pipx"))
    home = {"PIPX_HOME": str(tmp_path / "pipx")}
    command = (pipx, "run", "--python", sys.executable, "--spec", str(wheel), "orbiter")
    assert "diff-locks" in run(*command, "--help", cwd=tmp_path, **home)
