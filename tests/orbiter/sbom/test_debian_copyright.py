"""Licences in copyright files of Debian packages."""

import pytest

from orbiter.sbom.debian_copyright import licences_of

HEAD = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"


def licences(*names: str) -> str:
    paragraphs = (
        f"\nFiles: part{number}/*\nCopyright: 2026 A\nLicense: {name}\n The text.\n"
        for number, name in enumerate(names)
    )
    return licences_of(HEAD + "".join(paragraphs))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Expat", "MIT"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("AGPL-3", "AGPL-3.0-only"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("Artistic or GPL-1+", "Artistic-1.0 OR GPL-1.0-or-later"),
        ("GPL-1+ or Artistic, and Expat", "(GPL-1.0-or-later OR Artistic-1.0) AND MIT"),
        ("curl and ISC", "ISC AND curl"),
        ("GPL-2+ with Libtool exception", "GPL-2.0-or-later WITH Libtool-exception"),
        ("GPL-3+-WITH-BISON-EXCEPTION", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        ("public-domain", "LicenseRef-public-domain"),
        ("BSD-3-clause~holders", "LicenseRef-BSD-3-clause-holders"),
        ("GPL-3+ with own exception", "LicenseRef-GPL-3-with-own-exception"),
    ],
)
def test_short_names_become_identifiers(name: str, expected: str) -> None:
    assert licences(name) == expected


def test_all_files_count_once() -> None:
    assert licences("ISC", "Expat", "ISC") == "ISC AND MIT"


def test_texts_of_licences_alone_are_no_files() -> None:
    assert licences_of(f"{HEAD}\nLicense: GPL-2\n The text.\n") == ""


@pytest.mark.parametrize(
    "text", ["", "This package was debianized by A.\nLicense: GPL-2\n", "Format\n", HEAD]
)
def test_free_text_has_no_licences(text: str) -> None:
    assert licences_of(text) == ""


def test_hostile_files_end_soon() -> None:
    assert licences_of(HEAD + "x" * 5_000_000) == ""
    assert licences(" and ".join(f"a{number}" for number in range(100_000))) == ""
    assert licences("-with-" * 500_000) == ""
