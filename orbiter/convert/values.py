"""Values in parsed files of other tools, which may have a wrong type or be nested too deeply."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from resolvers.errors import ExpectedError

DEEPEST = 40
"""Tables and lists in each other; files of other tools need fewer than ten."""
LARGEST = 1 << 64
"""Python cannot print integers of any length."""


def check_values(file: Path, data: object) -> None:
    """Raise ExpectedError if values are nested too deeply, or a number is too long."""
    level = [data]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inner(value)]
        if any(isinstance(value, int) and abs(value) > LARGEST for value in level):
            raise ExpectedError(f"{file} cannot be read: a number is too long", "correct the file")
        if not level:
            return
    raise ExpectedError(f"{file} cannot be read: it is nested too deeply", "correct the file")


def _inner(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def table_at(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the table of a key; an empty one for any other value."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def list_at(data: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list of a key; an empty one for any other value."""
    value = data.get(key)
    return value if isinstance(value, list) else []


def tables(values: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield the tables of a list."""
    yield from (value for value in values if isinstance(value, dict))


def strings(value: object) -> Iterator[str]:
    """Yield the entries of a list as texts; a single value counts as a list of one."""
    for entry in value if isinstance(value, list) else [value]:
        if entry is not None:
            yield str(entry)
