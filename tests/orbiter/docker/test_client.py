"""The errors for an engine that does not answer."""

import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import certifi
import docker
import pytest
from docker.errors import APIError

from orbiter.docker import client
from resolvers.errors import ExpectedError
from tests.support.loopback import Answer, serving


@pytest.fixture(autouse=True)
def new_connection() -> Iterator[None]:
    """Forget the engine of other tests, and the missing one of this test."""
    client._connection.cache_clear()
    yield
    client._connection.cache_clear()


def problem() -> str:
    with pytest.raises(ExpectedError) as caught:
        client.connect()
    assert "must work for this user" in caught.value.hint
    return caught.value.message


def test_a_silent_engine_is_an_error_after_a_short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_ANSWER_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("DOCKER_HOST", address)
        expected = f"no answer within 0.2 seconds ({address}, set by DOCKER_HOST)"
        assert problem() == f"cannot connect to a Docker engine: {expected}"


def test_a_missing_engine_is_an_error_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert problem().endswith(
        ": No such file or directory (unix:///nowhere/docker.sock, set by DOCKER_HOST)"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "the server answered with HTTP 404"),
        (502, "the server answered with HTTP 502"),
        (200, "the server answered with something other than JSON"),
    ],
)
def test_another_server_is_not_a_missing_engine(
    monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    with _web_server(status) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(ExpectedError) as caught:
            client.connect()
    assert caught.value.message == (
        f"cannot connect to a Docker engine: {reason} ({address}, set by DOCKER_HOST)"
    )
    assert caught.value.hint.startswith("DOCKER_HOST must have the address of a Docker engine")


def test_an_error_of_an_engine_itself_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    with _web_server(503, "application/json", b'{"message": "not yet"}') as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        assert "not yet" in problem()


@pytest.fixture
def no_engine_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the engine and the contexts of this machine."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))


@pytest.mark.usefixtures("no_engine_chosen")
@pytest.mark.parametrize("variable", client.CERTIFICATE_VARIABLES)
@pytest.mark.parametrize("skips", ["false", "true"])
def test_the_certificates_of_a_context_count(
    skips: str,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    recwarn: pytest.WarningsRecorder,
) -> None:
    # Certificates for other servers, none of which is the engine's.
    monkeypatch.setenv(variable, certifi.where())
    # The one certificate of a server with another name, which only one of the contexts accepts.
    name = "127.0.0.1" if skips == "false" else "127.0.0.9"
    with _engine(tmp_path, name) as address:
        files = f"ca={tmp_path}/ca.pem,cert={tmp_path}/cert.pem,key={tmp_path}/key.pem"
        _create_context("remote", f"host={address},{files},skip-tls-verify={skips}")
        subprocess.run(["docker", "context", "use", "remote"], check=True, capture_output=True)
        assert client.connect().version()["ApiVersion"] == "1.44"
        assert "Unverified HTTPS request" not in " ".join(str(each.message) for each in recwarn)
        variables = client.environment()
        assert variables["DOCKER_HOST"] == address
        words = ["docker", "version", "--format", "{{.Server.APIVersion}}"]
        shown = subprocess.check_output(words, env={**os.environ, **variables}, text=True)
        assert shown.strip() == "1.44"
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
        assert docker.from_env().version()["ApiVersion"] == "1.44"


@pytest.mark.usefixtures("no_engine_chosen")
@pytest.mark.parametrize("verify", ["1", ""])
def test_the_certificates_of_docker_cert_path_count(
    verify: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", verify)
    with _engine(tmp_path, "127.0.0.1" if verify else "127.0.0.9") as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        assert client.connect().version()["ApiVersion"] == "1.44"
        for key, value in client.environment().items():
            monkeypatch.setenv(key, value)
        assert docker.from_env().version()["ApiVersion"] == "1.44"


@pytest.mark.usefixtures("no_engine_chosen")
def test_an_engine_with_another_certificate_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    with _engine(tmp_path, "127.0.0.9") as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        assert "CERTIFICATE_VERIFY_FAILED" in problem()


@contextmanager
def _engine(folder: Path, name: str) -> Iterator[str]:
    """Yield the address of an engine with a certificate for ``name``, which clients need too."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    names = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{name}")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    (folder / "ca.pem").write_bytes(certificate.read_bytes())
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    tls.load_cert_chain(certificate, key)
    tls.verify_mode = ssl.CERT_REQUIRED
    with serving(tls) as server:
        server.otherwise = Answer(200, b'{"ApiVersion": "1.44"}')
        yield f"tcp://{server.host}"


def _create_context(name: str, endpoint: str) -> None:
    command = ["docker", "context", "create", name, "--docker", endpoint]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.usefixtures("no_engine_chosen")
def test_a_variable_names_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        _create_context(name, f"host=tcp://{name}.example:2375")
    subprocess.run(["docker", "context", "use", "one"], check=True, capture_output=True)
    assert client.endpoint() == ("tcp://one.example:2375", "the context 'one'")
    monkeypatch.setenv("DOCKER_CONTEXT", "two")
    assert client.endpoint() == ("tcp://two.example:2375", "the context 'two'")
    # As for the program docker, this variable comes first.
    monkeypatch.setenv("DOCKER_HOST", "tcp://three.example:2375")
    assert client.endpoint() == ("tcp://three.example:2375", "DOCKER_HOST")


@pytest.mark.usefixtures("no_engine_chosen")
@pytest.mark.parametrize(
    "use", [client.connect, client.endpoint, client.environment, client.remote_address]
)
def test_a_missing_context_is_an_error(
    use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(ExpectedError) as caught:
        use()
    assert caught.value.message == "the Docker context 'gone' was not found"
    assert "docker context ls" in caught.value.hint


@pytest.mark.usefixtures("no_engine_chosen")
def test_a_context_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    _create_context("broken", "host=tcp://one.example:2375")
    subprocess.run(["docker", "context", "use", "broken"], check=True, capture_output=True)
    (meta,) = (tmp_path / "config").rglob("meta.json")
    meta.write_text("{", "utf-8")
    with pytest.raises(ExpectedError, match=r"^reading the Docker context 'broken' failed: "):
        client.connect()


@contextmanager
def _web_server(
    status: int, content_type: str = "text/html", content: bytes = b"<h1>a page</h1>"
) -> Iterator[str]:
    """Yield the address of a server that gives every request the same answer."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "explanation",
    [
        f"content digest sha256:{0:064}: not found\n",
        f"rw layer snapshot not found for container {0:064}",
    ],
)
def test_a_list_is_asked_for_again_if_something_in_it_is_removed(
    explanation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LIST_PAUSE", 0)
    # Engine 26.1 answered so when another program removed something, which cannot be timed.
    gone = APIError("500 Server Error", explanation=explanation)
    answers: list[APIError | str] = [gone, gone, "images"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, APIError):
            raise answer
        return answer

    assert client.consistent_list(ask) == "images"
    answers += [APIError("500 Server Error", explanation="disk full")]
    with pytest.raises(APIError, match="disk full"):
        client.consistent_list(ask)
    answers += [gone] * client.LIST_ATTEMPTS
    with pytest.raises(APIError, match="not found"):
        client.consistent_list(ask)
    assert answers == []


def test_without_docker_host_the_context_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    context = client._current_context()
    monkeypatch.setattr(context, "endpoints", {"docker": {"Host": "tcp://127.0.0.1:1"}})
    monkeypatch.setattr(client, "_current_context", lambda: context)
    assert problem().endswith(
        "Connection refused (tcp://127.0.0.1:1, set by the context 'default')"
    )


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("unix:///var/run/docker.sock", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://[::1]:2375", False),
        ("tcp://engine.example:2376", True),
        ("tcp://[::1", True),
        ("ssh://ada@engine.example", True),
    ],
)
def test_an_engine_on_another_machine_is_remote(
    monkeypatch: pytest.MonkeyPatch, address: str, *, remote: bool
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    assert bool(client.remote_address()) == remote
