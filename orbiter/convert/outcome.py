"""The outcome of an import: requirements in Orbiter's syntax, and what was left out or changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from orbiter.config.toml_format import ListItem

NoteKind = Literal["left out", "changed", "kept"]


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a file that was not imported, without any secret, and the reason."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a file that was imported in another form, or an addition to it, and the reason."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The choices for an import.

    ``root`` is the folder of images.toml, to which paths in it are relative. ``groups`` are the
    groups, extras and features to import besides what a file always installs. With ``direct``,
    pins that only other packages require are left out.
    """

    platforms: tuple[str, ...]
    root: Path
    groups: frozenset[str] = frozenset()
    direct: bool = False


class ImportedRequirements(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a file for one image.

    ``requirements`` are for the lists of one stage, by manager, and ``channels`` for its builder.
    ``code`` has the packages that may run code, by their key (``pip-sdist``). ``constraints``,
    ``overrides``, ``npm_overrides`` and ``python`` are for the builder, ``indexes`` are addresses
    of package indexes by name. ``image`` has lists of the final stage by their key (``postbuild``),
    and ``files`` its own files.
    """

    requirements: Mapping[str, tuple[ListItem, ...]]
    channels: tuple[str, ...] = ()
    code: Mapping[str, tuple[str, ...]] = {}
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    npm_overrides: Mapping[str, str | Mapping[str, str]] = {}
    python: str = ""
    indexes: Mapping[str, str] = {}
    image: Mapping[str, tuple[ListItem, ...]] = {}
    files: Mapping[str, str] = {}
    changed: tuple[Changed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing of the file can be imported."""
        content = msgspec.structs.asdict(self)
        return not any(content[key] for key in content.keys() - {"changed", "left_out"})


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
