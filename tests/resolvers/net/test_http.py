from collections.abc import Iterator
from pathlib import Path

import pytest

from resolvers.net import http
from tests.support.loopback import Answer, Server, in_turn, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http, "PAUSES", (0.0, 0.0, 0.0))
    with serving() as server:
        yield server


def test_get(server: Server) -> None:
    server.replies["/a"] = Answer(200, b"hello", {"X-Kind": "greeting"})
    response = http.get(f"{server.url}/a", headers={"accept": "text/x"})
    assert (response.status, response.content, response.headers["x-kind"]) == (
        200,
        b"hello",
        "greeting",
    )
    assert server.requests[0].headers["accept"] == "text/x"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_temporary_failure_is_retried(server: Server, status: int) -> None:
    server.replies["/a"] = in_turn(Answer(status), Answer(status), Answer(200, b"now"))
    assert http.get(f"{server.url}/a").content == b"now"
    assert len(server.requests) == 3


def test_a_broken_response_is_retried(server: Server) -> None:
    server.replies["/a"] = in_turn(Answer(200, b"whole", sent=2), Answer(200, b"whole"))
    assert http.get(f"{server.url}/a").content == b"whole"


def test_a_lasting_failure(server: Server) -> None:
    server.replies["/a"] = Answer(503, headers={"Retry-After": "0"})
    with pytest.raises(http.HTTPError, match="503") as caught:
        http.get(f"{server.url}/a")
    assert (caught.value.status, len(server.requests)) == (503, 4)


def test_requests_to_an_unresponsive_host_are_not_all_retried(server: Server) -> None:
    server.replies["/a"] = server.replies["/b"] = Answer(200, b"whole", sent=0)
    attempts = []
    for path in ("/a", "/b"):
        server.requests.clear()
        with pytest.raises(http.HTTPError, match="did not respond"):
            http.get(f"{server.url}{path}")
        attempts.append(len(server.requests))
    assert attempts == [4, 1]


def test_not_found_is_not_retried(server: Server) -> None:
    with pytest.raises(http.HTTPError, match="404") as caught:
        http.get(f"{server.url}/a")
    assert (caught.value.status, len(server.requests)) == (404, 1)


def test_an_error_has_the_beginning_of_the_body(server: Server) -> None:
    server.replies["/long"] = Answer(404, b"reason" + bytes(http.ERROR_SIZE))
    server.replies["/broken"] = Answer(404, b"reason", sent=2)
    contents = []
    for path in ("/long", "/broken"):
        with pytest.raises(http.HTTPError, match="404") as caught:
            http.get(f"{server.url}{path}")
        contents.append(http.with_origin(caught.value, "a file").content)
    assert contents[0].startswith(b"reason")
    assert len(contents[0]) == http.ERROR_SIZE
    assert b"reason".startswith(contents[1])


def test_no_response(server: Server) -> None:
    with pytest.raises(http.HTTPError, match="did not respond") as caught:
        http.get("http://127.0.0.1:1/a")
    assert caught.value.status == 0
    assert "HTTPS_PROXY" in caught.value.hint
    assert not server.requests


def test_an_address_without_a_scheme() -> None:
    with pytest.raises(http.HTTPError, match="did not respond") as caught:
        http.get("index.example/simple/")
    assert caught.value.hint == "correct the address: it must begin with https:// or http://"


def test_credentials_of_a_url_are_sent_and_never_shown(server: Server) -> None:
    server.replies["/a"] = Answer(401)
    with pytest.raises(http.HTTPError) as caught:
        http.get(f"http://ann:s3cret@{server.host}/a")
    assert server.requests[0].headers["authorization"] == "Basic YW5uOnMzY3JldA=="
    assert "s3cret" not in caught.value.message + caught.value.hint
    assert server.host in caught.value.hint


def test_netrc(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.replies["/a"] = Answer(200)
    http.get(f"{server.url}/a")
    http.get(f"{server.url}/a", headers={"authorization": "Bearer t"})
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Basic YW5uOnMzY3JldA==", "Bearer t"]


def test_a_redirect_to_another_host_drops_the_credentials(server: Server) -> None:
    with serving() as other:
        other.replies["/b"] = Answer(200, b"b")
        server.replies["/a"] = Answer(302, headers={"Location": f"{other.url}/b"})
        response = http.get(f"http://ann:s3cret@{server.host}/a")
    assert (response.content, response.url) == (b"b", f"{other.url}/b")
    assert "authorization" not in other.requests[0].headers


def test_a_stream_yields_the_bytes_as_sent(server: Server) -> None:
    server.replies["/a"] = Answer(206, b"\x1f\x8b not unpacked", {"Content-Encoding": "gzip"})
    with http.stream(f"{server.url}/a", headers={"range": "bytes=1-"}) as stream:
        assert (stream.status, b"".join(stream.chunks)) == (206, b"\x1f\x8b not unpacked")
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert server.requests[0].headers["range"] == "bytes=1-"


def test_a_broken_stream(server: Server) -> None:
    server.replies["/a"] = Answer(200, b"x" * 1000, sent=10)
    with http.stream(f"{server.url}/a") as stream, pytest.raises(http.HTTPError) as caught:
        list(stream.chunks)
    assert caught.value.temporary


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "a b"
    file.write_bytes(b"local")
    assert http.get(file.as_uri()).content == b"local"
    with http.stream(file.as_uri(), headers={"range": "bytes=2-"}) as stream:
        assert (stream.status, stream.headers["content-length"]) == (200, "5")
        assert b"".join(stream.chunks) == b"local"
    with pytest.raises(http.HTTPError) as caught:
        http.get((tmp_path / "none").as_uri())
    assert caught.value.status == 404


@pytest.mark.parametrize("address", ["https://[::1/simple", "https://host:99999/", "https://h:x/"])
def test_an_address_that_cannot_be_split_is_an_error(address: str) -> None:
    with pytest.raises(http.HTTPError, match="is not a valid address"):
        http.get(address)


def test_a_link_that_cannot_be_split_is_an_error() -> None:
    assert http.join("https://host.test/a/", "b") == "https://host.test/a/b"
    with pytest.raises(http.HTTPError, match=r"http://\[::1/b is not a valid address"):
        http.join("https://host.test/a/", "http://ann:s3cret@[::1/b")
