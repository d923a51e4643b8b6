"""Configurations, manifests and indexes as JSON with sorted keys."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orbiter.assembly.documents import (
    Step,
    base_history,
    encode,
    image_config,
    image_index,
    image_manifest,
    labelled,
    manifest_descriptor,
    platform_fields,
)
from orbiter.assembly.image import AssembledImage, Layer
from orbiter.oci.registry import sha256

LAYERS = tuple(
    Layer(
        diff_id=f"sha256:{number}0",
        digest=f"sha256:{number}1",
        size=number,
        media_type=f"type {number}",
        path=Path(f"/{number}"),
    )
    for number in range(3)
)
LOWEST = {"created": "2020-01-01T00:00:00Z", "created_by": "ADD x", "comment": "kept"}
RAW = {
    "architecture": "arm64",
    "variant": "v8",
    "os": "linux",
    "created": "2026-01-01T00:00:00Z",
    "author": "somebody",
    "config": {
        "Env": ["PATH=/bin"],
        "Cmd": ["sh"],
        "Entrypoint": None,
        "User": "",
        "ArgsEscaped": True,
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": {"org.orbiter.stage": "debian-core", "z": "1", "a": "2"},
    },
    "history": [{"created_by": "LABEL org.orbiter.stage=debian-core", "empty_layer": True}],
    "moby.buildkit.buildinfo.v1": "secret",
}


def config(raw: Any = RAW, base: Sequence[Any] = (LOWEST,)) -> bytes:
    steps = [Step(LAYERS[1], "debian-core: files"), Step(LAYERS[2], "debian-core: pip:numpy")]
    diff_ids = [layer.diff_id for layer in LAYERS]
    return image_config(raw, "linux/arm64", base, steps, 1785542400, diff_ids)


def image(platform: str = "linux/arm64") -> AssembledImage:
    content = config()
    manifest = image_manifest(content, sha256(content), LAYERS)
    return AssembledImage(platform=platform, manifest=manifest, config=content, layers=LAYERS)


def test_the_whole_configuration() -> None:
    assert json.loads(config()) == {
        "architecture": "arm64",
        "os": "linux",
        "created": "2026-08-01T00:00:00Z",
        "config": {
            "Env": ["PATH=/bin"],
            "Cmd": ["sh"],
            "Healthcheck": {"Test": ["NONE"]},
            "Labels": {"z": "1", "a": "2"},
        },
        "history": [
            LOWEST,
            {"created": "2026-08-01T00:00:00Z", "created_by": "orbiter: debian-core: files"},
            {"created": "2026-08-01T00:00:00Z", "created_by": "orbiter: debian-core: pip:numpy"},
        ],
        "rootfs": {"type": "layers", "diff_ids": ["sha256:00", "sha256:10", "sha256:20"]},
    }


def test_equal_values_give_equal_bytes() -> None:
    turned = {name: RAW[name] for name in reversed(RAW)}
    turned["config"] = {**RAW["config"], "Labels": {"a": "2", "z": "1"}}  # type: ignore[dict-item]
    assert config(turned) == config()
    assert encode({"b": 1, "a": {"d": 2, "c": 3}}) == b'{"a":{"c":3,"d":2},"b":1}'


@pytest.mark.parametrize("settings", [None, {}, {"Labels": None}])
def test_an_image_may_have_no_settings(settings: object) -> None:
    assert json.loads(config({**RAW, "config": settings}))["config"] == {"Labels": {}}


def test_the_whole_manifest() -> None:
    assert json.loads(image().manifest) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": sha256(config()),
            "size": len(config()),
        },
        "layers": [
            {"mediaType": "type 0", "digest": "sha256:01", "size": 0},
            {"mediaType": "type 1", "digest": "sha256:11", "size": 1},
            {"mediaType": "type 2", "digest": "sha256:21", "size": 2},
        ],
    }


def test_an_index_has_the_platforms_in_the_given_order() -> None:
    images = [image(), image("linux/arm/v7")]
    assert json.loads(image_index(images)) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                **manifest_descriptor(images[0]),
                "platform": {"os": "linux", "architecture": "arm64"},
            },
            {
                **manifest_descriptor(images[1]),
                "platform": {"os": "linux", "architecture": "arm", "variant": "v7"},
            },
        ],
    }
    assert platform_fields("linux/amd64") == {"os": "linux", "architecture": "amd64"}


def test_labels_change_the_configuration_and_its_digest_in_the_manifest() -> None:
    before = image()
    after = labelled(before, {"org.orbiter.lockset": "sha256:7", "z": "new"})
    labels = json.loads(after.config)["config"]["Labels"]
    assert labels == {"a": "2", "org.orbiter.lockset": "sha256:7", "z": "new"}
    assert json.loads(after.manifest)["config"] == {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": after.config_digest,
        "size": len(after.config),
    }
    assert after.layers == before.layers
    assert labelled(before, {}) == before
    assert {after.digest, after.config_digest}.isdisjoint({before.digest, before.config_digest})


@pytest.mark.parametrize(
    ("history", "layers", "kept"),
    [
        ([LOWEST], 1, True),
        ([LOWEST, {"created_by": "ENV", "empty_layer": True}], 1, True),
        ([LOWEST], 2, False),
        ([LOWEST, LOWEST], 1, False),
        (None, 2, False),
    ],
)
def test_the_history_of_a_base_image_has_one_line_for_each_layer(
    history: list[Any] | None, layers: int, *, kept: bool
) -> None:
    found = base_history({"history": history}, layers)
    assert (found == history) == kept
    assert sum(not step.get("empty_layer") for step in found) == layers
    assert base_history({}, 0) == []
