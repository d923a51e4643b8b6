import os

import pytest

from resolvers.net import http, pip_config, profile
from resolvers.net.profile import Setting, variables

PROXY = Setting("http://proxy.example.org:3128", "proxy in /etc/orbiter/config.toml")
BUNDLE = Setting("/etc/company.pem", "ca-bundle in /etc/orbiter/config.toml")
MIRROR = Setting("https://pypi.example.org/simple", "mirrors.pip in /etc/orbiter/config.toml")
BOTH = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"}
CERTIFICATES = {"PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}


@pytest.mark.parametrize(
    ("key", "environ", "names"),
    [
        ("proxy", {}, BOTH),
        ("proxy", {"https_proxy": "http://other:1"}, {"HTTP_PROXY", "http_proxy"}),
        ("proxy", {"HTTP_PROXY": ""}, {"HTTPS_PROXY", "https_proxy"}),
        ("proxy", {"ALL_PROXY": "http://other:1"}, set()),
        ("no-proxy", {}, {"NO_PROXY", "no_proxy"}),
        ("no-proxy", {"no_proxy": ""}, set()),
        ("ca-bundle", {}, CERTIFICATES | {"NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"}),
        ("ca-bundle", {"CURL_CA_BUNDLE": "/a.pem"}, {"NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"}),
        ("archive", {}, {"ORBITER_ARCHIVE"}),
        ("mirrors.pip", {}, {"PIP_INDEX_URL"}),
        ("mirrors.pip", {"PIP_INDEX_URL": "https://other"}, set()),
        ("mirrors.npm", {}, {"npm_config_registry"}),
        ("mirrors.npm", {"NPM_CONFIG_REGISTRY": "https://other"}, set()),
    ],
)
def test_a_setting_sets_the_variables_that_are_not_set(
    key: str, environ: dict[str, str], names: set[str]
) -> None:
    assert variables({key: PROXY}, environ) == dict.fromkeys(names, PROXY)


def test_errors_name_the_file_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"PIP_CONFIG_FILE": os.devnull}
    monkeypatch.setattr(os, "environ", environ)
    profile.use({"mirrors.pip": MIRROR})
    assert pip_config.settings() == {"index-url": MIRROR.value, "config-file": os.devnull}
    assert pip_config.origin("index-url") == MIRROR.origin
    environ["PIP_INDEX_URL"] = "https://other.example.org/simple"  # as another program would see it
    assert pip_config.origin("index-url") == "PIP_INDEX_URL"
    profile.use({})


def test_an_address_on_a_mirror_comes_from_the_profile() -> None:
    mirror = Setting("https://ada:pw@mirror.example.org/debian", "mirrors.apt in config.toml")
    profile.use({"mirrors.apt": mirror})
    error = http.unreachable("https://mirror.example.org/debian/dists", "no answer", "the image")
    assert "(the address comes from mirrors.apt in config.toml)" in error.message
    other = http.unreachable("https://other.example.org/debian/dists", "no answer", "the image")
    assert "(the address comes from the image)" in other.message
    profile.use({})


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({}, "localhost,127.0.0.1,::1"),
        ({"no-proxy": Setting("example.org", "")}, "localhost,127.0.0.1,::1,example.org"),
    ],
)
def test_the_proxy_of_a_profile_is_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, others: dict[str, Setting], expected: str
) -> None:
    """The Docker SDK would use it for an engine on a port of this machine."""
    monkeypatch.setattr(os, "environ", {})
    profile.use({"proxy": PROXY, **others})
    assert (os.environ["NO_PROXY"], os.environ["no_proxy"]) == (expected, expected)
    profile.use({})
    monkeypatch.setattr(os, "environ", {})
    profile.use(others)
    assert os.environ.get("NO_PROXY", "") == "".join(each.value for each in others.values())
    profile.use({})


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://m.example.org/debian/pool/a.deb", "mirrors.apt"),
        ("https://m.example.org/debian-security/pool/a.deb", "mirrors.apt-security"),
        ("https://m.example.org/debian-other/pool/a.deb", ""),
        ("https://m.example.org/t/…/conda-forge/noarch", "mirrors.conda"),
    ],
)
def test_the_mirror_of_an_address_is_found(url: str, key: str) -> None:
    addresses = {
        "mirrors.apt": "https://ada:secret@m.example.org/debian/",
        "mirrors.apt-security": "https://ada:secret@m.example.org/debian-security",
        "mirrors.conda": "https://m.example.org/t/secret",
    }
    profile.use({name: Setting(address, name) for name, address in addresses.items()})
    assert profile.origin_of_mirror(url) == key
    profile.use({})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://m.example.org/debian", "https://ada:p%40@m.example.org/debian"),
        ("https://m.example.org/debian/a.deb", "https://ada:p%40@m.example.org/debian/a.deb"),
        ("https://m.example.org/debian-other/", "https://m.example.org/debian-other/"),
        ("https://bob:x@m.example.org/debian", "https://bob:x@m.example.org/debian"),
    ],
)
def test_an_address_on_a_mirror_gets_its_login(url: str, expected: str) -> None:
    profile.use({"mirrors.apt": Setting("https://ada:p%40@m.example.org/debian/", "")})
    assert profile.with_login(url) == expected
    profile.use({})
