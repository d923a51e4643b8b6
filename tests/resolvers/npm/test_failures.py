"""The reason in npm's output."""

import json

import pytest

from resolvers.npm import failures


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "npm error code E401\nnpm error 401 Unauthorized\n"
            + json.dumps({"error": {"code": "E401", "summary": 'a "b"\nc'}}, indent=2),
            'a "b" c',
        ),
        ("npm ERR! code EUSAGE\nnpm ERR! wrong \nnpm ERR! A complete log of this run", "wrong"),
        ("npm error code E1\nnpm error GET http://ada:secret@npm.test/a", "GET http://npm.test/a"),
        ("npm error code E401\n", ""),
        ("", ""),
    ],
)
def test_the_reason_is_one_line(output: str, reason: str) -> None:
    assert failures.summary(output) == reason
