import os
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.cli import network

SHOW = """
import os
from orbiter.cli.network import use_network_profile
use_network_profile()
print(os.environ.get("PIP_INDEX_URL"))
"""


def shown(folder: Path, **variables: str) -> str:
    """Return the index of a process with this folder as that of the user's configuration."""
    inherited = {"PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(folder)}
    command = [sys.executable, "-c", SHOW]
    environ = {**inherited, **variables}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=environ
    ).stdout.strip()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "orbiter" / "config.toml"
    path.parent.mkdir()
    path.write_text('[network.mirrors]\npip = "https://pypi.example.org/simple"\n', "utf-8")
    return path


@pytest.mark.usefixtures("config")
def test_the_file_of_the_user_is_used(tmp_path: Path) -> None:
    assert shown(tmp_path) == "https://pypi.example.org/simple"


@pytest.mark.usefixtures("config")
def test_a_variable_of_the_environment_counts_before_the_file(tmp_path: Path) -> None:
    other = "https://other.example.org/simple"
    assert shown(tmp_path, PIP_INDEX_URL=other) == other


def test_a_named_file_replaces_the_others(tmp_path: Path, config: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(config.read_text("utf-8").replace("pypi.", "own."), "utf-8")
    assert shown(tmp_path, ORBITER_CONFIG_FILE=str(other)) == "https://own.example.org/simple"
    assert shown(tmp_path, ORBITER_CONFIG_FILE=os.devnull) == "None"


def test_a_user_without_a_home_folder_has_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOME", "XDG_CONFIG_HOME", network.VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 2)  # an account that no system has
    monkeypatch.setattr(network, "SYSTEM_FILE", tmp_path / "config.toml")
    assert list(network._files()) == []


def test_a_mistake_ends_a_command_before_it_starts(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[network]\nprxy = "http://a"\n', "utf-8")
    command = [sys.executable, "-m", "orbiter", "init"]
    environ = {**os.environ, "ORBITER_CONFIG_FILE": str(config)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environ, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {config}:2: network.prxy: unknown key")
    assert done.stderr.endswith("\n\nhint: did you mean 'proxy'?\n")
    assert not (tmp_path / "images.toml").exists()


def test_the_schema_is_printed_despite_a_mistake(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[netwrok]\n", "utf-8")
    command = [sys.executable, "-m", "orbiter", "schema", "config.toml"]
    environ = {**os.environ, "ORBITER_CONFIG_FILE": str(config)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert '"title": "config.toml"' in done.stdout


def test_a_missing_named_file_is_an_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "orbiter", "status"]
    environ = {**os.environ, "ORBITER_CONFIG_FILE": str(tmp_path / "none.toml")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 2
    assert "none.toml: file not found\n\nhint: create it, or correct ORBITER_CONFIG_FILE" in (
        done.stderr
    )
