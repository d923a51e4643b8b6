"""The checks of indexes, against servers with every fault."""

import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from orbiter.config.image_set import ImageSet
from orbiter.config.read import image_set_of
from orbiter.doctor.check import Check, run_checks
from orbiter.doctor.faults import REMEDIES
from orbiter.doctor.indexes import conda_checks, npm_checks, pip_checks
from orbiter.doctor.result import CheckResult
from resolvers.conda import fetch
from resolvers.net import http
from resolvers.net.profile import CERTIFICATE_VARIABLES
from tests.support.loopback import Answer, Server, serving

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.base]
pip = ["attrs>=20", "rich"]
npm = ["@lab/a@^1", "b"]
"""
PAGE = '<a href="attrs-25.1.0.tar.gz">attrs</a><a href="attrs-25.2.0.tar.gz">attrs</a>'
HTML = {"Content-Type": "text/html"}
LOGIN_PAGE = '<html><a href="/login.css">style</a><form>Password</form></html>'


def project(more: str = "") -> ImageSet:
    return image_set_of(IMAGES + more, Path("images.toml"), "images.toml")


@pytest.fixture
def pip_url(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make the server pip's only index, and return its address."""
    own = [name for name in os.environ if name.startswith("PIP_")]
    for name in (*own, *CERTIFICATE_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple/")
    return f"{server.url}/simple/attrs/"


def run(*checks: Check) -> CheckResult:
    (found,) = run_checks(checks)
    return found


def pip_check() -> CheckResult:
    return run(*pip_checks(project()))


def test_an_index_is_asked_for_a_requirement(server: Server, pip_url: str) -> None:
    server.replies["/simple/attrs/"] = Answer(200, PAGE.encode(), HTML)
    found = pip_check()
    assert (found.state, found.detail, found.address) == ("ok", "files of attrs: 2", pip_url)
    assert found.origin == "PIP_INDEX_URL"
    assert "vnd.pypi.simple.v1+json" in server.requests[0].headers["accept"]


@pytest.mark.usefixtures("pip_url")
@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(401), "credentials"),
        (Answer(403), "credentials"),
        (Answer(404), "missing"),
        (Answer(407), "proxy password"),
        (Answer(503), "server"),
        (Answer(200, LOGIN_PAGE.encode(), HTML), "not an index"),
        (Answer(200, b"hello", {"Content-Type": "text/plain"}), "not an index"),
    ],
)
def test_answers_that_are_not_a_page(server: Server, answer: Answer, fault: str) -> None:
    server.otherwise = answer
    found = pip_check()
    assert (found.state, found.fault) == ("failed", fault)
    assert found.hint


@pytest.mark.usefixtures("new_session", "pip_url")
@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://127.0.0.1:1/simple/", "refused"),
        ("https://index.invalid/simple/", "name"),
    ],
)
def test_no_connection(monkeypatch: pytest.MonkeyPatch, url: str, fault: str) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", url)
    assert pip_check().fault == fault


@pytest.mark.usefixtures("pip_url")
def test_a_certificate_that_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple/")
        found = pip_check()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setattr(http, "_session", http._Session())
        trusted = pip_check()
    assert (found.state, found.fault) == ("failed", "certificate")
    assert "SSL_CERT_FILE" in found.hint
    assert trusted.fault == "missing"


@pytest.mark.usefixtures("pip_url")
@pytest.mark.parametrize(
    ("status", "fault"), [(407, "proxy password"), (403, "proxy"), (502, "proxy")]
)
def test_a_proxy_that_does_not_connect(
    server: Server, monkeypatch: pytest.MonkeyPatch, status: int, fault: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:hidden@{server.host}")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.invalid/simple/")
    server.otherwise = Answer(status)
    found = pip_check()
    assert (found.state, found.fault, found.proxy) == ("failed", fault, server.url)
    assert found.hint == REMEDIES[found.fault]


@pytest.mark.usefixtures("pip_url")
def test_an_index_behind_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.invalid/simple/")
    server.replies["http://index.invalid/simple/attrs/"] = Answer(200, PAGE.encode(), HTML)
    found = pip_check()
    assert (found.state, found.proxy) == ("ok", server.url)


def test_an_extra_index_may_lack_a_project(
    server: Server, pip_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{server.url}/extra/")
    server.replies["/simple/attrs/"] = Answer(200, PAGE.encode(), HTML)
    first, second = run_checks(pip_checks(project()))
    assert (first.address, first.state) == (pip_url, "ok")
    assert (second.state, second.detail) == ("ok", "it does not have attrs")
    server.replies["/extra/attrs/"] = server.replies.pop("/simple/attrs/")
    assert [found.state for found in run_checks(pip_checks(project()))] == ["warning", "ok"]


@pytest.mark.usefixtures("pip_url")
def test_an_index_of_images_toml(server: Server) -> None:
    text = f"""
[image.debian.lab]
pip = [{{ requirement = "c", index = "lab" }}]
[index.lab]
url = "{server.url}/lab"
"""
    server.replies["/lab/c/"] = Answer(200, b'<a href="c-1.tar.gz">c</a>', HTML)
    named = run_checks(pip_checks(project(text)))[-1]
    assert (named.state, named.origin) == ("ok", "[index.lab] in images.toml")
    assert named.address == f"{server.url}/lab/c/"


@pytest.mark.usefixtures("pip_url")
def test_pip_without_indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert pip_check().state == "skipped"
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / "attrs-25.1.0.tar.gz").touch()
    found = pip_check()
    assert (found.detail, found.origin) == ("files of attrs: 1", "PIP_FIND_LINKS")


@pytest.fixture
def npm_url(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Make the server npm's only registry, with a token, and return its address."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    config = tmp_path / ".npmrc"
    config.write_text(f"//{server.host}/:_authToken=hidden\n", encoding="utf-8")
    monkeypatch.setenv("npm_config_userconfig", str(config))
    monkeypatch.setenv("npm_config_registry", f"{server.url}/")
    return server.url


def test_npm_asks_one_package_of_each_registry(server: Server, npm_url: str) -> None:
    server.replies["/b"] = Answer(200, json.dumps({"name": "b"}).encode())
    scope, default = run_checks(npm_checks(project()))
    assert (scope.address, scope.fault) == (f"{npm_url}/%40lab%2fa", "missing")
    assert (default.address, default.state) == (f"{npm_url}/b", "ok")
    assert default.origin == "npm_config_registry"
    assert {request.headers.get("authorization") for request in server.requests} == {
        "Bearer hidden"
    }


@pytest.mark.usefixtures("npm_url")
def test_the_address_of_a_scope_has_its_host_but_no_login(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = server.url.replace("://", "://ann:hidden@")
    monkeypatch.setenv("npm_config_registry", registry)
    scope, _ = run_checks(npm_checks(project()))
    assert scope.address == f"{server.url}/%40lab%2fa"


@pytest.mark.usefixtures("npm_url")
@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(401), "credentials"),
        (Answer(502), "server"),
        (Answer(200, LOGIN_PAGE.encode(), HTML), "not an index"),
    ],
)
def test_npm_registries_with_faults(server: Server, answer: Answer, fault: str) -> None:
    server.otherwise = answer
    assert [found.fault for found in run_checks(npm_checks(project()))] == [fault, fault]


def test_npm_itself_asks_if_its_configuration_needs_it(
    server: Server, npm_url: str, tmp_path: Path
) -> None:
    with (tmp_path / ".npmrc").open("a", encoding="utf-8") as file:
        file.write("noproxy=nowhere.example\n")  # npm alone follows this setting
    version = {"name": "b", "version": "1.0.0"}
    packument = {"name": "b", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    server.replies["/b"] = Answer(200, json.dumps(packument).encode())
    server.otherwise = Answer(401)
    scope, default = run_checks(npm_checks(project()))
    assert (scope.fault, default.detail) == ("credentials", "npm itself found b")
    assert default.address == f"{npm_url}/b"


CONDA = """
version = "0.1.0"
repository = "a/b"
[builder.micromamba]
from = "debian:trixie-slim"
channels = ["{}"]
[image.micromamba.base]
conda = ["numpy"]
"""


def conda_results(url: str) -> list[CheckResult]:
    images = image_set_of(CONDA.format(url), Path("images.toml"), "images.toml")
    return list(run_checks(conda_checks(images)))


def test_conda_indexes_are_not_downloaded(server: Server) -> None:
    server.replies["/c/noarch/repodata.json"] = Answer(200, b'{"info": {}}' + b" " * (1 << 20))
    server.replies["/c/linux-64/repodata.json"] = Answer(200, LOGIN_PAGE.encode())
    own, noarch = conda_results(f"{server.url}/c")
    assert (own.state, own.fault) == ("failed", "not an index")
    assert (noarch.state, noarch.detail) == ("ok", "it answers with an index")
    assert noarch.address == f"{server.url}/c/noarch/repodata.json"
    assert noarch.origin == "'channels' in images.toml"


@pytest.mark.parametrize(("status", "fault"), [(403, "credentials"), (404, "missing")])
def test_conda_channels_with_faults(server: Server, status: int, fault: str) -> None:
    server.otherwise = Answer(status)
    assert {found.fault for found in conda_results(f"{server.url}/c")} == {fault}


@pytest.mark.parametrize(
    ("url", "fault"), [("http://127.0.0.1:1/c", "refused"), ("https://conda.invalid/c", "name")]
)
def test_conda_channels_that_do_not_answer(
    monkeypatch: pytest.MonkeyPatch, url: str, fault: str
) -> None:
    monkeypatch.setattr(fetch, "RETRIES", 0)
    assert {found.fault for found in conda_results(url)} == {fault}
