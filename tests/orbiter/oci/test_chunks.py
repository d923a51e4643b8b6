import os
import uuid
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.oci import chunks
from orbiter.oci.chunks import put_blob_in_chunks
from orbiter.oci.registry import Repository, anonymous, repositories, sha256
from orbiter.oci.upload import has_blob
from resolvers.net import http
from tests.support.loopback import Answer, Request
from tests.support.push_registry import PushRegistry, problem
from tests.support.push_registry import registry as push_registry

NAME = "team/image"
CONTENT = bytes(range(35))
CHUNK = 10


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_SIZE", CHUNK)
    monkeypatch.setattr(http, "PAUSES", (0.0,) * 3)
    monkeypatch.setattr(http, "UNRESPONSIVE_PERIOD", 0.0)


@pytest.fixture
def registry() -> Iterator[PushRegistry]:
    with push_registry() as found:
        yield found


def repository(registry: PushRegistry) -> Repository:
    return Repository(registry.server.url, NAME, registry.server.host, anonymous)


def put(place: Repository, content: bytes, digest: str = "") -> None:
    def read(start: int, stop: int) -> Iterator[bytes]:
        yield from (content[at : at + 1] for at in range(start, stop))

    put_blob_in_chunks(place, digest or sha256(content), len(content), read)


def stored(registry: PushRegistry) -> bytes | None:
    return registry.blobs.get((NAME, sha256(CONTENT)))


def patched(registry: PushRegistry) -> list[str]:
    """Return the ranges of the chunks that were sent."""
    return [request.headers["content-range"] for request in registry.sent("PATCH")]


def numbered(method: str, faults: dict[int, int]) -> Callable[[Request], int | None]:
    """Break the connection of the nth requests with a method after some bytes of their bodies."""
    number = 0

    def cut(request: Request) -> int | None:
        nonlocal number
        if request.method != method:
            return None
        number += 1
        return faults.get(number)

    return cut


def test_a_blob_arrives_in_chunks(registry: PushRegistry) -> None:
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT
    assert patched(registry) == ["0-9", "10-19", "20-29", "30-34"]
    assert len(registry.sent("POST")) == 1
    assert [request.content for request in registry.sent("PUT")] == [b""]


@pytest.mark.parametrize("received", [0, 4, CHUNK])
def test_a_broken_chunk_continues_with_the_missing_bytes(
    registry: PushRegistry, received: int
) -> None:
    registry.server.cut = numbered("PATCH", {2: received})
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT
    sent = b"".join(request.content for request in registry.sent("PATCH"))
    assert sent == CONTENT, "no byte that arrived was sent again"
    assert len(registry.sent("POST")) == 1


def test_a_registry_that_forgets_broken_uploads_gets_a_new_one(registry: PushRegistry) -> None:
    registry.forgetful = True
    registry.server.cut = numbered("PATCH", {3: 4})
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT
    assert patched(registry)[3:] == ["0-9", "10-19", "20-29", "30-34"]
    assert len(registry.sent("POST")) == 2


def test_an_upload_that_is_lost_again_and_again_is_sent_in_one_piece(
    registry: PushRegistry,
) -> None:
    registry.forgetful = True
    registry.server.cut = lambda request: 3 if request.method == "PATCH" else None
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT
    assert len(registry.sent("PATCH")) == chunks.SESSIONS
    assert [request.content for request in registry.sent("PUT")] == [CONTENT]


@pytest.mark.parametrize("status", [400, 404, 405, 413, 416, 501])
def test_a_registry_without_chunks_gets_the_blob_in_one_piece(
    registry: PushRegistry, status: int
) -> None:
    registry.fault = lambda request: Answer(status) if request.method == "PATCH" else None
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT
    assert [request.content for request in registry.sent("PUT")] == [CONTENT]


@pytest.mark.parametrize("claimed", ["0-0", "0-3000", "0-9"])
def test_a_registry_with_impossible_ranges_gets_the_blob_in_one_piece(
    registry: PushRegistry, claimed: str
) -> None:
    def answer(request: Request) -> Answer | None:
        if request.method != "PATCH":
            return None
        return Answer(202, headers={"Location": request.path, "Range": claimed})

    registry.fault = answer
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT


def test_a_registry_that_takes_back_bytes_gets_a_new_upload(registry: PushRegistry) -> None:
    """The registry of Docker reports no bytes for every upload, in some versions."""

    def answer(request: Request) -> Answer | None:
        if request.method != "GET":
            return None
        return Answer(204, headers={"Location": request.path, "Range": "0-0"})

    registry.fault = answer
    registry.server.cut = numbered("PATCH", {2: 4})
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT
    assert patched(registry)[2:] == ["0-9", "10-19", "20-29", "30-34"]


def test_server_errors_of_chunks_and_of_the_status_are_retried(registry: PushRegistry) -> None:
    failures = {"PATCH": [503, 0, 502], "GET": [500], "PUT": [504]}

    def answer(request: Request) -> Answer | None:
        remaining = failures.get(request.method, [])
        status = remaining.pop(0) if remaining else 0
        return Answer(status) if status else None

    registry.fault = answer
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT
    assert len(registry.sent("POST")) == 1
    assert failures == {"PATCH": [], "GET": [], "PUT": []}


def test_an_upload_whose_last_response_was_lost_is_complete(registry: PushRegistry) -> None:
    registry.server.cut = numbered("PUT", {1: 0})
    put(repository(registry), CONTENT)
    assert stored(registry) == CONTENT
    assert len(patched(registry)) == 4
    assert len(registry.sent("POST")) == 1


def test_a_wrong_digest_is_not_sent_again(registry: PushRegistry) -> None:
    with pytest.raises(http.HTTPError) as caught:
        put(repository(registry), CONTENT, sha256(b"other"))
    assert caught.value.status == 400
    assert len(registry.sent("POST")) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_denied_chunk_is_an_error(registry: PushRegistry, status: int) -> None:
    def answer(request: Request) -> Answer | None:
        return problem(status, "DENIED") if request.method == "PATCH" else None

    registry.fault = answer
    with pytest.raises(http.HTTPError) as caught:
        put(repository(registry), CONTENT)
    assert caught.value.status == status
    assert registry.sent("PUT") == []


def test_a_registry_that_stays_away_is_an_error(registry: PushRegistry) -> None:
    registry.fault = lambda request: Answer(503) if request.method == "PATCH" else None
    with pytest.raises(http.HTTPError, match="503"):
        put(repository(registry), CONTENT)
    assert len(registry.sent("PATCH")) == len(http.PAUSES) + 1


faults = st.dictionaries(st.integers(1, 12), st.integers(0, CHUNK), max_size=8)


@settings(max_examples=60)
@given(st.binary(min_size=CHUNK + 1, max_size=45), faults, faults, st.booleans())
def test_a_blob_arrives_whatever_breaks(
    content: bytes, chunk_faults: dict[int, int], status_faults: dict[int, int], forgetful: bool
) -> None:
    # More faults in a row than retries would be an error.
    assert len(http.PAUSES) == 3
    rows = {number for number in chunk_faults if number % 3}
    chunk_cut = numbered("PATCH", {number: chunk_faults[number] for number in rows})
    status_cut = numbered("GET", {number: 0 for number in status_faults if not number % 4})

    def cut(request: Request) -> int | None:
        broken = chunk_cut(request), status_cut(request)
        return next((each for each in broken if each is not None), None)

    with push_registry() as registry:
        registry.forgetful = forgetful
        registry.server.cut = cut
        put(repository(registry), content)
        assert registry.blobs == {(NAME, sha256(content)): content}


@pytest.mark.engine
def test_a_real_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.environ.get("ORBITER_WORLD_REGISTRY")
    if not real:
        pytest.skip("no registry to push to is known (ORBITER_WORLD_REGISTRY)")
    monkeypatch.setattr(chunks, "CHUNK_SIZE", 1_000_000)
    (place,) = repositories(f"{real}/orbiter-test/chunks-{uuid.uuid4().hex}")
    content = os.urandom(3_500_000)
    ranges: list[tuple[int, int]] = []

    def read(start: int, stop: int) -> Iterator[bytes]:
        ranges.append((start, stop))
        yield content[start : start + 300_000]
        if len(ranges) == 3:
            raise http.HTTPError("the connection breaks here")
        yield content[start + 300_000 : stop]

    put_blob_in_chunks(place, sha256(content), len(content), read)
    assert has_blob(place, sha256(content))
    with place.blob(sha256(content), {}) as stream:
        assert b"".join(stream.chunks) == content
    assert ranges[:3] == [(0, 1_000_000), (1_000_000, 2_000_000), (2_000_000, 3_000_000)]
    assert ranges[-1] == (3_000_000, 3_500_000)
