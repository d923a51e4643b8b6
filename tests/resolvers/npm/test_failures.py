"""The reason in npm's output."""

import json

import pytest

from resolvers.npm import failures
from resolvers.npm.config import NpmConfig
from resolvers.npm.registry_proxy import RegistryProxy


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


def test_messages_have_no_login_of_a_registry() -> None:
    origins = {"": "/etc/npmrc", "@lab": "/home/me/.npmrc"}
    registries = {"": "http://a:secret@npm.test/", "@lab": "http://a:secret@lab.test/"}
    config = NpmConfig(registries=registries, origins=origins)
    text = RegistryProxy(config, {}).with_registry_addresses("404 http://x/acme", "http://x")
    assert text == "404 http://npm.test/acme"
    error = failures.not_responding("http://a:***@lab.test/@lab%2facme", "refused", config)
    assert error.message == (
        "http://lab.test/@lab%2facme did not respond: refused "
        "(the address comes from /home/me/.npmrc)"
    )
