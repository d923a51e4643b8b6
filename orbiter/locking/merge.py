"""Combines the lock sets of both sides of a git merge into one to start from."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import fields

from orbiter.lockfiles import git_revision
from orbiter.lockset import folder, git_files
from orbiter.lockset.downloads import merged_downloads
from orbiter.lockset.inputs import LOCK_FILES, locked_files
from orbiter.lockset.model import (
    SNAPSHOT,
    BuilderFacts,
    Installer,
    LockSet,
    LockSetError,
    RecordedWarning,
    seal,
)
from resolvers.errors import ExpectedError

T = TypeVar("T")
OURS = "HEAD"
NO_DIGESTS: Mapping[str, str] = {}
NO_INSTALLERS: tuple[Installer, ...] = ()
NO_WARNINGS: tuple[RecordedWarning, ...] = ()


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a lock set that one manager of a builder has."""

    files: Mapping[str, str] = {}
    inputs: str = ""
    warnings: tuple[RecordedWarning, ...] = ()


def merged_lock_set(release: str, locks: Path = folder.LOCKS) -> LockSet | None:
    """Return the pins of both sides of the merge that git has not finished.

    Raises ExpectedError if git merges nothing, and LockSetError if the release was recorded on one
    side or if its lock set is broken there.
    """
    merge = git_files.unfinished_merge(locks)
    if merge is None:
        path = locks / release
        raise ExpectedError(
            "--merge: git has no unfinished merge, rebase or cherry-pick",
            f"start from one side: rm -r {path} && git checkout {OURS} -- {path}, "
            "then run orbiter lock",
        )
    ours = _read(OURS, release, locks)
    theirs = _read(merge.theirs, release, locks)
    base = _read(merge.base, release, locks)
    if ours is None or theirs is None:
        return ours or theirs
    return combine(ours, theirs, base)


def combine(ours: LockSet, theirs: LockSet, base: LockSet | None) -> LockSet:
    """Return a lock set with each manager's locks from the side that changed them.

    If both sides changed them, ours are taken: the solver keeps their pins as far as it can.
    ``base`` is the common ancestor. The result has no build folder.
    """
    sides = _Sides(ours=ours, theirs=theirs, base=base)
    builders = dict.fromkeys([*ours.manifest.builders, *theirs.manifest.builders])
    parts = {
        (builder, manager): sides.pick(partial(_part, builder=builder, manager=manager), _Part())
        for builder in builders
        for manager in LOCK_FILES
    }
    warnings = [each for part in parts.values() for each in part.warnings]
    warnings += sides.pick(_installer_warnings, NO_WARNINGS)
    manifest = msgspec.structs.replace(
        ours.manifest,
        cutoff=_cutoff(ours, theirs),
        tools={**theirs.manifest.tools, **ours.manifest.tools},
        bases=_bases(sides),
        builders={builder: _facts(builder, sides, parts) for builder in builders},
        installers=sides.pick(lambda side: side.manifest.installers, NO_INSTALLERS),
        warnings=tuple(sorted(warnings)),
    )
    # The comment makes it differ from every lock set, so that the next one is assembled anew.
    files = {SNAPSHOT: f"# combined from two sides of a merge\n{ours.files[SNAPSHOT]}"}
    for (builder, _), part in parts.items():
        files |= {f"{builder}/{name}": text for name, text in part.files.items()}
    for builder in builders:
        files |= merged_downloads(ours, theirs, builder)
    return seal(manifest, files)


class _Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The lock sets of a merge."""

    ours: LockSet
    theirs: LockSet
    base: LockSet | None

    def pick(self, read: Callable[[LockSet], T], nothing: T) -> T:
        """Return a value of the side that changed it; if both did, the one of ours.

        ``nothing`` is the value of the ancestor if there is none.
        """
        ours, theirs = read(self.ours), read(self.theirs)
        base = read(self.base) if self.base else nothing
        return theirs if ours == base else ours


def _part(side: LockSet, builder: str, manager: str) -> _Part:
    facts = side.manifest.builders.get(builder, BuilderFacts())
    warnings = (each for each in side.manifest.warnings if each.builder == builder)
    return _Part(
        files=locked_files(side, builder, manager),
        inputs=facts.inputs.get(manager, ""),
        warnings=tuple(each for each in warnings if each.manager == manager),
    )


def _installer_warnings(side: LockSet) -> tuple[RecordedWarning, ...]:
    return tuple(each for each in side.manifest.warnings if not each.builder)


def _facts(builder: str, sides: _Sides, parts: Mapping[tuple[str, str], _Part]) -> BuilderFacts:
    inputs = {manager: parts[builder, manager].inputs for manager in LOCK_FILES}

    def fact(side: LockSet, *, name: str) -> Any:
        return getattr(side.manifest.builders.get(builder, BuilderFacts()), name)

    picked = {
        field.name: sides.pick(partial(fact, name=field.name), getattr(BuilderFacts(), field.name))
        for field in fields(BuilderFacts)
    }
    picked["inputs"] = {manager: digest for manager, digest in inputs.items() if digest}
    return BuilderFacts(**picked)


def _bases(sides: _Sides) -> dict[str, Mapping[str, str]]:
    """Return the digests of the base images of both sides."""
    references = [*sides.ours.manifest.bases, *sides.theirs.manifest.bases]
    digests = {
        reference: sides.pick(partial(_base_digests, reference=reference), NO_DIGESTS)
        for reference in references
    }
    return {reference: found for reference, found in digests.items() if found}


def _base_digests(side: LockSet, reference: str) -> Mapping[str, str]:
    return side.manifest.bases.get(reference, {})


def _cutoff(ours: LockSet, theirs: LockSet) -> str:
    """Return the later moment of the package selection, unless a user set the one of ours."""
    if ours.manifest.as_of:
        return ours.manifest.cutoff
    return max(ours.manifest.cutoff, theirs.manifest.cutoff)


def _read(revision: str, release: str, locks: Path) -> LockSet | None:
    """Return the lock set at a revision that locking the release would start from there."""
    try:
        git_revision.is_folder(revision, str(locks))
    except ExpectedError:  # this side has no lock set yet
        return None
    with git_revision.folder_at(revision, str(locks)) as copy:
        if folder.is_released(folder.release_folder(release, copy)):
            path = locks / release
            raise LockSetError(
                f"{path} was recorded by orbiter release at {revision}, so it cannot change",
                f"take that side: rm -r {path} && git checkout {revision} -- {path}",
            )
        return folder.previous(release, copy)
