"""npm's configuration as npm lists it."""

from pathlib import Path

import pytest

from resolvers.npm import config as npm_config

LISTED = """\
; "default" config from default values

_auth = (protected)
; cafile = null ; overridden by global
https-proxy = null
registry = "https://public.invalid/"
strict-ssl = true
userconfig = "{folder}/npmrc"

; "global" config from /etc/npmrc

cafile = "/etc/ssl/certs/ca.crt"

; "user" config from {folder}/npmrc

//acme.invalid/:_authToken = (protected)
@acme:registry = "https://acme.invalid/npm"
; node version = v20.1.0
"""


@pytest.mark.parametrize(
    ("more", "simple"),
    [
        ("", True),
        ('https-proxy = "http://proxy.invalid/"\n', False),
        ('; https-proxy = "http://proxy.invalid/" ; overridden by cli\n', True),
        ("//other.invalid/:_authToken = (protected)\n", False),
        ("//acme.invalid/:_password = (protected)\n", False),
        ("_auth = (protected)\n", False),
        ("strict-ssl = false\n", False),
        ('//acme.invalid/:certfile = "/cert.pem"\n', False),
    ],
)
def test_the_configuration_that_npm_lists_is_read(tmp_path: Path, more: str, simple: bool) -> None:
    (tmp_path / "npmrc").write_text("//acme.invalid/:_authToken=abc\n")
    config = npm_config.read(LISTED.format(folder=tmp_path) + more)
    assert config.registries == {"": "https://public.invalid/", "@acme": "https://acme.invalid/npm"}
    assert config.tokens == {"//acme.invalid/": "abc"}
    assert config.is_simple is simple
    assert config.origins == {"@acme": f"{tmp_path}/npmrc"}
    assert config.tarball("@acme/x/-/x-1.tgz") == "https://acme.invalid/npm/@acme/x/-/x-1.tgz"
    assert config.headers("https://acme.invalid/npm/x") == {"authorization": "Bearer abc"}
    assert config.headers("https://public.invalid/x") == {}
