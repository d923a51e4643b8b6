"""Finds the reader of a file or folder, by its name and its content."""

import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from orbiter.convert import apt_txt, environment_yml, package_json, pixi, repo2docker
from orbiter.convert.collect import Collector
from orbiter.convert.dockerfile import reader as dockerfile
from orbiter.convert.files import read_text
from orbiter.convert.outcome import ImportedRequirements, ImportOptions
from orbiter.convert.python import pipfile, pyproject, requirements_txt
from resolvers.errors import ExpectedError

LOCKS = re.compile(r"(?i).*\.lock|.*-lock\.(ya?ml|json)|package-lock\.json|npm-shrinkwrap\.json")
NAMES = {
    r".*apt\.txt": "apt",
    r"(?i)(dockerfile|containerfile)(\..*)?|.*\.(dockerfile|containerfile)": "dockerfile",
    r".*\.ya?ml": "environment",
    r".*\.json": "package",
}
"""Kinds of files by patterns of their names."""
YAML = re.compile(r"^(dependencies|channels)[ \t]*:", re.MULTILINE)
FROM = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n|[ \t]*ARG[^\n]*\n)*[ \t]*FROM[ \t]", re.IGNORECASE)


def read(path: Path, options: ImportOptions) -> ImportedRequirements:
    """Return what a file or a repo2docker folder requires.

    Raises ExpectedError if it cannot be read, or has no group that the user chose.
    """
    try:
        return _read(path, options)
    except RecursionError:
        problem = f"{path} cannot be read: it is nested too deeply"
    raise ExpectedError(problem, "name a file that lists packages")


def _read(path: Path, options: ImportOptions) -> ImportedRequirements:
    collector = Collector(options)
    if path.is_dir():
        repo2docker.read(path, collector)
    else:
        text = read_text(path)
        if kind_of(path, text) == "environment":
            imported = environment_yml.read(str(path), text, options.platforms)
            collector.check_groups(path)
            return imported
        read_into(path, text, collector)
    collector.check_groups(path)
    return collector.result()


def read_into(path: Path, text: str, collector: Collector) -> None:
    """Collect the content of a file."""
    readers = {
        "apt": apt_txt.read,
        "dockerfile": dockerfile.read,
        "package": package_json.read,
        "pipfile": pipfile.read,
        "pixi": pixi.read,
        "pyproject": pyproject.read,
        "requirements": requirements_txt.read,
    }
    readers[kind_of(path, text)](path, text, collector)


def kind_of(path: Path, text: str) -> str:
    """Return the kind of a file. Raises ExpectedError for a lock file."""
    name = path.name
    if LOCKS.fullmatch(name) or text.lstrip().startswith("@EXPLICIT") or "\n@EXPLICIT" in text:
        raise ExpectedError(
            f"{path} is a lock file, and images.toml has requirements",
            "name the file that it was made from; orbiter lock makes a lock set",
        )
    for pattern, kind in NAMES.items():
        if re.fullmatch(pattern, name):
            return kind
    if name.endswith(".toml") or name.startswith("Pipfile"):
        return _kind_of_toml(path, text)
    return _kind_of_text(text)


def _kind_of_text(text: str) -> str:
    if text.lstrip().startswith("{"):
        return "package"
    if FROM.match(text):
        return "dockerfile"
    return "environment" if is_environment(text) else "requirements"


def is_environment(text: str) -> bool:
    """Return whether a YAML text has the keys of a conda environment."""
    return YAML.search(text) is not None


def _kind_of_toml(path: Path, text: str) -> str:
    data: dict[str, Any] = {}
    with suppress(ValueError, RecursionError):  # the reader reports the mistake
        data = tomllib.loads(text)
    project = data.get("project")
    if "builder" in data and "image" in data:
        raise ExpectedError(f"{path} is an images.toml", "name a file of another tool")
    if path.name.startswith("Pipfile") or ("packages" in data and not project):
        return "pipfile"
    is_pixi = "workspace" in data or (isinstance(project, dict) and "channels" in project)
    return "pixi" if is_pixi or path.name.endswith("pixi.toml") else "pyproject"
