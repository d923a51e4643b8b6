"""The dates in the answers of servers, to compare this machine's clock with."""

import time
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

_dates: dict[str, tuple[str, float]] = {}
"""The newest Date header and the time of this machine at that moment, by host."""


def keep(host: str, headers: Mapping[str, str]) -> None:
    """Remember the date of an answer, unless a cache kept the answer."""
    if "date" in headers and "age" not in headers:
        _dates[host] = (headers["date"], time.time())


def differences() -> dict[str, timedelta]:
    """Return how far this machine's clock is ahead of the clock of each server, by host."""
    found = {}
    # Requests that still run may add an entry meanwhile.
    for host, (date, local) in _dates.copy().items():
        try:
            found[host] = timedelta(seconds=local - parsedate_to_datetime(date).timestamp())
        except (ValueError, OverflowError):
            continue  # not a date
    return found
