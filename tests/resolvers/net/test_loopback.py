from collections.abc import Iterator
from http.client import IncompleteRead
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from resolvers.errors import ExpectedError
from resolvers.net.loopback import LoopbackAddress, LoopbackRequest, LoopbackResponse, serve


def chunks(*, broken: bool) -> Iterator[bytes]:
    yield b"first "
    if broken:
        raise ExpectedError("the index stopped responding")
    yield b""
    yield b"second"


def respond(request: LoopbackRequest) -> LoopbackResponse:
    if request.path == "refused":
        raise ExpectedError("the index does not respond")
    if request.path in {"whole", "broken"}:
        return LoopbackResponse(200, chunks(broken=request.path == "broken"))
    return LoopbackResponse(200, f"{request.path} {request.headers['x-asked']}".encode())


def get(url: str, **headers: str) -> bytes:
    with build_opener(ProxyHandler({})).open(
        Request(url, headers={"X-Asked": "yes", **headers}), timeout=30
    ) as response:
        assert response.headers["cache-control"] == "no-store"
        content = response.read()
        assert isinstance(content, bytes)
        return content


def bearer(address: LoopbackAddress) -> dict[str, str]:
    return {"Authorization": f"Bearer {address.secret}"}


def test_the_secret_is_part_of_the_path_or_a_token() -> None:
    with serve(respond, []) as address:
        assert get(f"{address.address}/a/b") == b"a/b yes"
        assert get(f"{address.root}/a/b", **bearer(address)) == b"a/b yes"
        for url in (f"{address.root}/a/b", f"{address.root}/{'0' * 32}/a/b"):
            with pytest.raises(HTTPError, match="404"):
                get(url)
        with pytest.raises(HTTPError, match="404"):
            get(f"{address.root}/a/b", Authorization="Bearer no")


def test_a_client_notices_missing_chunks() -> None:
    errors: list[ExpectedError] = []
    with serve(respond, errors) as address:
        assert get(f"{address.address}/whole") == b"first second"
        with pytest.raises(IncompleteRead):
            get(f"{address.address}/broken")
    assert [error.message for error in errors] == ["the index stopped responding"]


def test_errors_become_status_500_and_are_collected() -> None:
    errors: list[ExpectedError] = []
    with serve(respond, errors) as address, pytest.raises(HTTPError, match="500"):
        get(f"{address.address}/refused")
    assert [error.message for error in errors] == ["the index does not respond"]
