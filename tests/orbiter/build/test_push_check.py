"""Tags that may be pushed to a registry, which is a server on the loopback interface."""

import pytest

from orbiter.build.built_image import BuiltImage
from orbiter.build.push_check import images_to_push
from orbiter.lockset.record import RecordedBuilder
from orbiter.oci.registry import anonymous, sha256
from resolvers.errors import ExpectedError
from tests.support.loopback import Answer, Server, serving
from tests.support.loopback_registry import NAME, registry

MANIFEST = b"{}"
OTHER = "sha256:" + "0" * 64


def image(server: Server, tag: str, digest: str) -> BuiltImage:
    return BuiltImage(
        stage=tag,
        tag=f"{server.host}/{NAME}:{tag}",
        digest=digest,
        images=(),
        builder=RecordedBuilder(),
    )


def test_only_missing_images_are_pushed() -> None:
    with registry() as place:
        place.manifests["core-0.1.0"] = MANIFEST
        pushed = image(place.server, "core-0.1.0", sha256(MANIFEST))
        new = image(place.server, "base-0.1.0", OTHER)
        assert images_to_push([pushed, new], anonymous) == (new,)


def test_one_error_names_all_tags_that_would_move() -> None:
    with registry() as place:
        place.manifests |= {"core-0.1.0": MANIFEST, "base-0.1.0": b"{ }"}
        images = [
            image(place.server, tag, OTHER) for tag in ("core-0.1.0", "base-0.1.0", "geo-0.1.0")
        ]
        with pytest.raises(ExpectedError) as caught:
            images_to_push(images, anonymous)
        lines = caught.value.message.splitlines()
        assert lines[0] == "nothing was pushed, because these tags already name other images:"
        assert lines[1:4] == [
            f"  {images[0].tag}",
            f"    pushed {sha256(MANIFEST)}",
            f"    built  {OTHER}",
        ]
        assert lines[4] == f"  {images[1].tag}"
        assert len(lines) == 7
        assert "orbiter bump" in caught.value.hint
        place.requests.clear()
        assert images_to_push(images, anonymous, force=True) == tuple(images)
        assert place.requests == []


def test_an_unreadable_registry_is_an_error_with_the_remedy() -> None:
    with serving() as server:
        server.otherwise = Answer(403)
        refused = image(server, "core-0.1.0", OTHER)
        with pytest.raises(
            ExpectedError,
            match=f"pushing {refused.tag} failed: cannot read the tag from the registry: ",
        ) as e:
            images_to_push([refused], anonymous)
        assert e.value.hint.startswith(f"run docker login {server.host}, or push without reading")
