"""Import of pixi.toml, and of its tables in pyproject.toml."""

from pathlib import Path

import pytest

from orbiter.config.read import read_image_set
from tests.support.imports import import_text

PIXI = """\
[workspace]
name = "lab"
channels = ["conda-forge", { channel = "bioconda", priority = 1 }, "nodefaults"]
platforms = ["linux-64", "osx-arm64"]
[dependencies]
python = "3.12.*"
numpy = ">=2,<3"
any = "*"
exact = "1.2"
charts = { version = ">=1", build = "cuda*", channel = "pytorch" }
odd = { version = "1", git = "https://example.org/x.git" }
[host-dependencies]
compilers = "*"
[pypi-dependencies]
six = ">=1"
tools = { git = "https://example.org/lab/tools.git", tag = "v1" }
torch = { version = "*", index = "https://download.example.org/whl" }
[target.linux-64.dependencies]
sysroot = "2.28.*"
[target.osx-arm64.dependencies]
libomp = "*"
[feature.test.dependencies]
pytest = "*"
[feature.gpu.dependencies]
cuda = "12.*"
[feature.gpu.system-requirements]
cuda = "12"
[environments]
test = ["test"]
[tasks]
start = "jupyter lab"
"""
CONDA = [
    "python=3.12.*",
    "numpy>=2,<3",
    "any",
    "exact==1.2",
    "pytorch::charts>=1[build='cuda*']",
    "compilers",
    "sysroot=2.28.*",
    "pytest",
]
LISTED = (
    "dependencies: 'odd (",
    "pypi-dependencies: 'torch (",
    "target.osx-arm64: libomp",
    "feature gpu (cuda 12.*, system-requirements: cuda 12)",
    "priority of channel 'bioconda'",
    "channel 'nodefaults'",
    "pixi.toml: name 'lab', platforms ",
    "pixi.toml: environments (test)",
    "pixi.toml: tasks (start)",
)


def test_each_entry_is_added_or_listed(tmp_path: Path) -> None:
    done = import_text(tmp_path, "pixi.toml", PIXI, "--group", "test")
    assert done.code == 0, done.err
    read_image_set(tmp_path / "images.toml")
    assert done.entries("conda") == CONDA
    assert done.entries("pip") == ["six>=1", "tools @ git+https://example.org/lab/tools.git@v1"]
    assert done.data["builder"]["micromamba"]["channels"] == ["conda-forge", "bioconda"]
    for what in LISTED:
        assert f"left out: {what}" in done.err


def test_tables_in_pyproject_toml_are_read_too(tmp_path: Path) -> None:
    tables = PIXI.replace("[", "[tool.pixi.", 1)
    for name in ("dependencies", "pypi-dependencies", "tasks"):
        tables = tables.replace(f"\n[{name}]", f"\n[tool.pixi.{name}]")
    kept = tables.partition("[target")[0].replace("[host-", "[tool.pixi.host-")
    text = '[project]\nname = "lab"\nversion = "1"\ndependencies = ["idna"]\n' + kept
    done = import_text(tmp_path, "pyproject.toml", text)
    assert done.code == 0, done.err
    assert done.entries("conda") == CONDA[:6]
    assert done.entries("pip")[0] == "idna"


def test_conda_packages_need_the_builder_for_them(tmp_path: Path) -> None:
    done = import_text(tmp_path, "pixi.toml", PIXI, "--image", "debian-base")
    assert (done.code, done.data) == (2, {})
    assert "'debian-base' is not an image of the builder micromamba" in done.err


@pytest.mark.parametrize("text", ["dependencies = 3\n", "[dependencies]\na = 3\n", "x = ["])
def test_errors_leave_the_folder_as_it_was(tmp_path: Path, text: str) -> None:
    done = import_text(tmp_path, "pixi.toml", text)
    assert (done.code, done.data) == (2, {})
