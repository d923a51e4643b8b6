"""Folders of the repository with Python projects, which pip requirements name by their path.

``"labtools @ ./src/labtools"`` is the project in a folder next to images.toml. Files that git
ignores are not part of it.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import UNSET, UnsetType

from orbiter import git
from orbiter.config.image_set import ImageSet, OwnFile, Project
from orbiter.config.mistakes import Mistakes
from orbiter.config.own_files import FOREIGN, FileMistakeError, files_below, own_file, path_inside
from orbiter.config.sets import ExpandedEntry

PATH = re.compile(r"\.(?:/(?!\.\.?(?:/|\Z))[A-Za-z0-9._+-]+)*/?")
"""The path in a requirement: ``./src/labtools``, or ``.`` for the folder of images.toml."""
FILES = PurePosixPath("/project")
"""Folder of the files of a project, as their targets name it."""
NEVER = ("images.toml", *FOREIGN)
"""Files and folders of the repository that are never part of a project at its top."""
BUILT = ("__pycache__", ".egg-info", ".pyc")
"""Ends of names that tools make in the folder of a project."""


def is_path(url: str) -> bool:
    """Return whether the address of a requirement is a path."""
    return url.startswith((".", "/"))


def projects_of(
    entries: Mapping[str, ExpandedEntry], root: Path, mistakes: Mistakes
) -> tuple[Project, ...] | UnsetType:
    """Return the projects of a stage; ``entries`` are pip's, by package.

    ``root`` is the folder of images.toml.
    """
    found = []
    for package, entry in sorted(entries.items()):
        path = _path(entry)
        if not path:
            continue
        try:
            found.append(_project(package, path, root))
        except FileMistakeError as error:
            mistakes.add(entry.path, error.problem, hint=error.hint)
    return tuple(found) or UNSET


def _path(entry: ExpandedEntry) -> str:
    if "@" not in entry.text:
        return ""
    from packaging.requirements import Requirement  # only addresses need it

    url = Requirement(entry.text).url or ""
    return url if is_path(url) and PATH.fullmatch(url) else ""


def _project(package: str, path: str, root: Path) -> Project:
    relative = PurePosixPath(path)
    folder = path_inside(root, relative) if relative.parts else root
    if not folder.is_dir():
        raise FileMistakeError(f"'{path}' is not a folder", "name the folder of a Python project")
    if not any((folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
        problem = f"'{path}' has no pyproject.toml, so it is not a Python project"
        raise FileMistakeError(problem, "add one, or name the folder that has it")
    files = tuple(_files(root, relative))
    return Project(name=package, path=str(relative), files=files)


def _files(root: Path, relative: PurePosixPath) -> Iterator[OwnFile]:
    for path in sorted(_listed(root, relative)):
        top = path.parts[0]
        if top not in NEVER and (root / path).exists():
            yield own_file(root, path, str(FILES / path.relative_to(relative)), "")


def _listed(root: Path, relative: PurePosixPath) -> Iterator[PurePosixPath]:
    """Yield the files of a folder that git does not ignore; without git all that nobody built."""
    options = ("--cached", "--others", "--exclude-standard", "-z")
    listed = git.ask(root, "ls-files", *options, "--", str(relative))
    if listed:
        yield from map(PurePosixPath, filter(None, listed.split("\0")))
        return
    for path in files_below(root, relative):
        if not any(part.endswith(BUILT) for part in path.parts):
            yield path


def builder_projects(image_set: ImageSet, builder: str) -> dict[str, Project]:
    """Return the projects of all stages of a builder, by package."""
    return {
        project.name: project
        for stage in image_set.stages
        if stage.builder == builder
        for project in stage.projects or ()
    }


def tree_digest(project: Project) -> str:
    """Return the sha256 of everything that goes into the wheel of a project."""
    lines = (f"{file.mode} {file.sha256} {file.target}\n" for file in project.files)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def project_changes(path: str, old: tuple[Project, ...], new: tuple[Project, ...]) -> Iterator[str]:
    """Report the files that differ in projects of both sides; ``path`` is the key path of pip."""
    before, after = ({each.name: each for each in projects} for projects in (old, new))
    for name in sorted(before.keys() & after.keys()):
        was, now = ({file.source: file for file in each[name].files} for each in (before, after))
        for source in sorted(was.keys() | now.keys()):
            if source not in was or source not in now:
                yield f"{path}: {source} of {name} {'added' if source in now else 'removed'}"
            elif msgspec.structs.replace(was[source], size=0) != msgspec.structs.replace(
                now[source], size=0
            ):
                yield f"{path}: {source} of {name} changed"
