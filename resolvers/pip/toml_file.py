"""Lock files in TOML: parsed once, however often they are read."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import tomli  # compiled: it reads a large lock in a third of tomllib's time

from resolvers.errors import ExpectedError
from resolvers.types.packages import LockFiles

Table = Mapping[str, Any]
"""A table of TOML; the type of its values depends on the format of the file."""


def read_toml(files: LockFiles, name: str) -> Table:
    """Return the contents of one of the files; raise ExpectedError if it is not valid TOML."""
    try:
        return parse(files[name])
    # Absurd numbers and depths raise errors other than TOMLDecodeError.
    except (ValueError, RecursionError) as error:
        raise ExpectedError(
            f"{name} is not valid TOML: {error}", "restore it from git, or lock again"
        ) from error


@lru_cache(maxsize=4)  # the same lock is read for many stages, platforms and checks
def parse(text: str) -> Table:
    """Return the contents of a TOML text. Raises TOMLDecodeError, ValueError or RecursionError."""
    return tomli.loads(text)


def toml_string(value: str) -> str:
    """Return the value as a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False)


def toml_array(values: Iterable[str]) -> str:
    """Return an array of strings, one per line, with the newline that ends it."""
    lines = "".join(f"    {toml_string(value)},\n" for value in values)
    return f"[\n{lines}]\n"
