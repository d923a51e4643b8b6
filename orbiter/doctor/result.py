"""The results of checks: ``orbiter doctor``."""

from typing import Literal

import msgspec

from orbiter.documents import Document

State = Literal["ok", "warning", "failed", "skipped"]
"""``skipped``: the check was not possible, or nothing needs it; the detail has the reason."""
Fault = Literal[
    "",
    "name",
    "refused",
    "proxy",
    "proxy password",
    "certificate",
    "credentials",
    "missing",
    "server",
    "not an index",
    "time-out",
    "other",
]
"""The kind of a failed request, "" for a check that made none; see ``faults.fault_of``."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check; ``hint`` is the remedy."""

    state: State
    detail: str
    hint: str = ""
    fault: Fault = ""


class CheckResult(Outcome, frozen=True, kw_only=True):
    """The result of one check with its name.

    ``address`` is what the check asked, without credentials. ``origin`` is the file or the variable
    that sets the address. ``proxy`` is the address of the proxy in between. All are "" for none.
    """

    name: str
    address: str = ""
    origin: str = ""
    proxy: str = ""


class Diagnosis(Document, frozen=True, kw_only=True):
    """The results of all checks; ``release`` is that of the project, "" outside of one."""

    release: str
    checks: tuple[CheckResult, ...]

    def count(self, state: State) -> int:
        """Return the number of checks with a state."""
        return sum(check.state == state for check in self.checks)


def ok(detail: str) -> Outcome:
    """Return the outcome of a check that found nothing."""
    return Outcome(state="ok", detail=detail)


def warning(detail: str, hint: str) -> Outcome:
    """Return the outcome of a check that found something that may cause trouble later."""
    return Outcome(state="warning", detail=detail, hint=hint)


def failed(detail: str, hint: str, fault: Fault = "") -> Outcome:
    """Return the outcome of a check that found something that does not work."""
    return Outcome(state="failed", detail=detail, hint=hint, fault=fault)


def skipped(detail: str) -> Outcome:
    """Return the outcome of a check that was not possible, with the reason."""
    return Outcome(state="skipped", detail=detail)
