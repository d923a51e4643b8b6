"""The proxy of an address, compared with where the HTTP client really connects."""

import os
from collections.abc import Iterator

import pytest

from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.net.http_client import UNUSABLE_PROXY, new_client, unusable_host
from resolvers.net.proxies import is_usable, proxy_of, proxy_variable
from tests.support.loopback import Answer, Server, serving


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(http, "PAUSES", ())
    monkeypatch.setattr(http, "_session", http._Session())
    with serving() as server:
        server.otherwise = Answer(200, b"from the proxy")
        yield server


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        ("http://a.invalid/", ""),
        ("http://a.invalid/", "a.invalid"),
        ("http://b.a.invalid/", "a.invalid"),
        ("http://b.a.invalid/", ".a.invalid"),
        ("http://ba.invalid/", "a.invalid"),
        ("http://a.invalid:81/", "a.invalid"),
        ("http://a.invalid/", "c.invalid, a.invalid"),
        ("http://a.invalid/", "*"),
        ("http://127.0.0.1:1/", ""),
        ("http://localhost:1/", ""),
    ],
)
def test_the_proxy_is_the_one_of_the_client(
    proxy: Server, monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    try:
        is_used = http.get(url).content == b"from the proxy"
    except http.HTTPError:
        is_used = False  # the address itself does not answer
    assert proxy_of(url) == (proxy.url if is_used else "")


@pytest.mark.usefixtures("proxy")
def test_the_scheme_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert proxy_of("https://index.example/") == "http://proxy.example:3128"
    assert proxy_of("http://index.example/") == ""
    assert proxy_of("file:///index") == ""
    assert proxy_of("/srv/archive") == ""
    monkeypatch.setenv("ALL_PROXY", "http://other.example")
    assert proxy_of("http://index.example/") == "http://other.example"
    variables = [proxy_variable(scheme) for scheme in ("https", "http", "no")]
    assert variables == ["HTTPS_PROXY", "ALL_PROXY", ""]


@pytest.mark.usefixtures("proxy")
def test_an_empty_variable_in_lower_case_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("https_proxy", "")
    assert proxy_variable("https") == proxy_of("https://index.example/") == ""


def test_a_proxy_without_a_scheme(proxy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.host)
    assert http.get("http://a.invalid/").content == b"from the proxy"
    assert proxy_of("http://a.invalid/") == proxy.url


@pytest.mark.usefixtures("proxy")
@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize(
    ("hosts", "shown"),
    [
        ("example.org,[::1]", "[::1]"),
        ("example.org:http", "example.org:http"),
        ("::1, ::1/128", "::1/128"),
        ("http://ann:hidden@h:x", "h:x"),
    ],
)
@pytest.mark.parametrize("address", ["", "http://proxy.example:3128"])
def test_a_host_without_a_proxy_that_cannot_be_used(
    hosts: str, shown: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    monkeypatch.setenv("no_proxy", hosts)
    with pytest.raises(ExpectedError) as caught:
        http.get("http://a.invalid/")
    assert caught.value.message == f"no_proxy has the host '{shown}', which cannot be used"


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("hosts", ["", "*", "::1,.a.b,a:80,10.0.0.0/8", "http://h", "a..b, ,c"])
def test_hosts_that_can_be_used(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", hosts)
    assert unusable_host() == ""
    new_client().close()


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize(
    "address", ["socks5://u:hidden@h", "ftp://u:hidden@h", "http://u:hidden/@h", "://"]
)
def test_a_proxy_that_cannot_be_used(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert not is_usable(address)
    with pytest.raises(ExpectedError) as caught:
        http.get("http://a.invalid/")
    assert caught.value.message == UNUSABLE_PROXY
    assert caught.value.__suppress_context__  # its text would show the password
