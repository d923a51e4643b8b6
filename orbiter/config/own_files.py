"""Files of the repository that a stage puts into its image: found, checked and hashed.

Their content is read as bytes. Of their permissions, only the executable bit of the owner counts,
as in git, so that a checkout with another umask gives the same lock set.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from orbiter.config.file_keys import FileTable
from orbiter.config.image_set import OwnFile, RepositoryFile, Stage
from orbiter.config.mistakes import Mistakes, key_path, toml_literal

SMALL = 64 * 1024
"""The largest file in bytes whose content is part of the lock set."""
SMALL_TOTAL = 1024 * 1024
"""The largest sum of their sizes. Files that would exceed it go into the store."""
RESERVED = ("/artifacts", "/dev", "/lock", "/proc", "/sys", "/tmp")
"""Folders that are mounted while an image is built, or that only exist in a container."""
MOUNTED = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
"""Files that Docker mounts into every container."""
FOREIGN = (".git", "locks")
"""Folders of the repository whose content would depend on the lock set or on git."""
INSIDE = "name a file or folder below the folder of images.toml, as in start.sh or config/"


class FileMistakeError(Exception):
    """A mistake in one entry: the problem and the remedy. ``key`` is below the entry."""

    def __init__(self, problem: str, hint: str, key: str = "") -> None:
        super().__init__(problem)
        self.problem, self.hint, self.key = problem, hint, key


def own_files(
    table: Mapping[str, str | FileTable], path: str, root: Path, mistakes: Mistakes
) -> tuple[OwnFile, ...]:
    """Return the files of a stage, sorted by target; ``path`` is the key path of its table.

    ``root`` is the folder of images.toml, to which sources are relative.
    """
    by_target: dict[str, OwnFile] = {}
    for source, value in table.items():
        key = key_path(path, source)
        if not source.isprintable() or _target(value) == "":
            continue  # decoding has reported it
        try:
            for file in _entry(source, value, root):
                if file.target in by_target:
                    other = by_target[file.target].source
                    problem = f"{file.target} is also the target of {other}"
                    raise FileMistakeError(problem, "remove one of them, or change its target")
                by_target[file.target] = file
        except FileMistakeError as error:
            mistakes.add(
                key_path(key, error.key) if error.key else key, error.problem, hint=error.hint
            )
    _check_folders(by_target, path, mistakes)
    return tuple(by_target[target] for target in sorted(by_target))


class SmallFile(NamedTuple):
    """A file whose content is part of the lock set."""

    file: RepositoryFile
    content: bytes


def small_file(relative: PurePosixPath, root: Path, remedy: str) -> SmallFile:
    """Read a file below the folder of images.toml; ``remedy`` is for one that is too large.

    Raises FileMistakeError.
    """
    path = path_inside(root, relative)
    try:
        if _regular_file_status(path, relative).st_size > SMALL:
            raise FileMistakeError(f"'{relative}' is larger than {SMALL // 1024} KiB", remedy)
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(relative, error) from None
    sha256 = hashlib.sha256(content).hexdigest()
    file = RepositoryFile(source=str(relative), sha256=sha256, size=len(content))
    return SmallFile(file, content)


def with_places(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Return the stages with ``stored`` set in each file that the lock set does not contain.

    The smallest files are part of the lock set, up to the limits.
    """
    files = {file for stage in stages for file in stage.files or ()}
    sizes = {file.sha256: file.size for file in files}
    kept, total = set(), 0
    for size, sha256 in sorted((size, sha256) for sha256, size in sizes.items()):
        total += size
        if size <= SMALL and total <= SMALL_TOTAL:
            kept.add(sha256)
    return tuple(_with_places(stage, kept) for stage in stages)


def _with_places(stage: Stage, kept: set[str]) -> Stage:
    if not stage.files:
        return stage
    files = tuple(
        msgspec.structs.replace(file, stored=file.sha256 not in kept) for file in stage.files
    )
    return msgspec.structs.replace(stage, files=files)


def _target(value: str | FileTable) -> str:
    return value.to if isinstance(value, FileTable) else value


def _entry(source: str, value: str | FileTable, root: Path) -> Iterator[OwnFile]:
    """Yield the files of one entry: a file, or all files of a folder."""
    target = _target(value)
    mode = value.mode if isinstance(value, FileTable) else ""
    relative = relative_path(source)
    path = path_inside(root, relative)
    if path.is_dir():
        if not target.endswith("/"):
            problem = f"'{source}' is a folder, but its target {target} does not end with /"
            raise FileMistakeError(problem, f"write {toml_literal(target + '/')}")
        found = list(files_below(root, relative))
        if not found:
            hint = "add a file, or remove the entry: git does not keep empty folders"
            raise FileMistakeError(f"'{source}' is an empty folder", hint)
        for file in found:
            yield own_file(root, file, target + str(file.relative_to(relative)), mode)
    elif source.endswith("/"):
        hint = f"remove the / at its end, as in {toml_literal(source.rstrip('/'))}"
        raise FileMistakeError(f"'{source}' is a file, not a folder", hint)
    else:
        yield own_file(root, relative, target + relative.name * target.endswith("/"), mode)


def relative_path(source: str) -> PurePosixPath:
    """Return a source as a path below the folder of images.toml."""
    path = PurePosixPath(source)
    if path.is_absolute():
        raise FileMistakeError(f"'{source}' is an absolute path", INSIDE)
    if ".." in path.parts:
        raise FileMistakeError(f"'{source}' contains ..", INSIDE)
    if not path.parts:
        raise FileMistakeError(f"'{source}' is the folder of images.toml itself", INSIDE)
    return path


def path_inside(root: Path, relative: PurePosixPath) -> Path:
    """Return the path of a source; symbolic links must stay below the folder of images.toml."""
    try:
        path = (root / relative).resolve(strict=True)
    except (OSError, RuntimeError):
        hint = "correct the path, which is relative to the folder of images.toml"
        raise FileMistakeError(f"'{relative}' does not exist", hint) from None
    if not path.is_relative_to(root.resolve()):
        problem = f"'{relative}' is a symbolic link that leaves the folder of images.toml"
        raise FileMistakeError(problem, "replace the link by a copy of its target")
    parts = path.relative_to(root.resolve()).parts
    if not parts or parts[0] in FOREIGN or ".git" in parts:
        problem = f"'{relative}' belongs to git, or to the lock sets"
        raise FileMistakeError(problem, "name another file or folder")
    return path


def files_below(root: Path, folder: PurePosixPath) -> Iterator[PurePosixPath]:
    """Yield the files of a folder and of the folders in it, sorted."""
    try:
        names = sorted(entry.name for entry in (root / folder).iterdir())
    except OSError as error:
        raise unreadable(folder, error) from None
    for name in names:
        relative = folder / name
        path = root / relative
        if path.is_symlink() and path.is_dir():
            problem = f"'{_printable(relative)}' is a symbolic link to a folder"
            raise FileMistakeError(problem, "remove it, and list that folder itself in files")
        if path.is_dir() and name != ".git":
            yield from files_below(root, relative)
        else:
            yield relative


def own_file(root: Path, relative: PurePosixPath, target: str, mode: str) -> OwnFile:
    """Return a file of the repository; ``mode`` is "" for the one that git knows.

    ``root`` is the folder of images.toml, to which ``relative`` is relative. Raises
    FileMistakeError.
    """
    _check_target(relative, target)
    file = _hashed(root, relative)
    is_executable = (root / relative).stat().st_mode & stat.S_IXUSR
    git_mode = "755" if is_executable else "644"
    return OwnFile(
        source=file.source,
        target=target,
        mode=(mode or git_mode).rjust(4, "0"),
        sha256=file.sha256,
        size=file.size,
    )


def _hashed(root: Path, relative: PurePosixPath) -> RepositoryFile:
    path = path_inside(root, relative)
    try:
        status = _regular_file_status(path, relative)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(relative, error) from None
    return RepositoryFile(source=str(relative), sha256=sha256, size=status.st_size)


def _regular_file_status(path: Path, relative: PurePosixPath) -> os.stat_result:
    """Return the status of a regular file. Raises FileMistakeError for others, and OSError."""
    status = path.stat()
    # Reading a pipe or a device might never end.
    if not stat.S_ISREG(status.st_mode):
        problem = f"'{relative}' is not a regular file"
        raise FileMistakeError(problem, "remove it, or name another file")
    return status


def _check_target(relative: PurePosixPath, target: str) -> None:
    if not target.isprintable():
        problem = f"'{_printable(relative)}' has a line break or an invisible character in its name"
        raise FileMistakeError(problem, "rename the file")
    if target.endswith(" "):
        raise FileMistakeError(f"the target '{target}' ends with a blank", "rename the file")
    for folder in RESERVED:
        if target == folder or target.startswith(f"{folder}/"):
            problem = f"{target} would not be part of the image, because {folder} is mounted"
            raise FileMistakeError(problem, "choose another folder")
    if target in MOUNTED:
        problem = f"{target} would not be part of the image, because Docker mounts it"
        raise FileMistakeError(problem, "choose another file")


def _check_folders(by_target: Mapping[str, OwnFile], path: str, mistakes: Mistakes) -> None:
    """Add a mistake for each file whose path is the folder of another one."""
    for target, file in by_target.items():
        for parent in map(str, PurePosixPath(target).parents):
            if parent in by_target:
                problem = f"{parent} is the target of {by_target[parent].source}, so {target}"
                problem += f" ({file.source}) cannot be below it"
                hint = f"change the target of one of them, or write {toml_literal(parent + '/')}"
                mistakes.add(path, problem, hint=hint)


def unreadable(relative: PurePosixPath, error: OSError) -> FileMistakeError:
    """Return the mistake of a file that cannot be read."""
    problem = f"'{relative}' cannot be read: {error.strerror}"
    return FileMistakeError(problem, "make it readable, or name another file")


def _printable(relative: PurePosixPath) -> str:
    return ascii(str(relative))[1:-1]
