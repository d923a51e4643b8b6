import json

import pytest

from orbiter.advisories.records import advised_packages, parse_record
from resolvers.errors import ExpectedError
from tests.support.osv import advised, record, record_text


def test_reads_names_ranges_and_severities() -> None:
    (jinja,) = advised("PyPI", "GHSA-h75v-3vvj-5mfj")
    assert jinja.name == "jinja2"
    assert jinja.ranges == ((("introduced", "0"), ("fixed", "3.1.4")),)
    assert jinja.vectors == ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N",)
    assert jinja.rating == "moderate"


def test_the_urgency_of_debian_is_a_rating() -> None:
    assert {each.rating for each in advised("Debian", "DEBIAN-CVE-2005-2541")} == {"unimportant"}


def test_leaves_out_ecosystems_without_an_order() -> None:
    assert {each.ecosystem for each in advised("npm", "GHSA-rc47-6667-2j5j")} == {"npm"}


def test_accepts_null_in_place_of_lists() -> None:
    changed = record("npm", "MAL-2025-46974", aliases=None, severity=None)
    changed["affected"][0]["ranges"] = None
    parsed = parse_record(json.dumps(changed).encode(), "here")
    (debug,) = advised_packages(parsed)
    assert debug.versions == ("4.4.2",)


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_cut_record_is_an_error(length: int) -> None:
    with pytest.raises(ExpectedError, match=r"all.zip: a\.json is damaged"):
        parse_record(record_text("npm", "MAL-2025-46974")[:length], "all.zip: a.json")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"schema_version": "2.0.0"}, r"has version 2\.0\.0 of the OSV schema.*reads 1\.x"),
        ({"affected": {"npm": "debug"}}, "not a record of the OSV schema: Expected `array"),
        ({"id": 7}, "not a record of the OSV schema"),
    ],
)
def test_another_schema_is_an_error(changes: dict[str, object], problem: str) -> None:
    text = json.dumps(record("npm", "MAL-2025-46974", **changes)).encode()
    with pytest.raises(ExpectedError, match=problem):
        parse_record(text, "all.zip: a.json")


def test_a_json_file_that_is_not_a_record_is_an_error() -> None:
    with pytest.raises(ExpectedError, match="missing required field `id`"):
        parse_record(b'{"format": 1}', "a.json")


def test_deep_nesting_is_an_error() -> None:
    with pytest.raises(ExpectedError, match="damaged"):
        parse_record(b'{"database_specific":' + b"[" * 100_000, "a.json")
