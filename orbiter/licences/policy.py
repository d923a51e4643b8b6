"""Denied licences: which packages cannot be used without one. Pure."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from msgspec.structs import replace

from orbiter.config.check_keys import KnownLicence
from orbiter.licences.expressions import current, expression_of
from orbiter.licences.model import Denial, Inventory
from orbiter.sbom.licenses import spdx_expression
from resolvers.errors import ExpectedError

UNKNOWN = "unknown"
"""The entry that denies packages whose licence is unknown or unclear."""
WITH = " WITH "
OWN = "LicenseRef-"
EXAMPLES = "write an SPDX identifier (GPL-3.0-only), a pattern (AGPL-*), or unknown"


def check_entries(place: str, entries: Iterable[str]) -> None:
    """Raise ExpectedError for an entry that can match no licence; ``place`` is where it is."""
    for entry in entries:
        if entry != UNKNOWN and not _is_possible(entry):
            raise ExpectedError(f"{place} {entry}: no SPDX licence has this identifier", EXAMPLES)


def check_records(place: str, records: Iterable[KnownLicence]) -> None:
    """Raise ExpectedError for a recorded licence that is not an SPDX expression."""
    for record in records:
        if not expression_of(record.licence):
            raise ExpectedError(
                f"{place} {record.package}: {record.licence} is not an SPDX expression",
                "write for example BSD-3-Clause, or LicenseRef-own for a licence of your own",
            )


def with_denials(inventory: Inventory, entries: Iterable[str]) -> Inventory:
    """Return the inventory with the packages that the entries deny."""
    entries = tuple(entries)
    found = ((each, denied_licences(each.expression, entries)) for each in inventory.packages)
    denials = (Denial(package=each, licences=denied) for each, denied in found if denied)
    return replace(inventory, denials=tuple(denials))


def denied_licences(expression: str, entries: tuple[str, ...]) -> tuple[str, ...]:
    """Return the licences because of which a package cannot be used, sorted.

    Of alternatives (OR), one that is not denied suffices. The expression is "" if it is not known.
    """
    if not expression:
        return (UNKNOWN,) if UNKNOWN in entries else ()
    from license_expression import Licensing

    return tuple(sorted(_denied(Licensing().parse(expression), entries)))


def identifiers(expression: str) -> tuple[str, ...]:
    """Return the licences that an expression names, with their exceptions; sorted."""
    if not expression:
        return ()
    from license_expression import Licensing

    return tuple(sorted(_names(Licensing().parse(expression))))


def _names(node: Any) -> set[str]:
    from license_expression import AND, OR

    if not isinstance(node, AND | OR):
        return {node.render()}
    return set().union(*map(_names, node.args))


def _denied(node: Any, entries: tuple[str, ...]) -> frozenset[str]:
    """Return the denied licences of a part of an expression; empty if the part can be used."""
    from license_expression import AND, OR

    if not isinstance(node, AND | OR):
        licence = node.render()
        is_denied = any(_matches(licence, entry) for entry in entries)
        return frozenset({licence}) if is_denied else frozenset()
    parts = [_denied(part, entries) for part in node.args]
    if isinstance(node, OR) and not all(parts):
        return frozenset()
    return frozenset().union(*parts)


def _matches(licence: str, entry: str) -> bool:
    """Return whether an entry matches a licence; without an exception it matches any exception."""
    pattern, text = current(entry).lower(), licence.lower()
    if WITH.lower() not in pattern:
        text = text.partition(WITH.lower())[0]
    return fnmatchcase(text, pattern)


def _is_possible(entry: str) -> bool:
    name = entry.partition(WITH)[0]
    if name.startswith(OWN):
        return True
    if "*" not in entry:
        is_one = " OR " not in entry and " AND " not in entry
        return is_one and spdx_expression(entry).lower() == entry.lower()
    return any(fnmatchcase(each, name.lower()) for each in _identifiers())


@cache
def _identifiers() -> frozenset[str]:
    from license_expression import get_spdx_licensing

    return frozenset(str(name).lower() for name in get_spdx_licensing().known_symbols)
