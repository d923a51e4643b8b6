"""Import of repo2docker folders: the real repo2docker installs the same files.

The folders in tests/data/specs/binder are real. The others are composed by the rules in
repo2docker's documentation, because no real one with shell scripts was at hand.
"""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from orbiter.config.read import read_image_set
from orbiter.render.environment import environment_dockerfile
from resolvers import uv_program
from tests.support.imports import Imported, import_in
from tests.support.paths import TESTS

REAL = sorted((TESTS / "data" / "specs" / "binder").iterdir())
CHECK = TESTS / "support" / "repo2docker_check.py"
POST_BUILD = "#!/bin/bash\nset -e\npython -c 'import six'\n"
START = '#!/bin/bash\nexport LAB=1\nexec "$@"\n'
PYPROJECT = """\
[build-system]
requires = ["hatchling"]
[project]
name = "lab"
version = "1"
dependencies = ["idna"]
"""
COMPOSED: dict[str, dict[str, str]] = {
    "scripts": {
        "requirements.txt": "six==1.17.0\n",
        "apt.txt": "tree # for ls\n",
        "runtime.txt": "python-3.11\n",
        "postBuild": POST_BUILD,
        "start": START,
        "index.ipynb": "{}",
    },
    "hidden-folder": {
        ".binder/environment.yml": "dependencies: [python=3.12, numpy, {pip: [six]}]\n",
        ".binder/postBuild": POST_BUILD,
        "requirements.txt": "not-used\n",
        "setup.py": "",
    },
    "several": {
        "environment.yml": "dependencies: [python=3.12, r-ggplot2]\n",
        "requirements.txt": "not-used\n",
        "runtime.txt": "python-3.9\n",
        "Pipfile": '[packages]\nnot-used = "*"\n',
    },
    "pipenv": {
        "Pipfile": '[packages]\nsix = "*"\n[dev-packages]\nidna = ">=3"\n',
        "requirements.txt": "not-used\n",
    },
    "r": {
        "runtime.txt": "r-4.4-2025-07-01\n",
        "install.R": 'install.packages("ggplot2")\n# comment\nlibrary(ggplot2)\n',
        "requirements.txt": "six\n",
    },
    "r-and-conda": {
        "DESCRIPTION": "Package: lab\n",
        "environment.yml": "dependencies: [numpy]\n",
        "requirements.txt": "six\n",
    },
    "project": {"pyproject.toml": PYPROJECT, "requirements.txt": "six\n"},
    "julia": {"Project.toml": "[deps]\n", "requirements.txt": "six\n", "apt.txt": "tree\n"},
    "nix": {"default.nix": "", "apt.txt": "tree\n", "environment.yml": "dependencies: [a]\n"},
    "docker": {
        "Dockerfile": "FROM debian\nRUN pip install six\n",
        "requirements.txt": "not-used\n",
    },
}
FILES = ("environment.yml", "requirements.txt", "Pipfile", "install.R")


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755 if text.startswith("#!") else 0o644)
    return folder


def copy(source: Path, folder: Path) -> Path:
    files = [path for path in source.rglob("*") if path.is_file()]
    return write(folder, {str(path.relative_to(source)): path.read_text() for path in files})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("folders")
    found = {source.name: copy(source, root / source.name) for source in REAL}
    found |= {name: write(root / name, files) for name, files in COMPOSED.items()}
    return found


@pytest.fixture(scope="module")
def repo2docker(folders: dict[str, Path]) -> dict[str, dict[str, str]]:
    """Return the build pack and the scripts that the real repo2docker has for each folder."""
    words = ("run", "--quiet", "--no-project", "--with", "jupyter-repo2docker", "python", CHECK)
    command: list[str | Path] = [uv_program.program(), *words, *folders.values()]
    environment = {**os.environ, **uv_program.environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    described = json.loads(done.stdout)
    return {name: described[str(folder)] for name, folder in folders.items()}


def imported(folder: Path) -> Imported:
    (folder / "images.toml").unlink(missing_ok=True)
    done = import_in(folder, ".")
    assert done.code == 0, done.err
    read_image_set(folder / "images.toml")
    return done


@pytest.mark.index
@pytest.mark.parametrize("name", [*(path.name for path in REAL), *COMPOSED])
def test_the_real_repo2docker_uses_the_same_files(
    folders: dict[str, Path], repo2docker: dict[str, dict[str, str]], name: str
) -> None:
    folder, scripts = folders[name], repo2docker[name]["scripts"]
    done = imported(folder)
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.name not in FILES or (path.name == "Pipfile" and "pipenv" in scripts):
            continue
        is_used = f'"{relative}"' in scripts or f" {relative}" in scripts
        if repo2docker[name]["pack"] != "NixBuildPack":
            assert is_used != (f"left out: {relative}: " in done.err), relative
    installed = scripts.partition("install --yes --no-install-recommends ")[2].partition(" &&")[0]
    if "apt-get" in scripts:
        assert {*installed.split()} <= {*done.entries("apt")}
    image = next(iter(done.data["image"].values()))["base"]
    targets = {file["to"] for file in image.get("files", {}).values()}
    for script in ("postBuild", "start"):
        is_there = f"/usr/local/bin/{script}" in targets
        assert is_there == (f"{script}\n" in f"{scripts}\n")
    assert ("lab @ ." in done.entries("pip")) == (
        repo2docker[name]["scripts"].count("install --no-cache-dir .") == 1
    )
    assert "not-used" not in done.entries("pip")


@pytest.mark.parametrize("path", REAL, ids=[path.name for path in REAL])
def test_each_entry_of_a_real_folder_is_added_or_listed(tmp_path: Path, path: Path) -> None:
    done = imported(copy(path, tmp_path / path.name))
    own = path / "binder" if (path / "binder").is_dir() else path
    if (own / "environment.yml").exists():
        for text in yaml.safe_load((own / "environment.yml").read_text())["dependencies"]:
            assert done.accounts_for("conda", text)
    for name, manager in (("apt.txt", "apt"), ("requirements.txt", "pip")):
        lines = (own / name).read_text().splitlines() if (own / name).exists() else []
        for line in filter(None, (line.partition("#")[0].strip() for line in lines)):
            assert line in done.entries(manager)
    notebook = {"ipywidgets", "jupyterhub", "jupyterlab", "notebook"}
    added = {text.split()[0] for text in done.entries("conda") + done.entries("pip")}
    assert notebook <= added


def test_scripts_become_a_command_and_an_entrypoint(folders: dict[str, Path]) -> None:
    done = imported(folders["scripts"])
    image = done.data["image"]["debian"]["base"]
    assert image["postbuild"] == ['su -s /bin/sh "$NB_USER" -c "cd && /usr/local/bin/postBuild"']
    assert image["entrypoint"] == ["/usr/local/bin/start"]
    assert image["files"] == {
        name: {"to": f"/usr/local/bin/{name}", "mode": "0755"} for name in ("postBuild", "start")
    }
    assert done.data["builder"]["debian"] == {"from": "python:3.11-slim", "python": "3.11"}
    assert '"tree",  # for ls' in (folders["scripts"] / "images.toml").read_text()
    assert "tree" in done.data["image"]["debian"]["core"]["apt"]
    for name in ("postBuild", "start"):
        assert f"changed: {name}: it is the file /usr/local/bin/{name} of the image" in done.err
    assert "left out: the other files of the folder: " in done.err


def test_packages_of_r_bring_its_kernel(folders: dict[str, Path]) -> None:
    assert {"r-base", "r-irkernel"} <= {*imported(folders["several"]).entries("conda")}
    done = imported(folders["r"])
    assert {"r-base", "r-cran-irkernel"} <= {*done.entries("apt")}
    assert "install.R:1: 'install.packages(\"ggplot2\")': builds have no network" in done.err
    assert "try apt r-cran-ggplot2" in done.err
    assert "install.R:3: 'library(ggplot2)'" in done.err


def test_development_packages_of_pipenv_are_installed(folders: dict[str, Path]) -> None:
    done = imported(folders["pipenv"])
    assert done.entries("pip")[:2] == ["six", "idna>=3"]


def test_a_folder_outside_of_that_of_images_toml_keeps_its_scripts(tmp_path: Path) -> None:
    write(tmp_path / "repository", COMPOSED["scripts"])
    (tmp_path / "here").mkdir()
    done = import_in(tmp_path / "here", "../repository")
    assert done.code == 0, done.err
    assert "files" not in done.data["image"]["debian"]["base"]
    for name in ("postBuild", "start"):
        assert f"left out: ../repository/{name}: it is not below the folder" in done.err


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["README.md"], "a folder is imported by these files: Dockerfile, "),
        (["requirement.txt"], "did you mean requirements.txt? Rename requirement.txt\n"),
        (["Requirements.txt"], "did you mean requirements.txt? Rename Requirements.txt\n"),
        (["enviroment.yml"], "did you mean environment.yml? Rename enviroment.yml\n"),
        (["pixi.toml"], "import the file itself: orbiter import pixi.toml\n"),
        (["binder/postbuild", "requirements.txt"], "did you mean postBuild? Rename postbuild\n"),
    ],
)
def test_a_folder_without_the_files_is_an_error(
    tmp_path: Path, names: list[str], hint: str
) -> None:
    done = import_in(write(tmp_path, dict.fromkeys(names, "six\n")), ".")
    assert (done.code, done.data, done.out) == (2, {}, "")
    assert "error: nothing to import: " in done.err
    assert " has no file that repo2docker reads\n\nhint: " in done.err
    assert hint in done.err
    assert not (tmp_path / "images.toml").exists()


SPECIAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "it is not a regular file"),
    "folder": (Path.mkdir, "it is a folder"),
    "broken link": (lambda path: path.symlink_to("nowhere"), "it is a broken link"),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["environment.yml", "pyproject.toml", "binder/apt.txt"])
def test_a_path_that_is_not_a_file_is_listed(tmp_path: Path, kind: str, name: str) -> None:
    make, why = SPECIAL[kind]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    make(tmp_path / name)
    alone = import_in(tmp_path, ".")
    assert alone.code == 2
    assert f"hint: {name}: {why}\n" in alone.err
    write(tmp_path / Path(name).parent, {"requirements.txt": "six\n"})
    done = imported(tmp_path)
    assert "six" in done.entries("pip")
    assert f"left out: {name}: {why}\n" in done.err


def test_a_misspelt_file_beside_others_is_listed(tmp_path: Path) -> None:
    files = ("apt.txt", "requirement.txt", "environment.yml", "environments.yml")
    write(tmp_path, dict.fromkeys(files, "") | {"environment.yml": "dependencies: [six]\n"})
    done = imported(tmp_path)
    assert "left out: requirement.txt: did you mean requirements.txt?\n" in done.err
    assert "environments.yml" not in done.err


def test_two_folders_for_repo2docker_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"binder/apt.txt": "", ".binder/apt.txt": ""})
    done = import_in(tmp_path, ".")
    assert (done.code, done.data) == (2, {})
    assert "has the folders binder and .binder" in done.err


GENERATED = environment_dockerfile("lab/notebooks:debian-base-1", "debian-base", "1", copy=True)


def test_the_dockerfile_of_orbiter_itself_is_ignored(tmp_path: Path) -> None:
    files = {"binder/Dockerfile": GENERATED, "requirements.txt": "six\n", "apt.txt": "tree\n"}
    done = imported(write(tmp_path, files))
    assert "left out: binder/Dockerfile: orbiter binder wrote it" in done.err
    assert "six" in done.entries("pip")
    assert "tree" in done.entries("apt")


def test_other_files_beside_the_dockerfile_of_orbiter_count(tmp_path: Path) -> None:
    files = {
        "binder/Dockerfile": GENERATED,
        "binder/requirements.txt": "six\n",
        "apt.txt": "tree\n",
    }
    done = imported(write(tmp_path, files))
    assert "six" in done.entries("pip")
    assert "left out: apt.txt: repo2docker ignores it" in done.err


@pytest.mark.parametrize("version", ["2.7", "3", "3.x", "3.13.1.1"])
def test_a_python_that_orbiter_cannot_install_is_listed(tmp_path: Path, version: str) -> None:
    write(tmp_path, {"runtime.txt": f"python-{version}\n", "requirements.txt": "six\n"})
    done = imported(tmp_path)
    assert "six" in done.entries("pip")
    reason = "Orbiter needs a version such as python-3.13"
    assert f"left out: runtime.txt: 'python-{version}': {reason}" in done.err


@pytest.mark.parametrize("text", ["", "python", "python-", "a-b-c", "-" * 100_000, "r-2025-7-1"])
def test_a_wrong_runtime_is_listed(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"runtime.txt": text, "requirements.txt": "six\n"})
    done = imported(tmp_path)
    assert "runtime.txt: '" in done.err
