"""Runs checks at the same time, each with a time limit."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Thread

import msgspec

from orbiter.doctor.faults import REMEDIES, diagnose
from orbiter.doctor.result import CheckResult, Outcome, failed
from orbiter.tasks import Report
from resolvers.errors import ExpectedError
from resolvers.net.certificates import Bundle, bundle
from resolvers.net.proxies import proxy_of
from resolvers.redaction import without_secrets

LIMIT = 30.0
"""Seconds that a check may take; a retry of a failed request is part of it."""
BUSY = "run orbiter doctor again when this machine and its Docker engine are less busy"

Asks = Callable[[str, str], None]
"""Receives the address that a check is about to ask, and its origin."""


class Check(msgspec.Struct, frozen=True):
    """A check: its name, and a function that runs it in at most ``limit`` seconds.

    The function may raise ExpectedError: the check then failed.
    """

    name: str
    run: Callable[[Asks], Outcome]
    limit: float = LIMIT


def run_checks(
    checks: Iterable[Check],
    report: Report = lambda _line: None,
    last: Iterable[Check] = (),
) -> tuple[CheckResult, ...]:
    """Run checks at the same time and return their results, in order.

    Those of ``last`` run after the others, because they use what the others found.
    """
    rounds = [[_RunningCheck(check) for check in each] for each in (checks, last)]
    total = sum(map(len, rounds))
    results: list[CheckResult] = []
    for running in rounds:
        for each in running:
            each.start()
        started = time.monotonic()
        for each in running:
            report(f"{len(results)} of {total} checks")
            results.append(each.result(started))
    report("")
    return tuple(results)


def _bundle() -> Bundle | None:
    """Return the configured certificates; None also if a configuration file cannot be read."""
    with suppress(ExpectedError):
        return bundle()
    return None


def _one_line(text: str) -> str:
    return without_secrets(" ".join(text.split()), "…")


class _RunningCheck:
    """A check in a thread of its own.

    The thread is a daemon, because a server that never answers must not keep the process alive.
    """

    def __init__(self, check: Check) -> None:
        self._check = check
        self._thread = Thread(target=self._run, daemon=True)
        self._outcome: Outcome | None = None
        self._bug: Exception | None = None
        self._address = self._origin = ""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def result(self, started: float) -> CheckResult:
        """Wait for the end of the limit at most, and return the result.

        ``started`` is the time at which all checks of the round started.
        """
        left = started + self._check.limit - time.monotonic()
        self._thread.join(max(0.0, left))
        if self._bug:
            raise self._bug
        outcome = self._outcome or self._time_out()
        return CheckResult(
            name=self._check.name,
            state=outcome.state,
            detail=_one_line(outcome.detail),
            hint=_one_line(outcome.hint),
            fault=outcome.fault,
            address=without_secrets(self._address),
            origin=self._origin,
            proxy=without_secrets(proxy_of(self._address)),
        )

    def _time_out(self) -> Outcome:
        # Without an address, only this machine or the Docker engine was asked.
        hint = REMEDIES["time-out"] if self._address else BUSY
        return failed(f"no answer in {self._check.limit:g} s", hint, "time-out")

    def _asks(self, address: str, origin: str) -> None:
        self._address, self._origin = address, origin

    def _run(self) -> None:
        try:
            self._outcome = self._check.run(self._asks)
        except ExpectedError as error:
            has_proxy = bool(proxy_of(self._address))
            self._outcome = diagnose(error, has_proxy=has_proxy, bundle=_bundle())
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            self._outcome = failed(f"{place}{error.strerror or error}", "")
        except Exception as error:  # the main thread shows it as the bug that it is
            self._bug = error
