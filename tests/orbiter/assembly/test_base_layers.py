"""The layers of base images, which images share with the registry."""

import gzip

import pytest

from orbiter.assembly.base_layers import base_layers
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from tests.support.base_images import HISTORY, store_base_image
from tests.support.raw_layouts import member, tar

TARS = [tar(member("a")), tar(member("b"))]


def test_the_layers_have_the_types_of_oci_and_the_bytes_of_the_registry() -> None:
    store = Store()
    found = base_layers(store_base_image(TARS, store), store)
    assert [layer.media_type for layer in found.layers] == [
        "application/vnd.oci.image.layer.v1.tar+gzip"
    ] * 2
    for layer, content in zip(found.layers, TARS, strict=True):
        compressed = layer.path.read_bytes()
        assert gzip.decompress(compressed) == content
        assert layer.path == store.path(layer.digest)
        assert layer.size == len(compressed)
    assert found.config["history"] == [HISTORY, HISTORY]


@pytest.mark.parametrize("part", ["manifest", "configuration"])
def test_a_missing_file_is_named(part: str) -> None:
    store = Store()
    digest = store_base_image(TARS, store)
    manifest = store.path(digest)
    missing = manifest
    if part == "configuration":
        config = manifest.read_text().partition('"digest": "')[2][:71]
        missing = store.path(config)
    missing.unlink()
    with pytest.raises(ExpectedError, match=f"the {part} of the base image is not in the store"):
        base_layers(digest, store)


def test_a_configuration_with_other_layers_is_an_error() -> None:
    store = Store()
    digest = store_base_image(TARS, store, {"rootfs": {"type": "layers", "diff_ids": []}})
    with pytest.raises(ExpectedError, match="has 2 layers, but its configuration lists 0"):
        base_layers(digest, store)
