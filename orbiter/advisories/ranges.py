"""The decision whether an advisory affects a version. Pure.

It follows the algorithm of the OSV schema, except that nothing is decided by a version without
order: such versions are undecided.
"""

from typing import Any, Literal

from orbiter.advisories.ecosystems import ORDERS, base_of, canonical_version
from orbiter.advisories.records import AdvisedPackage
from orbiter.diff.versions import sort_key

Status = Literal["affected", "undecided", "unaffected"]
Boundary = tuple[int, Any]

FIRST: Boundary = (0, 0)
"""Boundary of the version "0" in OSV, which is lower than all others."""


def status_of(advised: AdvisedPackage, version: str) -> Status:
    """Return whether a version is affected; "undecided" if its text or a range has no order."""
    canonical = canonical_version(advised.ecosystem, version)
    if canonical in advised.versions:
        return "affected"
    manager = ORDERS[base_of(advised.ecosystem)]
    boundary = _boundary(manager, canonical)
    if boundary is None or not (advised.ranges or advised.versions):
        return "undecided"
    found = {_in_range(manager, events, boundary) for events in advised.ranges}
    if "affected" in found:
        return "affected"
    return "undecided" if "undecided" in found else "unaffected"


def fixed_versions(advised: AdvisedPackage) -> frozenset[str]:
    """Return the versions that fix the vulnerability, as the record writes them."""
    return frozenset(
        version for events in advised.ranges for kind, version in events if kind == "fixed"
    )


def _boundary(manager: str, version: str) -> Boundary | None:
    if version == "0":
        return FIRST
    key = sort_key(manager, version)
    return None if key is None else (1, key)


def _in_range(manager: str, events: tuple[tuple[str, str], ...], version: Boundary) -> Status:
    ordered: list[tuple[Boundary, str]] = []
    limits: list[tuple[Boundary, str]] = []
    for kind, text in events:
        if kind == "limit" and text == "*":
            continue
        boundary = _boundary(manager, text)
        if boundary is None:
            return "undecided"
        (limits if kind == "limit" else ordered).append((boundary, kind))
    if not any(kind == "introduced" for _, kind in ordered):
        return "undecided"
    has_open_limit = ("limit", "*") in events
    if limits and not has_open_limit and all(version >= limit for limit, _ in limits):
        return "unaffected"
    return "affected" if _is_vulnerable(ordered, version) else "unaffected"


def _is_vulnerable(events: list[tuple[Boundary, str]], version: Boundary) -> bool:
    is_vulnerable = False
    for boundary, kind in sorted(events, key=lambda event: event[0]):
        if version > boundary or (version == boundary and kind != "last_affected"):
            is_vulnerable = kind == "introduced"
    return is_vulnerable
