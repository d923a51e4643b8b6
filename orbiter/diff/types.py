"""The differences between two locks, as data.

The names of ``Fact``, ``Side`` and ``Suggestion`` are part of the published JSON Schema.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from orbiter.lockfiles.types import Scope

Kind = Literal["added", "removed", "upgraded", "downgraded", "changed", "rebuilt", "moved"]
"""Kind of a change.

``changed``: other versions without a known order; ``rebuilt``: same version, other build or files;
``moved``: same version and build, other source.
"""

KINDS: tuple[Kind, ...] = (
    "added",
    "removed",
    "upgraded",
    "downgraded",
    "changed",
    "rebuilt",
    "moved",
)

Step = Literal["major", "minor", "patch", "build", ""]
"""Distance between two versions: ``build`` if they are equal, "" if it has no meaning."""


class Variant(NamedTuple):
    """One of a package's variants in a lock.

    npm locks may have several versions of a name, conda locks several builds.
    """

    version: str
    build: str = ""
    source: str = ""


class Occurrence(NamedTuple):
    """A change in one scope, with the variants that only one side has."""

    scope: Scope
    old: tuple[Variant, ...]
    new: tuple[Variant, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A package that changed in the same way in all scopes of ``where``.

    ``old`` and ``new`` are the versions that only one side has, in order; for ``rebuilt`` and
    ``moved``, they are the versions of both sides.
    ``stays`` are other versions of the package, which both sides have.
    ``everywhere`` is True if ``where`` contains every scope with the package.
    ``why`` is a chain of names from a direct requirement to the package. It is the name alone for
    a direct requirement, and empty if the locks do not record the reason.
    ``guessed`` is True if the locks do not record requests: ``direct`` then means that no other
    package requires this one, and ``dependents`` is the number of packages that do.
    ``altered`` is True if a file of the same version and build has another hash, which indicates
    tampering. ``elsewhere`` is True if such a file comes from another place as well.
    ``sources`` are the old and the new sources of another version, if they differ.
    ``grown`` is the growth of the download in one scope in bytes; None if unknown.
    ``licences`` are the old and the new licence if both are known and differ.
    """

    manager: str
    name: str
    kind: Kind
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    where: tuple[Occurrence, ...]
    everywhere: bool = True
    step: Step = ""
    direct: bool = False
    guessed: bool = False
    dependents: int = 0
    why: tuple[str, ...] = ()
    altered: bool = False
    elsewhere: bool = False
    sources: tuple[str, str] | None = None
    grown: int | None = None
    licences: tuple[str, str] | None = None


class Fact(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Another value that changed, such as a base image's digest; "" if one side has none."""

    kind: str
    name: str
    old: str = ""
    new: str = ""


FileKind = Literal["added", "removed", "changed", "kept"]


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """A file that builds the images and changed, or that has a problem.

    ``path`` is that in the lock set, or ``<stage>:<path in the image>`` for an own file or
    a download.

    ``lines`` are those of a unified diff, without its head.
    ``derived`` is True for a list that follows from the lock files, whose packages are compared.
    ``problem`` says why a file does not follow from the lock files, "" if it does.
    """

    path: str
    kind: FileKind
    lines: tuple[str, ...] = ()
    derived: bool = False
    problem: str = ""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side: the name that the user passed, its format, and the release of a lock set or "".

    ``download`` is the size of all distinct files of a lock set in bytes. It does not include
    ``unsized`` files, whose size the lock files do not contain.
    """

    name: str
    format: str
    release: str = ""
    download: int = 0
    unsized: int = 0


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """The next release according to semantic versioning.

    ``step`` is "" if nothing changed; ``release`` is "" if the old one is unknown; ``reason`` is
    the change that determines the step.
    """

    step: Step = ""
    release: str = ""
    reason: str = ""


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """All differences between two locks.

    ``changes`` are sorted: altered ones, those from another source, requested ones, language
    runtimes, then by the number of dependents, kind, manager and name.
    ``counts`` contains, for each scope, the number of names of each kind and of those that are
    ``kept``; it counts each name once.
    ``kept`` is the number of packages that changed in no scope.
    ``files`` are the changed files that build the images, if both sides are lock sets.
    ``faults`` are entries that contradict themselves, as a faulty merge makes them.
    ``left_out`` is the number of changes that a filter removed.
    """

    old: Side
    new: Side
    changes: tuple[Change, ...] = ()
    facts: tuple[Fact, ...] = ()
    files: tuple[FileChange, ...] = ()
    faults: tuple[str, ...] = ()
    counts: Mapping[Scope, Mapping[str, int]] = {}
    kept: int = 0
    left_out: int = 0
    notes: tuple[str, ...] = ()
    suggestion: Suggestion = Suggestion()
