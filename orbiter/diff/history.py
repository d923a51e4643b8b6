"""In which release each version of a package appeared: over all lock sets, or over the tags of a git repository."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from orbiter.diff.compare import diff
from orbiter.diff.types import Change
from orbiter.lockfiles.named import git_blob, load_lock
from orbiter.lockfiles.pip_files import normalise
from orbiter.lockfiles.types import Lock, Scope
from orbiter.lockset import folder
from resolvers import process
from resolvers.errors import ExpectedError, ProgramError


class Revision(NamedTuple):
    """One release or tag, the day of it, and the way to its lock."""

    name: str
    date: str
    lock: Callable[[], Lock]


class HistoryEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the package in one release."""

    release: str
    date: str
    change: Change


def release_revisions(locks: Path = folder.LOCKS) -> list[Revision]:
    """All locked releases, the oldest first. Raises ExpectedError where there is none."""
    found = [
        (name, folder.read(folder.release_folder(name, locks)).manifest.cutoff[:10])
        for name in folder.releases(locks)
    ]
    if not found:
        raise ExpectedError(
            f"there is no lock set under {locks}/",
            "lock a release, or name a lock file with --git PATH",
        )
    return [Revision(name, date, lambda name=name: load_lock(name, locks)) for name, date in found]  # type: ignore[misc] # binds now


def tag_revisions(path: str) -> list[Revision]:
    """All tags that have a lock file at ``path``, in the order in which they were made; git runs in the working folder.

    Raises ExpectedError where there is none.
    """
    path = os.path.relpath(path)
    fields = "--format=%(refname:short)%09%(creatordate:short)"
    try:
        listed = process.run(
            ["git", "for-each-ref", "--sort=creatordate", fields, "refs/tags"], name="git"
        )
    except ProgramError as error:
        raise ExpectedError(
            "this folder is in no git repository", "change into the one with the lock file"
        ) from error
    tags = [line.split("\t") for line in listed.splitlines()]
    if not tags:
        raise ExpectedError(
            "this git repository has no tags", "tag its releases, or fetch them: git fetch --tags"
        )
    having = [(tag, date) for tag, date in tags if _has(tag, path)]
    if not having:
        raise ExpectedError(
            f"no tag of this git repository has a file '{path}'",
            "name the lock file as it lies here",
        )
    return [Revision(tag, date, lambda tag=tag: _of_tag(tag, path)) for tag, date in having]  # type: ignore[misc] # binds now


def _has(tag: str, path: str) -> bool:
    try:
        return bool(
            process.run(
                ["git", "ls-tree", "--name-only", f"refs/tags/{tag}", "--", path], name="git"
            ).strip()
        )
    except ProgramError:
        return False  # a tag need not be on a commit


def _of_tag(tag: str, path: str) -> Lock:
    from orbiter.lockfiles import recognise

    return recognise.read(f"{tag}:{path}", git_blob(f"refs/tags/{tag}", path))


def history(
    name: str,
    revisions: Iterable[Revision],
    managers: tuple[str, ...] = (),
    skipped: Callable[[ExpectedError], None] = lambda _error: None,
) -> Iterator[HistoryEvent]:
    """What became of every package of that name, in the order of the revisions; nothing where it stayed the same.

    ``skipped`` is told of each revision whose lock cannot be read.
    """
    before = Lock(name="", format="", packages={})
    for revision in revisions:
        try:
            after = _of_name(revision.lock(), name, managers)
        except ExpectedError as error:
            skipped(error)
            continue
        for change in diff(*_at_same_places(before, after)).changes:
            yield HistoryEvent(release=revision.name, date=revision.date, change=change)
        before = after


def _of_name(lock: Lock, name: str, managers: tuple[str, ...]) -> Lock:
    spellings = {name, name.lower(), normalise(name)}
    packages = {
        place: tuple(
            p for p in found if p.name in spellings and (not managers or p.manager in managers)
        )
        for place, found in lock.packages.items()
    }
    return replace(lock, packages=packages, facts={}, notes=())


def _at_same_places(old: Lock, new: Lock) -> tuple[Lock, Lock]:
    """Both with all places of either: a package that comes with a new platform has come, too."""
    places = dict.fromkeys({**old.packages, **new.packages}, ())
    empty: dict[Scope, tuple[()]] = dict(places)
    return replace(old, packages={**empty, **old.packages}), replace(
        new, packages={**empty, **new.packages}
    )
