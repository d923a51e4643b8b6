"""The files of locked packages on the index, and the checks of their metadata."""

from collections.abc import Iterable, Mapping
from email.message import Message
from email.parser import HeaderParser
from typing import NamedTuple

from resolvers.errors import ExpectedError
from resolvers.index.index_file import IndexFile, supports
from resolvers.index.metadata import MetadataReader
from resolvers.index.routes import files_of
from resolvers.types.packages import Pin
from resolvers.types.request import Request

_metadata = MetadataReader()
NO_INDEXES: Mapping[str, str] = {}


class LockedFile(NamedTuple):
    """A pin, and its file on the index."""

    pin: Pin
    file: IndexFile


def locked_files(
    pins: Iterable[Pin], indexes: Mapping[str, str] = NO_INDEXES
) -> tuple[LockedFile, ...]:
    """Return the index's file for each pin, sorted by pin; without files that it does not have.

    ``indexes`` maps the names of indexes in images.toml to addresses. Raises HTTPError.
    """
    found = []
    for pin in sorted(pins):
        offered = files_of(pin.artifact, indexes)
        candidates = (file for file in offered if _is_same(pin, file))
        found += [LockedFile(pin, file) for file in candidates][:1]
    return tuple(found)


def _is_same(pin: Pin, file: IndexFile) -> bool:
    algorithm, _, digest = pin.artifact.hash.partition(":")
    return file.name == pin.artifact.file and file.hashes.get(algorithm, digest) == digest


def headers(file: IndexFile) -> Message:
    """Return the headers in a wheel's METADATA; without any for an sdist. Raises HTTPError."""
    if not file.name.endswith(".whl"):
        return Message()
    return HeaderParser().parsestr(_metadata.read(file).decode("utf-8", "replace"))


def check_python(request: Request, files: Iterable[LockedFile]) -> None:
    """Raise ExpectedError for files whose Requires-Python excludes the image's Python.

    uv ignores upper bounds, and an index may omit Requires-Python from its pages.
    """
    python = request.targets[0].python
    problems: dict[str, str] = {}
    for pin, file in files:
        required = file.requires_python or headers(file).get("Requires-Python", "")
        if not supports(required, python):
            problems[pin.name] = f"{pin.name} {pin.version} requires Python {required}"
    if problems:
        raise ExpectedError(
            f"{', '.join(problems.values())}, but the image has Python {python}",
            f"require another version of {', '.join(problems)}",
        )
