"""``orbiter doctor`` as text: one paragraph per check."""

from collections.abc import Iterator
from textwrap import wrap
from typing import NamedTuple

from orbiter.doctor.result import CheckResult, Diagnosis, State
from orbiter.report.phrases import count_of, printable

INDENT = 9
"""Columns before the text of a check; the longest state has one column less."""
STATES: tuple[State, ...] = ("ok", "warning", "failed", "skipped")


class CheckText(NamedTuple):
    """A line that starts with a state, and the lines below it."""

    state: State
    text: str


def check_texts(diagnosis: Diagnosis, width: int) -> Iterator[CheckText]:
    """Yield the texts of all checks; the state is apart, because it may have a colour."""
    for check in diagnosis.checks:
        lines = _finding(check, width)
        if check.hint:
            lines += _wrapped(f"hint: {check.hint}", width)
        yield CheckText(check.state, "\n".join(lines)[INDENT:])


def summary(diagnosis: Diagnosis) -> str:
    """Return the numbers of checks by state: ``9 checks: 7 ok, 1 warning, 1 skipped``."""
    counts = {state: diagnosis.count(state) for state in STATES}
    shown = ", ".join(_count(number, state) for state, number in counts.items() if number)
    return f"{count_of(len(diagnosis.checks), 'check')}: {shown}"


def _count(number: int, state: State) -> str:
    # The other states are adjectives, which have no plural.
    return count_of(number, state) if state == "warning" else f"{number} {state}"


def _finding(check: CheckResult, width: int) -> list[str]:
    """Return the detail and the address of a check, on one line if they fit."""
    text = f"{check.name}: {check.detail}"
    place = _place(check)
    if not place:
        return _wrapped(text, width)
    together = _wrapped(f"{text} ({place})", width)
    return together if len(together) == 1 else [*_wrapped(text, width), *_wrapped(place, width)]


def _place(check: CheckResult) -> str:
    """Return the address of a check, what sets it, and the proxy in between; "" for none."""
    parts = [check.address] if check.address else []
    if check.origin:
        parts.append(f"set by {check.origin}")
    if check.proxy:
        parts.append(f"through the proxy {check.proxy}")
    return ", ".join(parts)


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken at spaces only, so that addresses can be copied."""
    indent = " " * INDENT
    return wrap(
        printable(text),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
