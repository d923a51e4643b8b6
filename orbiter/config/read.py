"""Read images.toml and describe its format as a JSON Schema."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orbiter.config import resolve
from orbiter.config.advisory_keys import IgnoredAdvisory
from orbiter.config.builders import NO_IMAGES
from orbiter.config.check_keys import LicencesTable, LintTable
from orbiter.config.decode import EMPTY, MISSING, decode
from orbiter.config.image_set import ImageSet
from orbiter.config.image_tests import ImageTests, tests_by_image
from orbiter.config.mistakes import ConfigError, Mistake, Mistakes
from orbiter.config.schema import ConfigFile
from orbiter.conflicts import MARKERS, conflict_line

CREATE_HINT = "create one: orbiter init; or name the folder that has one: orbiter -C DIR"
IMPORT_HINT = f"create one from the files of this folder: orbiter import .\n  or {CREATE_HINT}"
IMPORTED = ("requirements.txt", "environment.yml", "binder", ".binder")
"""Names in a folder that orbiter import reads as repo2docker does; only the usual ones."""
CONFLICT_HINT = "write what both sides need, remove the markers, then run: orbiter lock --merge"


def read_image_set(path: Path, root: Path | None = None) -> ImageSet:
    """Read images.toml.

    ``root`` is the folder to which own files are relative, by default that of images.toml. Raises
    ConfigError with all mistakes of the file.
    """
    return _read(path, root)


def read_incomplete_image_set(path: Path) -> ImageSet:
    """Read an images.toml that may still lack builders and images, because an import adds them.

    Raises ConfigError with all other mistakes of the file.
    """
    return _read(path, None, is_mistake=lambda mistake: not _is_incomplete(mistake))


def image_set_of(text: str, path: Path, label: str) -> ImageSet:
    """Return the image set of a text that is not in the file ``path`` yet.

    Raises ConfigError with ``label`` in place of the file's name, and without lines, because nobody
    can see the text.
    """
    mistakes = Mistakes()
    file = decode(ConfigFile, _parse(text, path), mistakes)
    image_set = resolve.image_set(file, path.parent, mistakes)
    if mistakes.all:
        raise ConfigError(label, mistakes.all)
    return image_set


def read_lint_keys(path: Path) -> LintTable:
    """Read the settings of lint in images.toml; the defaults if there is no such file.

    Raises ConfigError with the mistakes in the form of the file.
    """
    file = read_form(path)
    return file.lint if file else LintTable()


def read_licence_keys(path: Path) -> LicencesTable:
    """Read the settings about licences in images.toml; the defaults if there is no such file.

    Raises ConfigError with the mistakes in the form of the file.
    """
    file = read_form(path)
    return file.licences if file else LicencesTable()


def read_ignored_advisories(path: Path) -> tuple[IgnoredAdvisory, ...]:
    """Read the decisions about advisories in images.toml; empty if there is no such file.

    Raises ConfigError with the mistakes in the form of the file.
    """
    file = read_form(path)
    return file.ignore_advisory if file else ()


def requires_audit(path: Path) -> bool:
    """Return whether images.toml wants an audit before images are pushed or recorded.

    Raises ConfigError with the mistakes in the form of the file.
    """
    file = read_form(path)
    return file is not None and file.require_audit


def read_image_tests(path: Path) -> Mapping[str, ImageTests]:
    """Read the tests of images in images.toml, by image; empty if there is no such file.

    Raises ConfigError with the mistakes in the form of the file and in the tests.
    """
    found: dict[str, ImageTests] = {}

    def resolve_tests(file: ConfigFile, mistakes: Mistakes) -> None:
        found.update(tests_by_image(file, path.parent, mistakes))

    read_form(path, resolve_tests)
    return found


def read_form(
    path: Path, check: Callable[[ConfigFile, Mistakes], None] = lambda _file, _mistakes: None
) -> ConfigFile | None:
    """Read the keys as people write them, without resolving them; None if there is no file.

    ``check`` adds further mistakes.
    """
    if not path.exists():
        return None
    mistakes = Mistakes()
    text = _read_text(path)
    file = decode(ConfigFile, _parse(text, path), mistakes)
    check(file, mistakes)
    if mistakes.all:
        raise ConfigError(str(path), _with_lines(mistakes.all, text))
    return file


def _read(
    path: Path,
    root: Path | None,
    is_mistake: Callable[[Mistake], bool] = lambda _mistake: True,
) -> ImageSet:
    mistakes = Mistakes()
    text = _read_text(path)
    file = decode(ConfigFile, _parse(text, path), mistakes)
    image_set = resolve.image_set(file, root or path.parent, mistakes)
    remaining = tuple(filter(is_mistake, mistakes.all))
    if remaining:
        raise ConfigError(str(path), _with_lines(remaining, text))
    return image_set


def _is_incomplete(mistake: Mistake) -> bool:
    if mistake.key in {"builder", "image"}:
        return mistake.problem in {MISSING, EMPTY}
    return mistake.problem == NO_IMAGES


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of images.toml, for editors."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "images.toml"}
    return dialect | msgspec.json.schema(ConfigFile)


def _read_text(path: Path) -> str:
    # Opening a named pipe would wait for a writer for ever.
    if path.is_fifo() or path.is_char_device() or path.is_block_device():
        mistake = Mistake(key="", problem="is not a regular file", hint="replace it by a file")
        raise ConfigError(str(path), (mistake,))
    try:
        # utf-8-sig, because editors on Windows may start a file with a byte order mark
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        mistake = Mistake(key="", problem="file not found", hint=_create_hint(path.parent))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        mistake = Mistake(key="", problem=problem, hint="make images.toml a readable file")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
        mistake = Mistake(key="", problem=problem, hint="save the file as UTF-8")
    raise ConfigError(str(path), (mistake,))


def _create_hint(folder: Path) -> str:
    """Return how to make the missing images.toml of a folder."""
    return IMPORT_HINT if any((folder / name).exists() for name in IMPORTED) else CREATE_HINT


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mistake = _syntax_mistake(str(error), text)
    except (ValueError, RecursionError):
        # tomllib passes on the errors of int() and of the interpreter's stack.
        problem = "contains a number with too many digits, or too many nested brackets"
        mistake = Mistake(key="", problem=problem, hint="`orbiter schema` describes every key")
    raise ConfigError(str(path), (mistake,))


def _with_lines(mistakes: tuple[Mistake, ...], text: str) -> tuple[Mistake, ...]:
    from orbiter.config.lines import key_lines, line_of  # only needed if there is a mistake

    lines = key_lines(text)
    return tuple(
        msgspec.structs.replace(mistake, line=line_of(mistake.key, lines)) for mistake in mistakes
    )


def _syntax_mistake(message: str, text: str) -> Mistake:
    """Return the mistake of a text that is not TOML: conflict markers, or tomllib's error."""
    if line := conflict_line(text.encode()):
        return Mistake(key="", problem=MARKERS, hint=CONFLICT_HINT, line=line)
    return _toml_mistake(message, text)


def _toml_mistake(message: str, text: str) -> Mistake:
    """Return a TOML error with its line and column as the key."""
    # tomllib has no attributes for the position before Python 3.14
    pattern = r"(.*) \((?:at line (\d+), column (\d+)|at end of document)\)"
    match = re.fullmatch(pattern, message, re.DOTALL)
    problem, line, column = match.groups() if match else (message, None, None)
    lines = text.split("\n")
    position = f"line {line or len(lines)}, column {column or len(lines[-1]) + 1}"
    return Mistake(key=position, problem=problem, hint=_syntax_hint(problem))


def _syntax_hint(problem: str) -> str:
    if "twice" in problem or "overwrite" in problem:
        return "a key or table may occur only once: merge the two, or rename one"
    return "write key = value, with strings in quotes and lists as [a, b]"
