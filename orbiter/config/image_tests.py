"""The tests of images in images.toml: commands and notebooks, with the files that they need.

They are read from today's images.toml for any release, because they are not part of a lock set.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from orbiter.config.image_set import OwnFile
from orbiter.config.mistakes import Mistakes, key_path
from orbiter.config.own_files import (
    FOREIGN,
    FileMistakeError,
    files_below,
    own_file,
    path_inside,
    relative_path,
)
from orbiter.config.schema import ConfigFile, Image
from orbiter.config.sets import Sets, expand, without_indexes
from orbiter.config.verify_keys import DEFAULT_TIMEOUT

FOLDER = "/orbiter-test/project"
"""The folder in a container that has the files of the tests, where commands start."""
OWN_PROGRAM = "./"
"""Beginning of a command that runs a file of the repository."""
UNIT = re.compile(r"([0-9.]+)(h|ms|m|s)")
SECONDS: Mapping[str, float] = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
CHECKPOINTS = ".ipynb_checkpoints"
"""Folder of copies that Jupyter makes of notebooks."""


class ImageTests(msgspec.Struct, frozen=True, kw_only=True):
    """The tests of an image.

    ``notebooks`` are paths relative to images.toml, as in ``files``. ``timeout`` is the longest
    time of each test, in seconds.
    """

    commands: tuple[str, ...]
    notebooks: tuple[str, ...]
    files: tuple[OwnFile, ...]
    timeout: float


def tests_by_image(file: ConfigFile, root: Path, mistakes: Mistakes) -> dict[str, ImageTests]:
    """Return the tests of the images that have some, by the name of the image's stage.

    ``root`` is the folder of images.toml.
    """
    found = {}
    for builder, images in file.image.items():
        for name, table in images.items():
            path = key_path(key_path("image", builder), name)
            tests = _tests(table, path, file.sets, root, mistakes)
            if tests.commands or tests.notebooks:
                found[f"{builder}-{name}"] = tests
    return found


def _tests(table: Image, path: str, sets: Sets, root: Path, mistakes: Mistakes) -> ImageTests:
    entries = without_indexes(expand(table.verify, f"{path}.verify", sets, mistakes), mistakes)
    commands = {entry.path: entry.text for entry in entries}
    others = _by_path(table.verify_files, f"{path}.verify-files")
    patterns = _by_path(table.verify_notebooks, f"{path}.verify-notebooks")
    notebooks = tuple(_collect(patterns, _notebooks, root, mistakes))
    files = [*_collect(others, _files, root, mistakes), *notebooks]
    files += _collect(commands, _program, root, mistakes)  # last, because programs are executable
    by_source = {file.source: file for file in files}
    return ImageTests(
        commands=tuple(commands.values()),
        notebooks=tuple(sorted({file.source for file in notebooks})),
        files=tuple(by_source[source] for source in sorted(by_source)),
        timeout=seconds(table.verify_timeout or DEFAULT_TIMEOUT),
    )


def seconds(duration: str) -> float:
    """Return a duration such as 1m30s in seconds."""
    return sum(float(number) * SECONDS[unit] for number, unit in UNIT.findall(duration))


def _by_path(entries: tuple[str, ...], path: str) -> dict[str, str]:
    return {f"{path}[{index}]": entry for index, entry in enumerate(entries)}


def _collect(
    entries: Mapping[str, str],
    find: Callable[[str, Path], Iterable[OwnFile]],
    root: Path,
    mistakes: Mistakes,
) -> Iterator[OwnFile]:
    """Yield the files that entries name; add a mistake for each entry that has one."""
    for path, entry in entries.items():
        try:
            yield from tuple(find(entry, root))
        except FileMistakeError as error:
            mistakes.add(path, error.problem, hint=error.hint)


def _program(command: str, root: Path) -> Iterator[OwnFile]:
    """Yield the program of the repository that a command runs, if it does."""
    if command.startswith(OWN_PROGRAM):
        relative = relative_path(command.split(maxsplit=1)[0])
        if path_inside(root, relative).is_dir():
            raise FileMistakeError(f"'{relative}' is a folder", "name a program in it")
        yield _file(root, relative, mode="0755")


def _files(source: str, root: Path) -> Iterator[OwnFile]:
    """Yield a file, or all files of a folder."""
    relative = relative_path(source)
    if not path_inside(root, relative).is_dir():
        yield _file(root, relative)
        return
    for found in files_below(root, relative):
        yield _file(root, found)


def _notebooks(pattern: str, root: Path) -> Iterator[OwnFile]:
    """Yield the notebooks that a pattern matches; raise FileMistakeError if none does."""
    relative_path(pattern)
    found = False
    for path in _matches(pattern, root):
        relative = PurePosixPath(path.relative_to(root))
        if relative.parts[0] not in FOREIGN and CHECKPOINTS not in relative.parts:
            yield _file(root, relative)
            found = True
    if not found:
        hint = "correct the pattern, which is relative to the folder of images.toml"
        raise FileMistakeError(f"no notebook matches '{pattern}'", hint)


def _matches(pattern: str, root: Path) -> Iterable[Path]:
    try:
        return sorted(root.glob(pattern))
    except (ValueError, OSError) as error:
        hint = "write it as in tests/*.ipynb"
        raise FileMistakeError(f"'{pattern}' is not a pattern of files: {error}", hint) from None


def _file(root: Path, relative: PurePosixPath, mode: str = "") -> OwnFile:
    return own_file(root, relative, f"{FOLDER}/{relative}", mode)
