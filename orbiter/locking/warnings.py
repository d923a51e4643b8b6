"""Warnings of a run of ``orbiter lock``. Pure."""

from collections.abc import Iterable, Mapping

from orbiter.locking.work import LockedBuilder
from orbiter.lockset.model import RecordedWarning
from resolvers.types.request import LockWarning


def recorded_warnings(
    builder: str, manager: str, warnings: Iterable[LockWarning]
) -> tuple[RecordedWarning, ...]:
    """Return a manager's warnings as a lock set records them, sorted and each only once."""
    recorded = {
        RecordedWarning(
            builder=builder,
            manager=manager,
            package=warning.package,
            text=warning.text,
            hint=warning.hint,
        )
        for warning in warnings
    }
    return tuple(sorted(recorded))


def all_warnings(builders: Mapping[str, LockedBuilder]) -> tuple[RecordedWarning, ...]:
    """Return the warnings about all builders, sorted."""
    warnings: list[RecordedWarning] = []
    for locked in builders.values():
        warnings += locked.warnings
        for manager in locked.managers.values():
            warnings += manager.warnings
    return tuple(sorted(warnings))
