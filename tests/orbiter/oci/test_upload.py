import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orbiter.oci.registry import OCI_MANIFEST, Repository, repositories, sha256
from orbiter.oci.upload import has_blob, list_tags, put_blob, put_manifest
from resolvers.net import http
from tests.support.loopback import Answer, in_turn, serving
from tests.support.loopback_registry import NAME, USER, LoopbackRegistry
from tests.support.loopback_registry import registry as loopback_registry


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackRegistry]:
    monkeypatch.setattr(http, "PAUSES", (0.0,))
    with loopback_registry() as found:
        yield found


def repository(registry: LoopbackRegistry, user: tuple[str, str] | None = USER) -> Repository:
    (found,) = repositories(f"{registry.server.host}/{NAME}", credentials=lambda _name: user)
    return found


def put(place: Repository, content: bytes) -> str:
    put_blob(place, sha256(content), len(content), lambda: iter([content[:3], content[3:]]))
    return sha256(content)


def test_pushing_requests_a_token_that_may_push(registry: LoopbackRegistry) -> None:
    place = repository(registry)
    assert not has_blob(place, sha256(b"content"))
    digest = put(place, b"content")
    assert registry.blobs == {digest: b"content"}
    assert has_blob(place, digest)
    put_manifest(place, "0.1.0", b"{}", OCI_MANIFEST)
    assert registry.manifests == {"0.1.0": b"{}"}
    tokens = [request.path for request in registry.requests if request.path.startswith("/token")]
    assert [path.rpartition("%3A")[2] for path in tokens] == ["pull", "pull%2Cpush"]
    assert registry.requests[-1].headers["content-type"] == OCI_MANIFEST


@pytest.mark.parametrize("user", [None, ("ann", "wrong")])
def test_pushing_without_permission_fails(
    registry: LoopbackRegistry, user: tuple[str, str] | None
) -> None:
    with pytest.raises(http.HTTPError) as caught:
        put(repository(registry, user), b"content")
    assert caught.value.status == 401
    assert registry.blobs == {}


def test_concurrent_uploads_keep_their_tokens_apart(registry: LoopbackRegistry) -> None:
    place = repository(registry)
    contents = [f"file {number}".encode() for number in range(64)]

    def upload(content: bytes) -> bool:
        existed = has_blob(place, sha256(content))
        put(place, content)
        return existed

    with ThreadPoolExecutor(16) as pool:
        assert not any(pool.map(upload, contents))
    assert sorted(registry.blobs.values()) == sorted(contents)


def test_a_temporary_failure_restarts_the_upload(registry: LoopbackRegistry) -> None:
    upload = f"/v2/{NAME}/blobs/uploads/1?_state=x&digest={sha256(b'content').replace(':', '%3A')}"
    registry.server.replies[upload] = in_turn(Answer(503), Answer(201))
    put(repository(registry), b"content")
    sent = [
        (request.method, request.content)
        for request in registry.requests
        if "token" not in request.path
    ]
    assert sent[-4:] == [("POST", b""), ("PUT", b"content")] * 2


def test_the_registry_refuses_a_wrong_digest(registry: LoopbackRegistry) -> None:
    with pytest.raises(http.HTTPError, match="400"):
        put_blob(repository(registry), sha256(b"other"), 7, lambda: b"content")


def test_another_server_that_stores_blobs_gets_no_token(registry: LoopbackRegistry) -> None:
    with serving() as storage:
        storage.otherwise = Answer(201)
        registry.storage = storage.url
        put(repository(registry), b"content")
    (sent,) = storage.requests
    assert (sent.method, sent.content) == ("PUT", b"content")
    assert "authorization" not in sent.headers


def test_tags_come_in_pages(registry: LoopbackRegistry) -> None:
    place = repository(registry, None)
    assert list_tags(place) == ()
    registry.manifests = {f"0.{number}.0": b"{}" for number in range(5)}
    registry.page = 2
    assert list_tags(place) == tuple(f"0.{number}.0" for number in range(5))


def test_an_html_page_is_not_a_registry_response(registry: LoopbackRegistry) -> None:
    registry.server.replies[f"/v2/{NAME}/tags/list"] = Answer(200, b"<html>")
    with pytest.raises(Exception, match="is not a valid registry response"):
        list_tags(repository(registry))


@pytest.mark.engine
def test_a_real_registry() -> None:
    real = os.environ.get("ORBITER_WORLD_REGISTRY")
    if not real:
        pytest.skip("no registry to push to is known (ORBITER_WORLD_REGISTRY)")
    (place,) = repositories(f"{real}/orbiter-test/push-{uuid.uuid4().hex}")
    assert list_tags(place) == ()
    content = os.urandom(1_000_000)
    assert not has_blob(place, sha256(content))
    digest = put(place, content)
    assert has_blob(place, digest)
    with place.blob(digest, {}) as stream:
        assert b"".join(stream.chunks) == content
    with pytest.raises(http.HTTPError, match="400"):
        put_blob(place, sha256(b"other"), 7, lambda: b"content")
