"""Import of real files: another reader finds each of their entries in images.toml or on the list.

``pip`` reads requirements.txt, ``tomllib`` and ``packaging`` read pyproject.toml, ``json`` reads
package.json and ``yaml`` reads environment.yml.
"""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements

from orbiter.config.read import read_image_set
from tests.support.imports import Imported, import_in
from tests.support.paths import TESTS

SPECS = TESTS / "data" / "specs"
REQUIREMENTS = sorted(SPECS.rglob("*requirements.txt"))
PROJECTS = sorted(SPECS.rglob("*pyproject.toml"))
PACKAGES = sorted(SPECS.rglob("*package.json"))
ENVIRONMENTS = sorted((*SPECS.rglob("*conda.yml"), *SPECS.glob("binder/*/environment.yml")))
NOT_YAML = SPECS / "binder" / "repo2docker-binder-dir" / "environment.yml"
"""A file that repo2docker must ignore; its list is not YAML."""


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(SPECS).as_posix() for path in paths]


def valid(done: Imported, folder: Path) -> Imported:
    assert done.code == 0, done.err
    read_image_set(folder / "images.toml")
    return done


def normal(text: str) -> str:
    return str(Requirement(text))


@pytest.mark.parametrize("path", REQUIREMENTS, ids=names(REQUIREMENTS))
def test_pip_reads_the_same_requirements(tmp_path: Path, path: Path) -> None:
    done = valid(import_in(tmp_path, path), tmp_path)
    added = {normal(text) for text in done.entries("pip")}
    for parsed in parse_requirements(str(path), PipSession()):
        text = parsed.requirement.strip()
        assert normal(text) in added or text in done.err, text
    assert len(added) == len(done.entries("pip"))


def texts_of(data: dict[str, Any]) -> Iterator[str]:
    """Yield all requirements of a project in the syntax of pip."""
    project = data.get("project", {})
    yield from project.get("dependencies", [])
    groups = (project.get("optional-dependencies", {}), data.get("dependency-groups", {}))
    for group in groups:
        for entries in group.values():
            yield from entries


@pytest.mark.parametrize("path", PROJECTS, ids=names(PROJECTS))
@pytest.mark.parametrize("chosen", [False, True])
def test_each_dependency_of_a_project_is_added_or_listed(
    tmp_path: Path, path: Path, chosen: bool
) -> None:
    data = tomllib.loads(path.read_text())
    poetry = data.get("tool", {}).get("poetry", {})
    groups = [
        *data.get("project", {}).get("optional-dependencies", {}),
        *data.get("dependency-groups", {}),
        *poetry.get("group", {}),
        *(["dev"] if "dev-dependencies" in poetry else []),
    ]
    options = [word for group in groups for word in ("--group", group)] if chosen else []
    done = import_in(tmp_path, path, *options)
    if "jupyterhub" not in path.name or chosen:
        valid(done, tmp_path)
    for text in texts_of(data):
        assert done.accounts_for("pip", text), text
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    added = {Requirement(text).name for text in done.entries("pip")}
    for table in tables:
        for name in table:
            assert name in added or f"{name} " in done.err or f"'{name}" in done.err, name
            assert name in added or not chosen or name == "python" or f"'{name}" in done.err
    listed = [f"tool.{name}" for name in data.get("tool", {}) if name != "poetry"]
    assert all(name in done.err for name in listed)


@pytest.mark.parametrize("path", PACKAGES, ids=names(PACKAGES))
@pytest.mark.parametrize("chosen", [False, True])
def test_each_dependency_of_a_package_is_added_or_listed(
    tmp_path: Path, path: Path, chosen: bool
) -> None:
    data = json.loads(path.read_text())
    others = [key for key in ("devDependencies", "peerDependencies") if key in data]
    options = [word for key in others for word in ("--group", key)] if chosen else []
    done = valid(import_in(tmp_path, path, *options), tmp_path)
    builder = done.data["builder"]["debian"]
    for key, value in data.items():
        if key not in {"dependencies", *others}:
            is_added = key == "overrides" and builder["npm-overrides"] == value
            assert is_added or key in done.err
            continue
        for name, version in value.items():
            is_added = {name, f"{name}@{version}"} & {*done.entries("npm")}
            assert is_added or f"{name} {version}" in done.err
    assert "nodejs" in done.data["image"]["debian"]["core"]["apt"]


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=names(ENVIRONMENTS))
def test_each_conda_package_is_added_or_listed(tmp_path: Path, path: Path) -> None:
    if path == NOT_YAML:
        done = import_in(tmp_path, path)
        assert (done.code, done.data) == (2, {})
        return
    done = valid(import_in(tmp_path, path), tmp_path)
    for text in yaml.safe_load(path.read_text())["dependencies"]:
        assert done.accounts_for("conda", text)
