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


HIDDEN = """\
; "user" config from {folder}/npmrc

@lab:registry = "https://eve:***@lab.invalid/npm/"
@other:registry = "https://other.invalid/"

; "env" config from environment

registry = "https://ada:***@public.invalid/"
"""


def test_passwords_that_npm_hides_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A comment in another encoding.
    (tmp_path / "npmrc").write_bytes(
        b"; Gr\xfc\xdfe\n@lab:registry = https://eve:${LAB}@lab.invalid/npm\n"
    )
    monkeypatch.setenv("LAB", "a%2Fb")
    monkeypatch.setenv("npm_config_registry", "https://ada:secret@public.invalid/")
    config = npm_config.read(HIDDEN.format(folder=tmp_path))
    assert config.registries == {
        "": "https://ada:secret@public.invalid/",
        "@lab": "https://eve:a%2Fb@lab.invalid/npm",
        "@other": "https://other.invalid/",
    }
    assert config.is_simple
    (tmp_path / "npmrc").unlink()
    config = npm_config.read(HIDDEN.format(folder=tmp_path))
    # npm itself asks, because it knows the password.
    assert not config.is_simple
