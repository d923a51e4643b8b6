"""Read images.toml and describe its format as a JSON Schema."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from orbiter.config import resolve
from orbiter.config.decode import decode
from orbiter.config.image_set import ImageSet
from orbiter.config.mistakes import ConfigError, Mistake, Mistakes
from orbiter.config.schema import ConfigFile


def read_image_set(path: Path) -> ImageSet:
    """Read images.toml.

    Raises ConfigError with all mistakes of the file.
    """
    mistakes = Mistakes()
    file = decode(ConfigFile, _parse(path), mistakes)
    image_set = resolve.image_set(file, mistakes)
    if mistakes.all:
        raise ConfigError(str(path), mistakes.all)
    return image_set


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of images.toml, for editors."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "images.toml"}
    return dialect | msgspec.json.schema(ConfigFile)


def _parse(path: Path) -> dict[str, Any]:
    try:
        # utf-8-sig, because editors on Windows may start a file with a byte order mark
        text = path.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        mistake = Mistake(key="", problem="file not found", hint="create one: orbiter init")
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        mistake = Mistake(key="", problem=problem, hint="make images.toml a readable file")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
        mistake = Mistake(key="", problem=problem, hint="save the file as UTF-8")
    except tomllib.TOMLDecodeError as error:
        mistake = _syntax_mistake(str(error), text)
    raise ConfigError(str(path), (mistake,))


def _syntax_mistake(message: str, text: str) -> Mistake:
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
