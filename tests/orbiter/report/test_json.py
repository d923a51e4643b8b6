"""The JSON report and its schema."""

import json as stdlib
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from orbiter.diff.types import Diff
from orbiter.report import json
from tests.support.diff_samples import EMPTY, PLACES, SAMPLES, SMALL, change, many
from tests.support.golden import assert_golden


def loaded(diff: Diff) -> Any:
    data = stdlib.loads(json.render(diff))
    jsonschema.Draft202012Validator(json.schema()).validate(data)
    return data


@pytest.mark.parametrize("name", SAMPLES)
def test_the_report_equals_the_golden_file(name: str) -> None:
    assert_golden(f"{name}.json", json.render(SAMPLES[name]))
    loaded(SAMPLES[name])


def test_the_schema_equals_the_golden_file() -> None:
    jsonschema.Draft202012Validator.check_schema(json.schema())
    assert_golden("schema.json", stdlib.dumps(json.schema(), indent=2) + "\n")


def test_the_schema_contains_every_key_of_a_report() -> None:
    definitions = json.schema()["$defs"]

    def check(value: Any, described: dict[str, Any]) -> None:
        for option in described.get("anyOf", [described]):
            if "$ref" in option and isinstance(value, dict):
                name = option["$ref"].rpartition("/")[2]
                properties = definitions[name]["properties"]
                asked_for = {"vulnerabilities", "licences", "lint"} if name == "Report" else set()
                assert value.keys() == properties.keys() - asked_for
                for key, inner in value.items():
                    check(inner, properties[key])
            elif "items" in option and isinstance(value, list):
                for each in value:
                    check(each, option["items"])

    check(loaded(SMALL), {"$ref": "#/$defs/Report"})
    check(loaded(PLACES), {"$ref": "#/$defs/Report"})


def test_the_schema_rejects_an_invalid_report() -> None:
    data = stdlib.loads(json.render(SMALL))
    data["changes"][0]["kind"] = "grown"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json.schema())


def test_changes_keep_the_order_of_the_diff() -> None:
    diff = many(500)
    data = loaded(diff)
    assert [each["name"] for each in data["changes"]] == [each.name for each in diff.changes]
    assert data["summary"]["upgraded"] == sum(each.kind == "upgraded" for each in diff.changes)
    assert (
        sum(
            data["summary"][kind]
            for kind in ("added", "removed", "upgraded", "downgraded", "rebuilt")
        )
        == 500
    )


def test_a_lone_surrogate_is_escaped() -> None:
    data = loaded(replace(EMPTY, changes=(change("a\ud800", "added", "", "1→"),)))
    assert data["changes"][0]["name"] == "a\ud800"
    assert data["changes"][0]["new"] == ["1→"]
