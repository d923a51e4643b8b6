"""The errors for an engine that does not answer."""

import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

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


@pytest.mark.parametrize("skips", ["false", "true"])
def test_a_context_with_certificates_for_programs_that_ignore_contexts(
    skips: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # requests prefers the certificates of its variable to those of the context.
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    # The one certificate of a server with another name, which only one of the contexts accepts.
    name = "127.0.0.1" if skips == "false" else "127.0.0.9"
    names = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{name}")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    tls.load_cert_chain(certificate, key)
    tls.verify_mode = ssl.CERT_REQUIRED
    with serving(tls) as server:
        server.otherwise = Answer(200, b'{"ApiVersion": "1.44"}')
        files = f"ca={certificate},cert={certificate},key={key}"
        docker_host = f"host=tcp://{server.host},{files},skip-tls-verify={skips}"
        create = ["docker", "context", "create", "remote", "--docker", docker_host]
        subprocess.run(create, check=True, capture_output=True)
        subprocess.run(["docker", "context", "use", "remote"], check=True, capture_output=True)
        variables = client.environment()
        assert variables["DOCKER_HOST"] == f"tcp://{server.host}"
        assert docker.from_env(environment=variables).version()["ApiVersion"] == "1.44"
        words = ["docker", "version", "--format", "{{.Server.APIVersion}}"]
        shown = subprocess.check_output(words, env={**os.environ, **variables}, text=True)
        assert shown.strip() == "1.44"


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


def test_a_list_is_asked_for_again_if_something_in_it_is_removed() -> None:
    # Engine 26.1 answered so when another program removed an image, which cannot be timed.
    gone = APIError("500 Server Error", explanation=f"content digest sha256:{0:064}: not found\n")
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
