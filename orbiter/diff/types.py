"""What changed between two locks, as data."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from orbiter.lockfiles.types import Scope

Kind = Literal["added", "removed", "upgraded", "downgraded", "changed", "rebuilt", "moved"]
"""``rebuilt``: same version, other build or files; ``moved``: same version and build, other source; ``changed``: other
versions that no order tells apart."""
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
"""How far a version went; ``build`` where the version stayed, "" where that has no meaning."""


class Variant(NamedTuple):
    """One of a package's forms in a lock: npm holds several versions of a name, conda several builds."""

    version: str
    build: str = ""
    source: str = ""


class Occurrence(NamedTuple):
    """What exactly went and came at one place: variants that both sides have are not named."""

    place: Scope
    old: tuple[Variant, ...]
    new: tuple[Variant, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One package that changed in the same way at all places of ``where``.

    ``old`` and ``new`` are the versions that went and came, in order (same on both sides for ``rebuilt`` and
    ``moved``); ``stays`` are versions that are there on both sides beside them. ``everywhere`` says that ``where``
    names every place at which either side has the package. ``why`` leads from a direct requirement to the package,
    both included; it is the name alone for a direct one, () where the locks do not tell. ``altered`` says that a file
    of the same version and build has another hash: that is how tampering looks. ``grown`` is how many bytes more a
    download takes at one place, None where the locks do not know. ``licences`` are the old and the new one where they
    are known and differ.
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
    why: tuple[str, ...] = ()
    altered: bool = False
    grown: int | None = None
    licences: tuple[str, str] | None = None


class Fact(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Something else that changed: a base image's digest, a tool's version; "" for what one side does not have."""

    kind: str
    name: str
    old: str = ""
    new: str = ""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side: what people called it, what it is, and the release of a lock set or ""."""

    name: str
    format: str
    release: str = ""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """What semantic versioning suggests: the step ("" for nothing changed), the release where the old one is known,
    and the change that decides it, in a few words."""

    step: Step = ""
    release: str = ""
    reason: str = ""


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """All that changed. ``changes`` come altered first, then direct, then by kind, manager and name.

    ``counts`` has for each place how many names of packages are of each kind, and ``kept`` are the same on both
    sides: together each name exactly once. ``kept`` counts (manager, name) that changed nowhere; ``left_out`` are
    changes that were not asked for, and that ``changes`` does not hold.
    """

    old: Side
    new: Side
    changes: tuple[Change, ...] = ()
    facts: tuple[Fact, ...] = ()
    counts: Mapping[Scope, Mapping[str, int]] = {}
    kept: int = 0
    left_out: int = 0
    notes: tuple[str, ...] = ()
    suggestion: Suggestion = Suggestion()
