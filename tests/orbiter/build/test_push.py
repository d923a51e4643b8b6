"""Pushes of built images to a registry on the loopback interface, from the cache and the store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.assembly.blobs import Blobs
from orbiter.assembly.documents import image_index
from orbiter.assembly.image import AssembledImage
from orbiter.build.built_image import BuiltImage
from orbiter.build.deliver import deliver
from orbiter.build.options import BuildOptions
from orbiter.lockset.record import RecordedBuilder
from orbiter.oci.registry import sha256
from orbiter.tasks import Report
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.oci_images import AMD64, ARM64, assembled, layer
from tests.support.push_registry import PushRegistry
from tests.support.push_registry import registry as push_registry

NAME = "team/images"
SHARED = layer(("shared", b"1"))
PUSH = BuildOptions(load=False, push=True)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PushRegistry]:
    """Return a registry; this user has no credentials."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setattr(http, "PAUSES", (0.0,) * 3)
    with push_registry() as found:
        yield found


def image(content: bytes, platform: str = AMD64) -> AssembledImage:
    """Return an image whose layers and configuration are in the cache."""
    blobs = Blobs()
    made = assembled(blobs.path(""), SHARED, layer(("own", content)), platform=platform)
    blobs.add(made.config)
    return made


def built(registry: PushRegistry, stage: str, *images: AssembledImage) -> BuiltImage:
    index = image_index(images) if len(images) > 1 else None
    return BuiltImage(
        stage=stage,
        tag=f"{registry.server.host}/{NAME}:{stage}-0.1.0",
        digest=sha256(index) if index else images[0].digest,
        images=images,
        index=index,
        builder=RecordedBuilder(),
    )


def start_task(_title: str) -> Report:
    return lambda _line: None


def test_an_image_is_pushed_with_all_its_blobs(registry: PushRegistry) -> None:
    core = built(registry, "core", image(b"core"))
    (pushed,) = deliver((core,), PUSH, (), start_task)
    assert pushed.pushed
    assert registry.manifests[NAME, "core-0.1.0"] == core.images[0].manifest
    for each in core.images[0].layers:
        assert registry.blobs[NAME, each.digest] == each.path.read_bytes()
    assert registry.blobs[NAME, core.images[0].config_digest] == core.images[0].config


def test_images_share_their_blobs_and_an_index_has_the_tag(registry: PushRegistry) -> None:
    core = built(registry, "core", image(b"core"))
    geo = built(registry, "geo", image(b"amd64"), image(b"arm64", ARM64))
    deliver((core, geo), PUSH, (), start_task)
    assert registry.manifests[NAME, "geo-0.1.0"] == geo.index
    assert sha256(registry.manifests[NAME, "geo-0.1.0"]) == geo.digest
    uploads = [request for request in registry.sent("PUT") if "/blobs/" in request.path]
    assert len(uploads) == 3 + 2 * 2  # the shared layer, and each image's own layer and config


def test_a_pushed_image_is_not_pushed_again(registry: PushRegistry) -> None:
    core, geo = (built(registry, name, image(name.encode())) for name in ("core", "geo"))
    deliver((core,), PUSH, (), start_task)
    registry.server.requests.clear()
    delivered = deliver((core, geo), PUSH, (), start_task)
    assert [each.pushed for each in delivered] == [False, True]
    written = [request.path for request in registry.sent("PUT") if "/manifests/" in request.path]
    assert [path.rpartition("/")[2] for path in written] == ["geo-0.1.0"]


def test_no_image_is_pushed_if_one_tag_would_move(registry: PushRegistry) -> None:
    core, geo = (built(registry, name, image(name.encode())) for name in ("core", "geo"))
    registry.manifests[NAME, "geo-0.1.0"] = b"{}"
    with pytest.raises(ExpectedError, match="nothing was pushed"):
        deliver((core, geo), PUSH, (), start_task)
    assert [*registry.manifests] == [(NAME, "geo-0.1.0")]
    assert registry.sent("PUT", "POST", "PATCH") == []


def test_layers_of_the_base_image_are_mounted(registry: PushRegistry) -> None:
    core = built(registry, "core", image(b"core"))
    shared = core.images[0].layers[0]
    registry.blobs["team/debian", shared.digest] = shared.path.read_bytes()
    base = f"{registry.server.host}/team/debian:trixie-slim"
    deliver((core,), PUSH, (base, "debian:trixie-slim"), start_task)
    mounts = [
        request.path for request in registry.sent("POST") if "from=team%2Fdebian" in request.path
    ]
    assert any(shared.digest.replace(":", "%3A") in path for path in mounts)
    assert registry.blobs[NAME, shared.digest] == shared.path.read_bytes()


def test_a_deleted_layer_is_an_error_with_a_remedy(registry: PushRegistry) -> None:
    core = built(registry, "core", image(b"core"))
    core.images[0].layers[1].path.unlink()
    with pytest.raises(ExpectedError) as caught:
        deliver((core,), PUSH, (), start_task)
    assert "build the image again" in caught.value.hint
    assert registry.manifests == {}
