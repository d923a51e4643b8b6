"""Edits of images.toml as text; edits and moves as a JSON document."""

from collections.abc import Iterable, Iterator

import msgspec

from orbiter.diff.moves import Move, Moves, Relation
from orbiter.diff.types import Kind, Step
from orbiter.documents import Document, encode
from orbiter.edit.changes import RequirementChange
from orbiter.edit.images_file import StageRequirement
from orbiter.lockset.model import LockSet


class OneEdit(msgspec.Struct, frozen=True, kw_only=True):
    """A changed requirement: ``old`` is "" for a new one, and ``new`` for a removed one.

    ``place`` is the path of the list in images.toml, and ``stages`` are those that use it.
    """

    place: str
    stages: tuple[str, ...]
    manager: str
    old: str
    new: str


class Because(msgspec.Struct, frozen=True, kw_only=True):
    """The package because of which another one moved.

    requires: it requires the moved one. follows: the moved one requires it, and it has another
    version now. drops: it no longer requires the moved one. ``requirement`` is what the one
    requires of the other, "" if the lock does not record it.
    """

    relation: Relation
    manager: str
    name: str
    version: str
    requirement: str


class OneMove(msgspec.Struct, frozen=True, kw_only=True):
    """A package that moved.

    ``asked`` says that it was asked for. ``because`` is null if so, or if the locks do not record
    the reason. ``root`` is the requested package that led to the move, "" if unknown.
    """

    builder: str
    manager: str
    name: str
    kind: Kind
    step: Step
    old: tuple[str, ...]
    new: tuple[str, ...]
    asked: bool
    because: Because | None
    root: str


class MovesReport(Document, frozen=True, kw_only=True):
    """The result of a command that edits or locks.

    ``locked`` says whether packages were resolved, ``packages`` is the number of locked packages,
    and ``moved`` the number of those that moved, with those that were removed. ``written`` says
    whether the result was written.
    """

    release: str
    locked: bool
    written: bool
    packages: int
    moved: int
    edits: tuple[OneEdit, ...]
    moves: tuple[OneMove, ...]
    warnings: tuple[str, ...]


def render(
    release: str,
    edits: Iterable[RequirementChange],
    locked: LockSet | None = None,
    moves: Moves | None = None,
    *,
    written: bool,
) -> str:
    """Return the report as indented JSON."""
    report = MovesReport(
        release=release,
        locked=locked is not None,
        written=written,
        packages=moves.total if moves else 0,
        moved=moves.count if moves else 0,
        edits=tuple(map(_edit, edits)),
        moves=tuple(map(_move, moves.moves if moves else ())),
        warnings=tuple(map(str, locked.manifest.warnings if locked else ())),
    )
    return encode(report)


def _edit(change: RequirementChange) -> OneEdit:
    return OneEdit(
        place=change.place,
        stages=change.stages,
        manager=change.manager,
        old=change.old,
        new=change.new,
    )


def _move(move: Move) -> OneMove:
    change, cause = move.change, move.cause
    return OneMove(
        builder=move.builder,
        manager=change.manager,
        name=change.name,
        kind=change.kind,
        step=change.step,
        old=change.old,
        new=change.new,
        asked=move.asked,
        because=msgspec.convert(cause, Because, from_attributes=True) if cause else None,
        root=move.root,
    )


def format_edit(
    changes: Iterable[RequirementChange], kept: Iterable[StageRequirement] = ()
) -> Iterator[str]:
    """Yield a line for each requirement that changes, below the list that contains it."""
    yield from _changed_lines(changes)
    yield from _kept_lines(kept)


def _changed_lines(changes: Iterable[RequirementChange]) -> Iterator[str]:
    place = ""
    for change in changes:
        if change.place != place:
            place = change.place
            shared = f" (used by {', '.join(change.stages)})" if place.startswith("sets.") else ""
            yield f"{place}{shared}"
        if change.old and change.new:
            yield f"    {change.old} → {change.new}"
        else:
            yield f"    {'+' if change.new else '-'} {change.new or change.old}"


def _kept_lines(kept: Iterable[StageRequirement]) -> Iterator[str]:
    for entry in kept:
        yield f"{entry.list} already has {entry.text}"
