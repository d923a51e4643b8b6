"""Denied licences."""

import pytest

from orbiter.licences.expressions import expression_of
from orbiter.licences.policy import check_entries, denied_licences, identifiers
from resolvers.errors import ExpectedError


def denied(expression: str, *entries: str) -> tuple[str, ...]:
    return denied_licences(expression, entries)


@pytest.mark.parametrize(
    ("expression", "entry", "expected"),
    [
        ("AGPL-3.0-only", "AGPL-3.0-only", ("AGPL-3.0-only",)),
        ("AGPL-3.0-only", "AGPL-*", ("AGPL-3.0-only",)),
        ("AGPL-3.0-only", "agpl-3.0-only", ("AGPL-3.0-only",)),
        ("AGPL-3.0-only", "AGPL-3.0", ("AGPL-3.0-only",)),
        ("GPL-2.0-or-later", "GPL-2.0+", ("GPL-2.0-or-later",)),
        ("GPL-2.0-or-later", "GPL-2.0-only", ()),
        ("LGPL-3.0-only", "GPL-*", ()),
        ("MIT OR AGPL-3.0-only", "AGPL-*", ()),
        ("MIT AND AGPL-3.0-only", "AGPL-*", ("AGPL-3.0-only",)),
        ("ISC AND (MIT OR AGPL-3.0-only)", "AGPL-*", ()),
        ("AGPL-3.0-only OR AGPL-1.0-only", "AGPL-*", ("AGPL-1.0-only", "AGPL-3.0-only")),
        (
            "GPL-3.0-only WITH GCC-exception-3.1",
            "GPL-3.0-only",
            ("GPL-3.0-only WITH GCC-exception-3.1",),
        ),
        ("GPL-3.0-only", "GPL-3.0-only WITH GCC-exception-3.1", ()),
        ("LicenseRef-Proprietary", "LicenseRef-*", ("LicenseRef-Proprietary",)),
        ("", "unknown", ("unknown",)),
        ("", "AGPL-*", ()),
        ("MIT", "unknown", ()),
    ],
)
def test_denied_licences(expression: str, entry: str, expected: tuple[str, ...]) -> None:
    assert denied(expression, entry) == expected


def test_several_entries_together_leave_no_choice() -> None:
    assert denied("MIT OR ISC", "MIT") == ()
    assert denied("MIT OR ISC", "MIT", "ISC") == ("ISC", "MIT")


@pytest.mark.parametrize(
    "entry", ["AGLP-*", "GPLv3", "MIT OR ISC", "GPL-3.0-only WITH nothing", "Unknown"]
)
def test_an_entry_that_matches_nothing_is_an_error(entry: str) -> None:
    with pytest.raises(ExpectedError, match="no SPDX licence") as caught:
        check_entries("--deny", [entry])
    assert entry in caught.value.message


def test_valid_entries() -> None:
    check_entries("--deny", ["MIT", "AGPL-*", "unknown", "LicenseRef-own", "*-only WITH *"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GPL-3.0", "GPL-3.0-only"),
        ("LGPL-2.1+ OR (AGPL-3.0 AND MIT)", "LGPL-2.1-or-later OR (AGPL-3.0-only AND MIT)"),
        ("GPL-2.0 WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("GPL-3.0-only", "GPL-3.0-only"),
        ("GPL-2.0-with-GCC-exception", "GPL-2.0-with-GCC-exception"),
        ("LicenseRef-own", "LicenseRef-own"),
        ("BSD License", ""),
    ],
)
def test_expressions_have_current_identifiers(text: str, expected: str) -> None:
    assert expression_of(text) == expected


def test_identifiers_of_an_expression() -> None:
    expression = "(MIT OR GPL-3.0-only WITH GCC-exception-3.1) AND MIT"
    assert identifiers(expression) == ("GPL-3.0-only WITH GCC-exception-3.1", "MIT")
    assert identifiers("") == ()
