from collections.abc import Iterator
from http.client import IncompleteRead
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from resolvers.errors import ExpectedError
from resolvers.net.loopback import Answer, Question, Served, serve


def chunks(*, broken: bool) -> Iterator[bytes]:
    yield b"first "
    if broken:
        raise ExpectedError("the index broke off")
    yield b""
    yield b"second"


def answering(question: Question) -> Answer:
    if question.path == "refused":
        raise ExpectedError("the index does not answer")
    if question.path in {"whole", "broken"}:
        return Answer(200, chunks(broken=question.path == "broken"))
    return Answer(200, f"{question.path} {question.headers['x-asked']}".encode())


def get(url: str, **headers: str) -> bytes:
    with build_opener(ProxyHandler({})).open(
        Request(url, headers={"X-Asked": "yes", **headers}), timeout=30
    ) as answer:
        assert answer.headers["cache-control"] == "no-store"
        content = answer.read()
        assert isinstance(content, bytes)
        return content


def bearer(served: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {served.secret}"}


def test_the_secret_is_part_of_the_path_or_a_token() -> None:
    with serve(answering, []) as served:
        assert get(f"{served.address}/a/b") == b"a/b yes"
        assert get(f"{served.root}/a/b", **bearer(served)) == b"a/b yes"
        for url in (f"{served.root}/a/b", f"{served.root}/{'0' * 32}/a/b"):
            with pytest.raises(HTTPError, match="404"):
                get(url)
        with pytest.raises(HTTPError, match="404"):
            get(f"{served.root}/a/b", Authorization="Bearer no")


def test_a_client_notices_when_chunks_break_off() -> None:
    errors: list[ExpectedError] = []
    with serve(answering, errors) as served:
        assert get(f"{served.address}/whole") == b"first second"
        with pytest.raises(IncompleteRead):
            get(f"{served.address}/broken")
    assert [error.message for error in errors] == ["the index broke off"]


def test_what_goes_wrong_is_answered_and_kept() -> None:
    errors: list[ExpectedError] = []
    with serve(answering, errors) as served, pytest.raises(HTTPError, match="500"):
        get(f"{served.address}/refused")
    assert [error.message for error in errors] == ["the index does not answer"]
