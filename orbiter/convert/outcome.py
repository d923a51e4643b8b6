"""What a file of another tool asks for, in Orbiter's words."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from orbiter.config.toml_edit import ListItem


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a file that is not carried over, without any secret, and why."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into one stage's lists, by manager and as written, and the channels of conda that it comes from."""

    requirements: Mapping[str, tuple[ListItem, ...]]
    channels: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What became of something in the file of an image set that is not carried over as it stands there.

    ``table`` is that of images.toml which it concerns (``image.alpine.base.build``), "" for the file as a whole.
    """

    kind: Literal["left out", "changed", "kept"]
    table: str = ""
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind}: {f'{self.table}: ' if self.table else ''}{self.what}: {self.why}"


class Notes:
    """Collects notes in their order, each once."""

    def __init__(self) -> None:
        self._found: dict[Note, None] = {}

    def add(
        self, kind: Literal["left out", "changed", "kept"], table: str, what: str, why: str
    ) -> None:
        """Note what became of something, and why."""
        self._found[Note(kind=kind, table=table, what=what, why=why)] = None

    @property
    def all(self) -> tuple[Note, ...]:
        """What was noted, in that order."""
        return tuple(self._found)
