"""The outcome of an import: requirements in Orbiter's syntax, and what was left out or changed."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from orbiter.config.toml_edit import ListItem

NoteKind = Literal["left out", "changed", "kept"]


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a file that was not imported, without any secret, and the reason."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class ImportedRequirements(msgspec.Struct, frozen=True, kw_only=True):
    """The requirements for the lists of one stage, by manager, and their conda channels."""

    requirements: Mapping[str, tuple[ListItem, ...]]
    channels: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an image set's file that was not imported unchanged.

    ``table`` is the table of images.toml that it belongs to (``image.alpine.base.build``), "" for
    the whole file.
    """

    kind: NoteKind
    table: str = ""
    what: str
    why: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.kind, self.table, self.what, self.why)))


class Notes:
    """Collects notes in order and without duplicates."""

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}

    def add(self, kind: NoteKind, table: str, what: str, why: str) -> None:
        """Add a note."""
        self._notes[Note(kind=kind, table=table, what=what, why=why)] = None

    @property
    def all(self) -> tuple[Note, ...]:
        """All notes, in the order in which they were added."""
        return tuple(self._notes)
