"""Licences that packages declare, and SPDX's names for them."""

import json
from importlib.resources import files

import pytest
from packaging.licenses._spdx import LICENSES

from orbiter.sbom.artifacts import CLASSIFIERS
from orbiter.sbom.licenses import COMMON, is_identifier, spdx_expression


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("(MIT OR CC0-1.0)", "(MIT OR CC0-1.0)"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("Apache License,  Version 2.0", "Apache-2.0"),
        ("BSD", ""),
        ("SEE LICENSE IN LICENSE.txt", ""),
        ("LicenseRef-Public-Domain", ""),
        ("MIT BSD", ""),
        ("(", ""),
        ("", ""),
    ],
)
def test_only_certain_licences_become_expressions(text: str, expression: str) -> None:
    assert spdx_expression(text) == expression


def test_tables_have_valid_identifiers() -> None:
    for identifier in (*COMMON.values(), *CLASSIFIERS.values()):
        assert spdx_expression(identifier) == identifier


def test_the_schema_of_cyclonedx_knows_all_identifiers() -> None:
    text = (files("cyclonedx") / "schema/_res/spdx.SNAPSHOT.schema.json").read_text("utf-8")
    known = set(json.loads(text)["enum"])
    identifiers = {each["id"] for each in LICENSES.values()}
    assert {each for each in identifiers if is_identifier(each)} <= known
