"""The versions that locked packages require of each other, as far as lock files record them. Pure.

conda-lock.yml, package-lock.json and poetry.lock have them. The locks of apk, apt, uv and pip-tools
only have the names.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from orbiter.config.builders import CONDA_BUILDER
from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import LockSet

Needs = Mapping[tuple[str, str, str], str]
"""Manager, package and required package; the value is the required versions, such as ``>=2``."""


def needs(lock_set: LockSet, builder: str) -> Needs:
    """Return the requirements between the packages of a builder."""
    found: dict[tuple[str, str, str], str] = {}
    if poetry := locked_files(lock_set, builder, "pip").get("poetry.lock"):
        found |= {("pip", *names): text for names, text in _of_poetry(poetry)}
    npm = locked_files(lock_set, builder, "npm")
    if npm:
        found |= {("npm", *names): text for names, text in _of_npm(npm)}
    if builder == CONDA_BUILDER and (conda := locked_files(lock_set, builder, "conda")):
        found |= {("conda", *names): text for names, text in _of_conda(conda)}
    return found


def _of_poetry(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    for package in tomllib.loads(text).get("package", []):
        for name, value in package.get("dependencies", {}).items():
            names = canonicalize_name(package["name"]), canonicalize_name(name)
            yield names, _poetry_version(value)


def _poetry_version(value: Any) -> str:
    """Return the versions of a dependency: a string, a table, or a list of tables with markers."""
    if isinstance(value, dict):
        value = value.get("version", "")
    if not isinstance(value, str) or value == "*":
        return ""
    return f"=={value}" if value[:1].isdigit() else value


def _of_npm(files: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], str]]:
    from resolvers.npm.lock_file import package_name, parse

    for path, entry in parse(files).entries.items():
        for key in ("peerDependencies", "optionalDependencies", "dependencies"):
            for name, text in entry.get(key, {}).items():
                yield (package_name(path, entry), name), "" if text == "*" else f"@{text}"


def _of_conda(files: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], str]]:
    from resolvers.conda.lock_file import parse_lock

    for entry in parse_lock(files).entries:
        for name, text in entry.dependencies.items():
            yield (entry.name, name), _conda_versions(text)


def _conda_versions(text: str) -> str:
    """Return the versions of a dependency without its build: ``>=2`` for ``>=2 py312*``."""
    versions = text.partition(" ")[0]
    if versions in {"", "*"}:
        return ""
    return versions if versions[0] in "<>=!~" else f"={versions}"
