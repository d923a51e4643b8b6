"""Images in the cache by the key of their inputs."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.assembly.blobs import Blobs
from orbiter.assembly.image import AssembledImage
from orbiter.build.results import Result, Results
from orbiter.lockset.record import RecordedBuilder
from orbiter.oci.registry import sha256
from orbiter.store.store import Store
from tests.support.oci_images import assembled, layer

KEY = "0f" * 32
BUILDER = RecordedBuilder(
    buildkit="v0.25.1", buildx="0.29.1", compression="zstandard 0.25.0, level 12"
)
TAR = layer(("x", b"1"))


@pytest.fixture
def image() -> AssembledImage:
    """Return an image whose layer is a blob of the cache."""
    return assembled(Blobs().path(""), TAR)


@pytest.fixture
def cache(_own_cache: Path) -> Path:
    return _own_cache


def results() -> Results:
    return Results(Blobs(), Store())


def record(cache: Path) -> Path:
    return cache / "assembly" / "images" / f"{KEY}.json"


def test_a_result_is_found_again(image: AssembledImage) -> None:
    result = Result(image, BUILDER)
    results().save(KEY, result)
    assert results().find(KEY) == result
    other = replace(result, builder=RecordedBuilder())
    results().save(KEY, other)
    assert results().find(KEY) == other


def test_an_unknown_key_has_no_result(image: AssembledImage) -> None:
    results().save(KEY, Result(image, BUILDER))
    assert results().find("00" * 32) is None


def test_the_place_of_the_cache_is_not_part_of_a_result(image: AssembledImage, cache: Path) -> None:
    results().save(KEY, Result(image, BUILDER))
    assert str(cache).encode() not in record(cache).read_bytes()


def test_a_layer_of_the_base_image_is_in_the_store(tmp_path: Path) -> None:
    base = assembled(tmp_path, TAR)
    results().save(KEY, Result(base, BUILDER))
    assert results().find(KEY) is None
    Store().add(base.layers[0].path, base.layers[0].digest)
    found = results().find(KEY)
    assert found
    assert found.image.layers[0].path == Store().path(base.layers[0].digest)
    assert found.image.layers[0].path.read_bytes() == base.layers[0].path.read_bytes()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _other_config(path: Path) -> None:
    saved = json.loads(path.read_bytes())
    saved["config"] = "e30="  # {}
    path.write_bytes(json.dumps(saved).encode())


def _other_number_of_layers(path: Path) -> None:
    saved = json.loads(path.read_bytes())
    saved["diff_ids"] = []
    path.write_bytes(json.dumps(saved).encode())


def _other_manifest(path: Path, manifest: bytes) -> None:
    saved = json.loads(path.read_bytes())
    saved["manifest"] = base64.b64encode(manifest).decode()
    path.write_bytes(json.dumps(saved).encode())


@pytest.mark.parametrize(
    "damage",
    [
        lambda image, _record: image.layers[0].path.unlink(),
        lambda image, _record: _truncate(image.layers[0].path),
        lambda _image, record: _truncate(record),
        lambda _image, record: record.write_bytes(b"{}"),
        lambda _image, record: record.write_bytes(b"\xff"),
        lambda _image, record: _other_config(record),
        lambda _image, record: _other_number_of_layers(record),
        lambda _image, record: _other_manifest(record, b"{}"),
        lambda _image, record: _other_manifest(record, b"[]"),
        lambda _image, record: _other_manifest(record, b'{"layers": [1]}'),
    ],
    ids=[
        "no blob",
        "truncated blob",
        "truncated record",
        "empty record",
        "binary record",
        "another configuration",
        "other layers",
        "empty manifest",
        "list as manifest",
        "number as layer",
    ],
)
def test_a_damaged_result_is_built_again(
    image: AssembledImage, cache: Path, damage: Callable[[AssembledImage, Path], None]
) -> None:
    results().save(KEY, Result(image, BUILDER))
    damage(image, record(cache))
    assert results().find(KEY) is None


def test_the_digests_are_those_of_the_image(image: AssembledImage) -> None:
    results().save(KEY, Result(image, BUILDER))
    found = results().find(KEY)
    assert found
    assert found.image.digest == sha256(image.manifest)
    assert found.image.layers[0].diff_id == sha256(TAR)
