"""npm's ranges, compared with the node-semver inside npm itself."""

import json
import subprocess
from itertools import product
from pathlib import Path

import pytest

from resolvers.npm import program, semver

RANGES = (
    "",
    "*",
    "x",
    "1",
    "1.x",
    "1.2",
    "1.2.*",
    "1.2.3",
    "=1.2.3",
    "v1.2.3",
    "= 1.2.3",
    "^1.2.3",
    "^1.2",
    "^1",
    "^0",
    "^0.0",
    "^0.1",
    "^0.1.2",
    "^0.0.3",
    "^1.x",
    "^0.x",
    "^0.0.x",
    "^1.2.3-beta.2",
    "^0.0.3-beta",
    "~1.2.3",
    "~1.2",
    "~1",
    "~0",
    "~>1.2",
    "~1.2.3-beta.2",
    ">1",
    ">1.2",
    ">1.2.3",
    ">=1",
    ">=1.2.x",
    ">=1.2.3-rc.1",
    "<1",
    "<1.2",
    "<1.2.3",
    "<=1",
    "<=1.2",
    "<=1.2.3",
    "<1.2.3-beta",
    ">*",
    "<*",
    ">=*",
    "<=x",
    ">= 1.2.3 < 2",
    ">=1.2.3 <1.3.0",
    "1.2.3 - 2.3.4",
    "1.2 - 2",
    "1 - 2.3",
    "1.2.3 - *",
    "1.2.3-alpha - 1.2.3",
    "^1.2 || ^3",
    "1.2.3 || >=2 <3 || 0.x",
    "||",
    "^1 ||",
    "~ 1.2",
    "^ 1.2.3",
    "1.2.3+build",
    ">1.2.3-alpha.3",
)
VERSIONS = (
    "0.0.0-0",
    "0.0.0",
    "0.0.2",
    "0.0.3-beta",
    "0.0.3",
    "0.0.4",
    "0.1.0",
    "0.1.2",
    "0.2.0-rc.1",
    "0.2.0",
    "1.0.0-0",
    "1.0.0",
    "1.1.9",
    "1.2.0",
    "1.2.2",
    "1.2.3-alpha",
    "1.2.3-alpha.3",
    "1.2.3-alpha.10",
    "1.2.3-beta",
    "1.2.3-beta.2",
    "1.2.3-beta.11",
    "1.2.3-rc.1",
    "1.2.3",
    "1.2.3+build",
    "1.2.4-beta",
    "1.2.10",
    "1.3.0-0",
    "1.3.0",
    "1.10.0",
    "2.0.0-0",
    "2.0.0",
    "2.3.4",
    "2.3.5",
    "2.4.0",
    "3.0.0",
    "3.1.0",
)
NOT_RANGES = ("latest", "next", "1.2.3.4", "a.b.c", "^1 || latest", "1 -2 -", "1" * 300)


def oracle() -> list[list[bool]] | None:
    """Return what npm's own node-semver says about each range and version; None without npm."""
    npm = Path(program.command()[0]).resolve()
    found = [each / "node_modules" / "semver" for each in npm.parents]
    module = next((each for each in found if each.is_dir()), None)
    if module is None:
        return None
    script = (
        f"const s = require({json.dumps(str(module))});"
        "const [r, v] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(r.map(a => v.map(b => s.satisfies(b, a)))))"
    )
    done = subprocess.run(
        ["node", "-e", script],
        input=json.dumps([RANGES, VERSIONS]),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[list[bool]] = json.loads(done.stdout)
    return answers


@pytest.mark.slow  # runs npm
def test_ranges_allow_what_npm_allows() -> None:
    expected = oracle()
    if expected is None:
        pytest.skip("there is no npm on PATH with its own node-semver")
    for (row, text), (column, version) in product(enumerate(RANGES), enumerate(VERSIONS)):
        allowed, parsed = semver.parse_range(text), semver.parse_version(version)
        assert allowed is not None, text
        assert parsed is not None, version
        assert semver.satisfies(parsed, allowed) == expected[row][column], (text, version)


def test_versions_are_in_order() -> None:
    parsed = [semver.parse_version(each) for each in VERSIONS if "+" not in each]
    assert None not in parsed
    assert sorted(each for each in parsed if each) == parsed


@pytest.mark.parametrize("text", NOT_RANGES)
def test_other_texts_are_not_ranges(text: str) -> None:
    assert semver.parse_range(text) is None


@pytest.mark.parametrize(
    ("text", "allowed", "rejected"),
    [
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("~1", "1.9.0", "2.0.0-0"),
        ("1 - 2", "2.9.9", "3.0.0"),
        ("^1.2.3-beta.2", "1.2.3-beta.11", "1.2.4-beta"),
        (">1.2", "1.3.0", "1.2.9"),
    ],
)
def test_some_ranges(text: str, allowed: str, rejected: str) -> None:
    found = semver.parse_range(text)
    assert found is not None
    for version, expected in ((allowed, True), (rejected, False)):
        parsed = semver.parse_version(version)
        assert parsed is not None
        assert semver.satisfies(parsed, found) is expected
