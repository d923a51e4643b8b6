"""Parse invoke.yaml; lists keep the names of their YAML anchors, which become names of sets."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orbiter.config.builders import CONDA_BUILDER
from orbiter.convert.yaml_comments import entry_comments
from resolvers.errors import ExpectedError
from resolvers.yaml_depth import deep_position

ANCHOR = re.compile(
    r"""
    ^( [ \t]* (?:-[ ]+)* (?:[\w.-]+:[ \t]+)? )
    & ([\w-]+)
    (?= [ \t]*\r?$ | [ \t]+[^ \t!] )
    """,
    re.MULTILINE | re.VERBOSE,
)
TAG = "!anchor."
"""The prefix of the tag that is added to an anchor.

A YAML parser drops anchors, but it keeps tags, also for an alias of a tagged value.
"""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A list with an anchor.

    ``name`` is the anchor as the name of a set: ``&alpine_core`` becomes ``alpine-core``.
    """

    name: str
    items: tuple[Any, ...]


def parse(file: str, text: str) -> dict[str, Any]:
    """Return the data of an invoke.yaml.

    Raises ExpectedError with the name of the file if it is not an image set.
    """
    import yaml12

    if deep_position(text) is not None:
        raise ExpectedError(f"{file} cannot be read: it is nested too deeply", "correct the YAML")
    tagged = ANCHOR.sub(rf"\1{TAG}\2 &\2", text)
    try:
        data = _plain(yaml12.parse_yaml(tagged))
    except ValueError as error:
        raise ExpectedError(f"{file} cannot be read: {error}", "correct the YAML") from None
    if isinstance(data, dict) and "dependencies" in data:
        raise ExpectedError(
            f"{file} has the packages of one image, and --image does not say which",
            f"run orbiter import {file} --image {CONDA_BUILDER}-base; "
            "an image that is missing is added to images.toml",
        )
    if not _is_image_set(data):
        raise ExpectedError(
            f"{file} is not an image set: it has no 'build' with builders and their images",
            "to import the packages of one image: "
            f"orbiter import FILE --image {CONDA_BUILDER}-base",
        )
    return dict(data)


def is_image_set(text: str) -> bool:
    """Return whether a text describes a whole image set: ``build`` with builders and images."""
    try:
        parse("", text)
    except ExpectedError:
        return False
    return True


def comments(text: str) -> Mapping[str, str]:
    """Return the comments of list entries, by entry; only of entries that occur once."""
    pairs = list(entry_comments(text))
    # A comment is matched by its entry's text only, so it is ambiguous for repeated entries.
    counts = Counter(entry for entry, _ in pairs)
    return {entry: comment for entry, comment in pairs if comment and counts[entry] == 1}


def flat(value: object) -> Iterator[Any]:
    """Yield the entries of a list and of the lists in it; a single value counts as a list."""
    if isinstance(value, Shared):
        value = list(value.items)
    if isinstance(value, list):
        for entry in value:
            yield from flat(entry)
    elif value is not None:
        yield value


def _plain(value: Any) -> Any:
    """Return the parsed value with Shared for tagged lists, and without all other tags."""
    import yaml12

    if isinstance(value, yaml12.Yaml):
        inner, tag = _plain(value.value), str(value.tag)
        if isinstance(inner, list) and tag.startswith(TAG):
            return Shared(name=_set_name(tag.removeprefix(TAG)), items=tuple(inner))
        return inner
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(entry) for key, entry in value.items()}
    return value


def _set_name(anchor: str) -> str:
    return re.sub("[^a-z0-9]+", "-", anchor.lower()).strip("-") or "shared"


def _is_image_set(data: object) -> bool:
    build = data.get("build") if isinstance(data, dict) else None
    return any(_is_image(image) for builder in _tables(build) for image in _entries(builder))


def _tables(value: object) -> Iterator[dict[str, Any]]:
    yield from (entry for entry in _entries(value) if isinstance(entry, dict))


def _entries(value: object) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()


def _is_image(value: object) -> bool:
    return isinstance(value, dict) and ("image" in value or "builder" in value)
