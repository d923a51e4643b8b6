"""images.toml: what people write, read once into frozen types."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from orbiter.config import decode, resolve
from orbiter.config.image_set import ImageSet
from orbiter.config.mistakes import ConfigError, Mistake, Mistakes
from orbiter.config.schema import ConfigFile


def read_image_set(path: Path) -> ImageSet:
    """Read images.toml. Raises ConfigError with all mistakes of the file at once."""
    mistakes = Mistakes()
    file: ConfigFile = decode.read(ConfigFile, _parse(path), "", mistakes)
    image_set = resolve.image_set(file, mistakes)
    if mistakes.all:
        raise ConfigError(str(path), mistakes.all)
    return image_set


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of images.toml, for editors."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "images.toml"}
    return dialect | msgspec.json.schema(ConfigFile)


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        problem, key, hint = "the file does not exist", "", "`orbiter init` writes a starter"
    except OSError as error:
        problem, key, hint = (
            f"cannot be read: {error.strerror}",
            "",
            "images.toml is a file that you can read",
        )
    except UnicodeDecodeError as error:
        problem, key, hint = f"byte {error.start} is not UTF-8", "", "save the file as UTF-8"
    except tomllib.TOMLDecodeError as error:
        problem, key = _syntax(str(error), text)
        hint = _syntax_hint(problem)
    raise ConfigError(str(path), (Mistake(key=key, problem=problem, hint=hint),))


def _syntax(error: str, text: str) -> tuple[str, str]:
    """What is wrong with the TOML, and its line and column."""
    found = re.fullmatch(
        r"(.*) \((?:at line (\d+), column (\d+)|at end of document)\)", error, re.DOTALL
    )
    problem, line, column = found.groups() if found else (error, None, None)
    lines = text.split("\n")
    return problem, f"line {line or len(lines)}, column {column or len(lines[-1]) + 1}"


def _syntax_hint(problem: str) -> str:
    if "twice" in problem or "overwrite" in problem:
        return "a key or table stands once in a file: merge the two, or rename one"
    return "write key = value, texts in quotes, lists in [ ] with commas"
