"""History of a package over the lock sets of all releases, or over the tags of a git repository."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from orbiter import git
from orbiter.diff.compare import diff
from orbiter.diff.types import Change
from orbiter.lockfiles import git_revision
from orbiter.lockfiles.named import load_lock
from orbiter.lockfiles.pip_files import normalise
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from orbiter.lockset import folder
from resolvers.errors import ExpectedError, ProgramError

DATE_LENGTH = len("2026-01-31")


class Revision(NamedTuple):
    """A release or tag, its date, and a function that reads its lock."""

    name: str
    date: str
    load: Callable[[], Lock]


class HistoryEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the package in one release."""

    release: str
    date: str
    change: Change


def release_revisions(locks: Path = folder.LOCKS) -> list[Revision]:
    """Return all locked releases, the oldest first. Raises ExpectedError if there are none."""
    releases = folder.releases(locks)
    if not releases:
        raise ExpectedError(
            f"no lock set in {locks}/", "lock a release, or name a lock file with --git PATH"
        )
    # The locks are read later, one at a time.
    return [
        Revision(release, _cutoff_date(release, locks), partial(load_lock, release, locks))
        for release in releases
    ]


def _cutoff_date(release: str, locks: Path) -> str:
    lock_set = folder.read(folder.release_folder(release, locks))
    return lock_set.manifest.cutoff[:DATE_LENGTH]


def tag_revisions(path: str) -> list[Revision]:
    """Return all tags that contain a lock file, in the order of their creation.

    git runs in the current folder. Raises ExpectedError if there is no such tag.
    """
    path = os.path.relpath(path)
    tags = _list_tags()
    if not tags:
        raise ExpectedError(
            "the git repository has no tags",
            "tag its releases, or fetch the tags: git fetch --tags",
        )
    revisions = [
        Revision(tag, date, partial(_read_tag, tag, path))
        for tag, date in tags
        if _contains_file(tag, path)
    ]
    if not revisions:
        raise ExpectedError(
            f"no tag of the git repository contains '{path}'",
            "name the lock file relative to the current folder",
        )
    return revisions


def _list_tags() -> list[tuple[str, str]]:
    """Return the names and dates of all tags in the order of their creation."""
    fields = "--format=%(refname:short)%09%(creatordate:short)"
    try:
        output = git.run("for-each-ref", "--sort=creatordate", fields, "refs/tags")
    except ProgramError as error:
        raise ExpectedError(
            "the current folder is not in a git repository",
            "change into the repository with the lock file",
        ) from error
    lines = (line.partition("\t") for line in output.splitlines())
    return [(tag, date) for tag, _, date in lines]


def _contains_file(tag: str, path: str) -> bool:
    try:
        return bool(git.run("ls-tree", "--name-only", f"refs/tags/{tag}", "--", path).strip())
    except ProgramError:
        return False  # a tag may refer to something other than a commit


def _read_tag(tag: str, path: str) -> Lock:
    from orbiter.lockfiles import recognise

    return recognise.read(f"{tag}:{path}", git_revision.read_file(f"refs/tags/{tag}", path))


def history(
    name: str,
    revisions: Iterable[Revision],
    managers: tuple[str, ...] = (),
    skipped: Callable[[ExpectedError], None] = lambda _error: None,
) -> Iterator[HistoryEvent]:
    """Yield the changes of all packages with a name, in the order of the revisions.

    Calls ``skipped`` for each revision whose lock cannot be read.
    """
    previous = Lock(name="", format="", packages={})
    for revision in revisions:
        try:
            current = _restrict_to_name(revision.load(), name, managers)
        except ExpectedError as error:
            skipped(error)
            continue
        for change in diff(*_with_same_scopes(previous, current)).changes:
            yield HistoryEvent(release=revision.name, date=revision.date, change=change)
        previous = current


def _restrict_to_name(lock: Lock, name: str, managers: tuple[str, ...]) -> Lock:
    spellings = {name, name.lower(), normalise(name)}
    packages: dict[Scope, tuple[PackageEntry, ...]] = {}
    for scope, all_packages in lock.packages.items():
        named = (package for package in all_packages if package.name in spellings)
        packages[scope] = tuple(
            package for package in named if not managers or package.manager in managers
        )
    return replace(lock, packages=packages, facts={}, notes=(), lock_set=None)


def _with_same_scopes(old: Lock, new: Lock) -> tuple[Lock, Lock]:
    """Return both locks with the scopes of either.

    Otherwise a package that a new platform adds would not count as added.
    """
    empty: dict[Scope, tuple[()]] = dict.fromkeys({**old.packages, **new.packages}, ())
    return (
        replace(old, packages={**empty, **old.packages}),
        replace(new, packages={**empty, **new.packages}),
    )
