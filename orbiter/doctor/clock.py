"""The clock of this machine, compared with those of servers. Pure."""

from collections.abc import Mapping
from datetime import timedelta

from orbiter.doctor.result import Outcome, ok, skipped, warning

TOLERANCE = timedelta(minutes=5)


def compare_clocks(differences: Mapping[str, timedelta]) -> Outcome:
    """Return the outcome, given how far this machine's clock is ahead of each server's.

    The server that agrees best counts, because a server may be wrong itself.
    """
    if not differences:
        return skipped("no server answered with its time")
    host = min(differences, key=lambda each: abs(differences[each]))
    difference = differences[host]
    if abs(difference) <= TOLERANCE:
        return ok(f"the time agrees with that of {host}")
    direction = "ahead of" if difference > timedelta() else "behind"
    size = timedelta(seconds=round(abs(difference).total_seconds()))
    hint = "set the clock, because certificates and the times of packages depend on it"
    return warning(f"the time is {size} {direction} that of {host}", hint)
