"""Reports on tests, read by other programs."""

import json
from typing import Any

import junitparser
import pytest
from jsonschema import Draft202012Validator

from orbiter.image_tests.report import json as json_report
from orbiter.image_tests.report import junit, text
from orbiter.image_tests.results import ImageResults, ImageTestReport, NotTested, Result

HOSTILE = "a\x1b[31mred\x1b[0m \x00\x07 <b> & ]]> \u202e é\r\nlast"
LONG = "python -c '" + "import numpy; " * 30 + "'"
REPORT = ImageTestReport(
    release="0.1.0",
    images=(
        ImageResults(
            image="debian-base",
            release="0.1.0",
            platform="linux/amd64",
            id="sha256:1",
            results=(
                Result(name=LONG, kind="command", verdict="passed", seconds=1.25),
                Result(
                    name="bad\nsecond line",
                    kind="command",
                    verdict="failed",
                    seconds=0.5,
                    reason="exit code 3",
                    hint="a hint",
                    output=HOSTILE,
                ),
                Result(
                    name="tests/a.ipynb",
                    kind="notebook",
                    verdict="timeout",
                    seconds=1234.5,
                    reason="killed after 1234.5 s " + "word " * 40,
                    output="\n".join(f"line {number}" for number in range(100)),
                ),
            ),
        ),
        ImageResults(
            image="debian-core",
            release="0.1.0",
            platform="linux/arm64",
            id="sha256:2",
            results=(Result(name="true", kind="command", verdict="passed", seconds=0),),
            recorded=True,
        ),
    ),
    not_tested=(NotTested(image="debian-base", platform="linux/arm64", reason="tested for " * 9),),
)


def test_text_fits_80_columns_and_controls_no_terminal() -> None:
    lines = text.render(REPORT).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)
    assert lines[0] == "debian-base 0.1.0 (linux/amd64)"
    assert "      | line 99" in lines
    assert "      | line 80" in lines
    assert "      | line 79" not in lines
    assert "debian-core 0.1.0 (linux/arm64), from an earlier run" in lines
    assert [line for line in lines if line.startswith("not tested: debian-base linux/arm64: ")]
    assert lines[-1] == "2 passed, 2 failed"


def test_json_follows_its_schema() -> None:
    schema: Any = json_report.schema()
    Draft202012Validator.check_schema(schema)
    document = json.loads(json_report.render(REPORT))
    Draft202012Validator(schema).validate(document)
    assert document["format"] == 1
    assert document["passed"] is False
    verdicts = [test["verdict"] for test in document["images"][0]["tests"]]
    assert verdicts == ["passed", "failed", "timeout"]
    document["images"][0]["tests"][0]["seconds"] = -1
    assert not Draft202012Validator(schema).is_valid(document)


def test_a_reader_of_junit_finds_all_tests() -> None:
    found = junitparser.JUnitXml.fromstring(junit.render(REPORT).encode())
    assert (found.tests, found.failures, found.errors) == (4, 2, 0)
    assert found.time == pytest.approx(1236.25)
    base, core = list(found)
    assert base.name == "debian-base linux/amd64"
    passed, failed, killed = list(base)
    assert (passed.classname, passed.name, passed.time) == ("debian-base", LONG, 1.25)
    assert passed.is_passed
    (failure,) = failed.result
    assert failure.message == "exit code 3 (a hint)"
    assert "ared \ufffd\ufffd <b> & ]]>" in failure.text
    assert killed.result[0].type == "timeout"
    assert len(list(core)) == 1
