"""The engine Poetry: poetry.lock (format 2.1), solved against a view of the index, free of addresses."""

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers import process, uv_program
from resolvers.errors import ProgramError
from resolvers.index import index
from resolvers.index.index_file import version_of
from resolvers.pip import on_conda, prefetch, pyproject, wheels
from resolvers.pip.index_proxy import STAND_IN, View, serve
from resolvers.types import Artifact, LockFiles, Package, Request, Target

VERSION = "2.5.1"
LOCK = "poetry.lock"
DRIVER = Path(__file__).with_name("poetry_driver.py")
UNSOLVABLE = "UNSOLVABLE\n"
STANDING_IN = re.compile(rf'    {{file = "[^"]+", hash = "sha256:{STAND_IN}"}},\n')
PACKAGE = """[[package]]
name = {}
version = {}
description = ""
optional = false
python-versions = "*"
files = []
"""
METADATA = """[metadata]
lock-version = "2.1"
python-versions = "*"
content-hash = ""
"""


def project(request: Request, shared: Set[str] = frozenset()) -> str:
    """The text of pyproject.toml."""
    tool = "[tool.poetry]\npackage-mode = false\n"
    return pyproject.text(request, f"=={pyproject.python(request)}", tool, shared)


def lock(
    request: Request, previous: tuple[Package, ...], shared: Set[str] = frozenset()
) -> LockFiles:
    """Solve with Poetry; the versions of ``previous`` stay where the upgrade and the rules allow.

    Raises UnsolvableError, and ExpectedError when the index or Poetry fails.
    """
    view = View(
        index.configured(),
        as_of=request.as_of,
        held={name: version for name, version in request.upgrade.packages.items() if version},
        provided=on_conda.versions(request),
        met=on_conda.versions(request, without=shared),
        progress=request.progress,
    )
    wanted = [requirement for group in request.groups for requirement in group.requirements]
    python = _interpreter(request)
    request.progress(f"Poetry {VERSION} is resolving {len(wanted)} requirements")
    with (
        tempfile.TemporaryDirectory(prefix="orbiter-") as folder,
        prefetch.looking(view, wanted, {p.name: p.version for p in previous}, request.targets[0]),
        serve(view) as url,
    ):
        Path(folder, pyproject.FILE).write_text(project(request), encoding="utf-8")
        if pins := _pinning(previous, view):
            Path(folder, LOCK).write_text(pins, encoding="utf-8")
        moving = [canonicalize_name(name) for name in request.upgrade.packages] if pins else []
        command: list[str | Path] = [python, "-I", DRIVER, url, pyproject.python(request), *moving]
        _run(command, Path(folder), view, request)
        files = {LOCK: STANDING_IN.sub("", Path(folder, LOCK).read_text(encoding="utf-8"))}
        return {pyproject.FILE: project(on_conda.needed(request, read(files)), shared), **files}


def _interpreter(request: Request) -> str:
    """The Python of an environment that holds Poetry and what it needs, nothing else."""
    ask = ["python", "-I", "-c", "import sys; print(sys.executable)"]
    command = ["tool", "run", "--from", f"poetry=={VERSION}", "--python", sys.executable, *ask]
    try:
        return uv_program.run([*command[:2], "--offline", *command[2:]]).strip()
    except ProgramError:
        request.progress(f"installing Poetry {VERSION} into an environment of its own")
        return uv_program.run(command).strip()


def _run(command: Sequence[str | Path], folder: Path, view: View, request: Request) -> None:
    try:
        process.run(command, cwd=folder, name=f"Poetry {VERSION}")
    except ProgramError as error:
        if view.errors:
            raise view.errors[0] from error
        if UNSOLVABLE not in error.output:
            raise
        explanation = error.output.partition(UNSOLVABLE)[2].strip()
        raise pyproject.unsolvable(request, explanation) from error


def _pinning(previous: tuple[Package, ...], view: View) -> str:
    """The least lock that keeps the versions, but those that are gone: Poetry gives up on them. "" for none."""
    blocks = [
        PACKAGE.format(json.dumps(p.name), json.dumps(p.version))
        for p in previous
        if _is_there(p, view)
    ]
    return "\n".join([*blocks, METADATA]) if blocks else ""


def _is_there(package: Package, view: View) -> bool:
    version = Version(package.version)
    return any(version_of(file) == version for file in view.files(package.name))


def read(files: LockFiles) -> tuple[Package, ...]:
    """All packages of poetry.lock. Pure."""
    return tuple(
        sorted(_package(entry) for entry in pyproject.table(files, LOCK).get("package", []))
    )


def chosen(files: LockFiles, target: Target, groups: frozenset[str]) -> tuple[Package, ...]:
    """The packages that the groups need on the target. Pure.

    Poetry has folded the markers of all that leads to a package, per group, into the package.
    """
    entries = pyproject.table(files, LOCK).get("package", [])
    return tuple(_package(entry) for entry in entries if _is_chosen(entry, target, groups))


def _is_chosen(entry: Mapping[str, Any], target: Target, groups: frozenset[str]) -> bool:
    markers = entry.get("markers", "")
    return any(
        wheels.applies(markers if isinstance(markers, str) else markers.get(group, ""), target)
        for group in entry["groups"]
        if canonicalize_name(group) in groups
    )


def _package(entry: Mapping[str, Any]) -> Package:
    name = canonicalize_name(entry["name"])
    return Package(
        manager="pip",
        name=name,
        version=entry["version"],
        groups=tuple(entry["groups"]),
        requires=tuple(
            sorted({canonicalize_name(needed) for needed in entry.get("dependencies", {})})
        ),
        artifacts=tuple(
            Artifact(file=file["file"], hash=file["hash"], source=f"{name}/{file['file']}")
            for file in entry["files"]
        ),
    )
