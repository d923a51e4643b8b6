"""TOML files that people write: their text, its values, and the lines of mistakes."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from orbiter.config.mistakes import KEYS_HINT, ConfigError, Mistake
from orbiter.conflicts import MARKERS, conflict_line
from orbiter.files import is_special

CONFLICT_HINT = "write what both sides need, remove the markers, then run: orbiter lock --merge"


def read_text(path: Path, missing_hint: str) -> str:
    """Return the text of a file; ``missing_hint`` is the remedy if there is no such file.

    Raises ConfigError if it cannot be read.
    """
    if is_special(path):
        mistake = Mistake(key="", problem="is not a regular file", hint="replace it by a file")
        raise ConfigError(str(path), (mistake,))
    try:
        # utf-8-sig, because editors on Windows may start a file with a byte order mark
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        mistake = Mistake(key="", problem="file not found", hint=missing_hint)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        mistake = Mistake(key="", problem=problem, hint=f"make {path.name} a readable file")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
        mistake = Mistake(key="", problem=problem, hint="save the file as UTF-8")
    raise ConfigError(str(path), (mistake,))


def parse(text: str, path: Path, keys_hint: str = KEYS_HINT) -> dict[str, Any]:
    """Return the values of a text; raise ConfigError if it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mistake = _syntax_mistake(str(error), text)
    except (ValueError, RecursionError):
        # tomllib passes on the errors of int() and of the interpreter's stack.
        problem = "contains a number with too many digits, or too many nested brackets"
        mistake = Mistake(key="", problem=problem, hint=keys_hint)
    raise ConfigError(str(path), (mistake,))


def with_lines(mistakes: tuple[Mistake, ...], text: str) -> tuple[Mistake, ...]:
    """Return the mistakes with their lines in the text."""
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
