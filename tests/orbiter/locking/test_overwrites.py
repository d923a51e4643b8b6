"""Packages that replace each other's files are refused, unless images.toml says which one wins."""

import hashlib
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from resolvers import uv_program
from tests.support.conda_packages import CondaPackage, channel, package

PIP = """
version = "0.1.0"
repository = "a/b"

[builder.debian]
from = "debian:trixie-slim"
python = "3.13"
pip-engine = "uv"                  # the index of the project does not have Poetry
{builder}

[image.debian.core]
[image.debian.base]
[image.debian.base.build]
pip = [{base}]

[image.debian.more]
[image.debian.more.build]
from = "base-build"
pip = [{more}]
"""
CONDA = """
version = "0.1.0"
repository = "a/b"

[builder.micromamba]
channels = ["{channel}"]
installer = "rattler"
{builder}

[image.micromamba.base]
[image.micromamba.base.build]
conda = ["aaa", "bbb"]
"""


def orbiter(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    variables = {**os.environ, "DOCKER_HOST": "unix:///nowhere.sock", **env}
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def wheel(folder: Path, name: str, files: Mapping[str, str], scripts: str = "") -> None:
    info = f"{name}-1.dist-info"
    everything = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": scripts,
    }
    record = ""
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as archive:
        for path, text in everything.items():
            archive.writestr(path, text)
            record += f"{path},sha256={hashlib.sha256(text.encode()).hexdigest()},{len(text)}\n"
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


class PipProject:
    """A project whose index is a folder of made wheels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "wheels").mkdir()

    def lock(
        self, base: str, more: str = "", builder: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        text = PIP.format(base=base, more=more, builder=builder)
        (self.folder / "images.toml").write_text(text)
        return orbiter(
            self.folder,
            "lock",
            "--only",
            "pip",
            PIP_NO_INDEX="1",
            PIP_FIND_LINKS=str(self.folder / "wheels"),
            ORBITER_CACHE_DIR=str(self.folder / "cache"),
        )


@pytest.fixture
def project(tmp_path: Path) -> PipProject:
    return PipProject(tmp_path)


@pytest.mark.index
def test_two_wheels_with_the_same_file_are_refused(project: PipProject) -> None:
    wheels = project.folder / "wheels"
    wheel(wheels, "aaa", {"both/x.py": "a", "ns/__init__.py": "", "aaa.py": ""})
    wheel(wheels, "bbb", {"both/x.py": "b", "ns/__init__.py": "", "bbb.py": ""})
    result = project.lock('"aaa", "bbb"')
    assert result.returncode == 2
    assert "aaa 1 (pip) and bbb 1 (pip) install different files at site-packages/both/x.py\n" in (
        result.stderr
    )
    assert 'pip-overwrites = ["bbb"]' in result.stderr
    assert not (project.folder / "locks").exists()
    assert project.lock('"aaa", "bbb"', builder='pip-overwrites = ["BBB"]').returncode == 0
    # Without the key, the lock set is stale and refused again.
    (project.folder / "images.toml").write_text(
        PIP.format(base='"aaa", "bbb"', more="", builder="")
    )
    assert orbiter(project.folder, "lock", "--check").returncode == 1
    assert project.lock('"aaa", "bbb"').returncode == 2


@pytest.mark.index
def test_two_wheels_with_the_same_script_are_refused(project: PipProject) -> None:
    wheels = project.folder / "wheels"
    wheel(wheels, "aaa", {"aaa.py": ""}, "[console_scripts]\ntool = aaa:run\n")
    wheel(wheels, "bbb", {"bbb.py": ""}, "[console_scripts]\ntool = bbb:run\n")
    result = project.lock('"aaa"', more='"bbb"')
    assert result.returncode == 2
    assert "install different files at bin/tool" in result.stderr
    # A later stage installs bbb on top, so aaa cannot win.
    result = project.lock('"aaa"', more='"bbb"', builder='pip-overwrites = ["aaa"]')
    assert result.returncode == 2
    assert "aaa cannot win, because a later step installs bbb" in result.stderr
    allowed = project.lock('"aaa"', more='"bbb"', builder='pip-overwrites = ["bbb"]')
    assert allowed.returncode == 0, allowed.stderr


@pytest.mark.index
def test_a_real_pair_of_wheels_is_refused(tmp_path: Path) -> None:
    text = PIP.format(base='"pyserial", "serial"', more="", builder="")
    (tmp_path / "images.toml").write_text(text)
    result = orbiter(tmp_path, "lock", "--only", "pip")
    assert result.returncode == 2
    assert "(pip) install different files at site-packages/serial/__init__.py" in result.stderr


def conda_lock(
    folder: Path, packages: tuple[CondaPackage, ...], builder: str = ""
) -> "subprocess.CompletedProcess[str]":
    for path, content in channel(*packages).items():
        file = folder / f"channel{path}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    address = (folder / "channel").as_uri()
    (folder / "images.toml").write_text(CONDA.format(channel=address, builder=builder))
    return orbiter(folder, "lock", "--only", "conda", ORBITER_CACHE_DIR=str(folder / "cache"))


def test_two_conda_packages_with_the_same_file_are_refused(tmp_path: Path) -> None:
    first = package("aaa", "1", {"share/x": "a", "share/y": "a", "share/same": "s"})
    second = package("bbb", "1", {"share/x": "b", "share/y": "b", "share/same": "s"})
    result = conda_lock(tmp_path, (first, second))
    assert result.returncode == 2
    assert "aaa 1 (conda) and bbb 1 (conda) install different files at share/x, share/y" in (
        result.stderr
    )
    allowed = conda_lock(tmp_path, (first, second), 'conda-overwrites = ["bbb", "ccc"]')
    assert allowed.returncode == 0, allowed.stderr
    assert "warning: micromamba conda: ccc: conda-overwrites has no effect" in allowed.stderr
    assert "bbb: conda-overwrites" not in allowed.stderr


def test_a_package_whose_files_cannot_be_read_is_a_warning(tmp_path: Path) -> None:
    first, second = package("aaa", "1", {"share/x": "a"}), package("bbb", "1", {"share/x": "b"})
    result = conda_lock(tmp_path, (first, second))
    assert result.returncode == 2
    (tmp_path / f"channel/linux-64/{second.file}").unlink()
    (tmp_path / "cache/conda-files" / str(second.record["sha256"])).unlink()
    result = orbiter(tmp_path, "lock", "--only", "conda", ORBITER_CACHE_DIR=str(tmp_path / "cache"))
    assert result.returncode == 0, result.stderr
    assert "warning: micromamba conda: bbb: Orbiter cannot read which files" in result.stderr
    manifest = (tmp_path / "locks/0.1.0/lockset.toml").read_text()
    (warning,) = tomllib.loads(manifest)["warnings"]
    assert warning["text"].endswith("overwrite files of others: bbb")
    assert str(tmp_path) not in warning["text"]


def test_uv_lets_the_package_win_that_the_build_installs_again(tmp_path: Path) -> None:
    wheel(tmp_path, "aaa", {"both.py": "a", "aaa.py": ""})
    wheel(tmp_path, "bbb", {"both.py": "b", "bbb.py": ""})
    (tmp_path / "pip.txt").write_text("aaa==1\nbbb==1\n")
    uv = uv_program.program()
    for winner in ("aaa", "bbb", "aaa"):
        options = f"--no-index --find-links {tmp_path} --no-deps --link-mode hardlink -r pip.txt"
        install = [uv, "pip", "install", "--python", "env/bin/python3", *options.split()]
        subprocess.run([uv, "venv", "--clear", "env"], cwd=tmp_path, check=True)
        subprocess.run(install, cwd=tmp_path, check=True)
        subprocess.run([*install, "--reinstall-package", winner], cwd=tmp_path, check=True)
        (module,) = tmp_path.glob("env/lib/python3*/site-packages/both.py")
        assert module.read_text() == winner[0]
        assert {path.name for path in module.parent.glob("*.py")} >= {"aaa.py", "bbb.py", "both.py"}
