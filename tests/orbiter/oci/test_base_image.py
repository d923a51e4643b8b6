import base64
import hashlib
import json
import os
from collections.abc import Iterator

import pytest

from orbiter.oci.base_image import image_blobs, pin
from orbiter.oci.registry import OCI_MANIFEST, anonymous, repositories, sha256
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.loopback import Answer, Request, Server, serving

INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http, "PAUSES", ())
    with serving() as server:
        yield server


def put(
    server: Server, name: str, content: object, kind: str = "manifests", answer: int = 200
) -> str:
    """Serve a manifest or blob under its digest and a name; return the digest."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    for reference in (name, digest):
        server.replies[f"/v2/a/b/{kind}/{reference}"] = Answer(
            answer, data, {"Docker-Content-Digest": digest}
        )
    return digest


def put_image(server: Server, name: str, architecture: str) -> str:
    config = put(server, "config", {"os": "linux", "architecture": architecture}, "blobs")
    layer = {"digest": DIGEST, "size": 7, "mediaType": "layer"}
    return put(
        server,
        name,
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {"digest": config, "size": 40, "mediaType": "config"},
            "layers": [layer],
        },
    )


def put_index(server: Server, name: str, **digests: str) -> str:
    manifests: list[dict[str, object]] = [
        {
            "digest": digest,
            "size": 1,
            "mediaType": DOCKER_MANIFEST,
            "platform": dict(
                zip(("os", "architecture", "variant"), platform.split("_"), strict=False)
            ),
        }
        for platform, digest in digests.items()
    ]
    return put(server, name, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("localhost:5000/a", "http://localhost:5000"),
        ("127.1.2.3/a", "http://127.1.2.3"),
        ("[::1]:5000/a", "http://[::1]:5000"),
        ("10.0.0.1:5000/a", "https://10.0.0.1:5000"),
        ("q.test/a", "https://q.test"),
    ],
)
def test_only_loopback_registries_are_read_without_tls(reference: str, url: str) -> None:
    candidates = repositories(reference, mirrors=("http://mirror.test/",))
    assert [repository.url for repository in candidates] == [url]


def test_pin_through_an_index(server: Server) -> None:
    amd = put_image(server, "amd", "amd64")
    arm = put_image(server, "arm", "arm")
    digest = put_index(server, "t", linux_arm_v7=arm, linux_amd64=amd, unknown_unknown=DIGEST)
    reference = f"{server.host}/a/b:t"
    pinned = pin(reference, "linux/amd64")
    assert (pinned.digest, pinned.index_digest, pinned.reference) == (amd, digest, reference)
    assert pin(reference, "linux/arm/v7").digest == arm
    assert pin(f"{reference}@{digest}", "linux/arm").digest == arm
    with pytest.raises(
        ExpectedError, match="is not available for linux/arm64, only for linux/amd64, linux/arm/v7"
    ):
        pin(reference, "linux/arm64")


def test_pin_an_image_without_an_index(server: Server) -> None:
    digest = put_image(server, "t", "amd64")
    pinned = pin(f"{server.host}/a/b:t", "linux/amd64")
    assert (pinned.digest, pinned.index_digest) == (digest, digest)
    with pytest.raises(
        ExpectedError, match="is not available for linux/arm64, only for linux/amd64"
    ):
        pin(f"{server.host}/a/b:t", "linux/arm64")


def test_a_manifest_that_does_not_match_its_digest_is_refused(server: Server) -> None:
    digest = put_image(server, "t", "amd64")
    server.replies[f"/v2/a/b/manifests/{digest}"] = Answer(200, b"{}")
    with pytest.raises(ExpectedError, match=f"expected {digest}, got sha256:"):
        pin(f"{server.host}/a/b@{digest}", "linux/amd64")


def test_an_index_is_not_the_image_of_one_platform() -> None:
    index = b'{"manifests": []}'
    with pytest.raises(ExpectedError, match="not the manifest of an image for one") as caught:
        image_blobs(index, "sha256:0")
    assert caught.value.hint


def test_an_unknown_tag(server: Server) -> None:
    with pytest.raises(
        ExpectedError, match=f"a/b:t' cannot be read:\n  {server.url}: no such image or tag"
    ):
        pin(f"{server.host}/a/b:t", "linux/amd64")


def test_an_unreachable_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PAUSES", ())
    with pytest.raises(ExpectedError) as caught:
        pin("127.0.0.1:1/a", "linux/amd64")
    message = caught.value.message
    assert message.startswith("http://127.0.0.1:1/v2/a/manifests/latest did not respond: ")
    origin = "(the address comes from the base image '127.0.0.1:1/a' in images.toml)"
    assert message.endswith(origin)
    assert "\n" not in message
    assert "online" in caught.value.hint


def test_mirrors_are_tried_in_order(server: Server) -> None:
    with serving() as empty:
        digest = put_image(server, "t", "amd64")
        pinned = pin("a/b:t", "linux/amd64", mirrors=(empty.url, f"{server.url}/"))
    assert pinned.digest == digest
    assert [request.path for request in empty.requests] == ["/v2/a/b/manifests/t"]


def protect(server: Server, accepted: str, challenge: str) -> None:
    """Answer 401 to requests without the accepted authorization."""
    for path, reply in server.replies.items():

        def answer(request: Request, reply: Answer = reply) -> Answer:  # type: ignore[assignment]
            if request.headers.get("authorization") == accepted:
                return reply
            return Answer(401, headers={"WWW-Authenticate": challenge})

        server.replies[path] = answer


@pytest.mark.parametrize("user", [None, ("ann", "pw")])
def test_tokens(server: Server, user: tuple[str, str] | None) -> None:
    put_image(server, "t", "amd64")
    protect(
        server,
        "Bearer T",
        f'Bearer realm="{server.url}/token",service="s",scope="repository:a/b:pull"',
    )
    server.replies["/token?service=s&scope=repository%3Aa%2Fb%3Apull"] = Answer(
        200, b'{"access_token": "T"}'
    )
    requested: list[str] = []

    def credentials(name: str) -> tuple[str, str] | None:
        requested.append(name)
        return user

    pin(f"{server.host}/a/b:t", "linux/amd64", credentials=credentials)
    basic = f"Basic {base64.b64encode(b'ann:pw').decode()}" if user else None
    tokens = [request for request in server.requests if request.path.startswith("/token")]
    assert [request.headers.get("authorization") for request in tokens] == [basic]
    assert requested == [server.host]


def test_basic_credentials(server: Server) -> None:
    digest = put_image(server, "t", "amd64")
    protect(server, f"Basic {base64.b64encode(b'ann:pw').decode()}", 'Basic realm="r"')
    reference = f"{server.host}/a/b:t"
    assert pin(reference, "linux/amd64", credentials=lambda _name: ("ann", "pw")).digest == digest
    for credentials in (anonymous, lambda _name: ("ann", "wrong")):
        with pytest.raises(ExpectedError, match="not authorised, or no such image") as caught:
            pin(reference, "linux/amd64", credentials=credentials)
        assert "docker login" in caught.value.hint


@pytest.mark.engine
def test_the_base_image_of_a_real_registry() -> None:
    real = os.environ.get("ORBITER_WORLD_REGISTRY")
    if not real:
        pytest.skip("no registry with base images is known (ORBITER_WORLD_REGISTRY)")
    pinned = pin("debian:trixie-slim", "linux/amd64", mirrors=(f"http://{real}/",))
    direct = pin(f"{real}/library/debian:trixie-slim", "linux/amd64")
    assert pinned.digest == direct.digest != direct.index_digest == pinned.index_digest
    repository = repositories(direct.reference)[0]
    manifest, config, *layers = image_blobs(repository.manifest(pinned.digest), pinned.digest)
    assert (manifest.digest, manifest.media_type) == (pinned.digest, OCI_MANIFEST)
    assert layers
    with repository.blob(config.digest, {}) as stream:
        assert sha256(b"".join(stream.chunks)) == config.digest
    with pytest.raises(ExpectedError, match="only for linux/amd64"):
        pin(direct.reference, "linux/s390x")
