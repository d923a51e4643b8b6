"""The configuration, the manifest and the index of an image, as Orbiter writes them. Pure.

Format: https://github.com/opencontainers/image-spec. Equal values give equal bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from orbiter.assembly.image import AssembledImage, Layer
from orbiter.assembly.raw_image import STAGE_LABEL
from orbiter.oci.registry import OCI_INDEX, OCI_MANIFEST, sha256

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
SETTINGS = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "OnBuild",
    "Shell",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)
"""The settings of containers that images keep: those of OCI, and Docker's own."""


class Step(msgspec.Struct, frozen=True):
    """A line of the history: a layer, and the words that describe it."""

    layer: Layer
    words: str


def image_config(
    raw: Mapping[str, Any],
    platform: str,
    base: Sequence[Mapping[str, Any]],
    steps: Sequence[Step],
    created: int,
    diff_ids: Sequence[str],
) -> bytes:
    """Return the configuration of an image.

    ``raw`` is BuildKit's, whose settings stay. ``base`` is the history of the base image, and
    ``steps`` are the layers above it. ``created`` is in seconds since 1970.
    """
    time = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    history = [*base]
    history += [{"created": time, "created_by": f"orbiter: {step.words}"} for step in steps]
    document = {
        **platform_fields(platform),
        "created": time,
        "config": _settings(raw.get("config") or {}),
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
    }
    return encode(document)


def _settings(raw: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: raw[name] for name in SETTINGS if raw.get(name)}
    labels = settings.get("Labels", {})
    settings["Labels"] = {name: labels[name] for name in labels if name != STAGE_LABEL}
    return settings


def labelled(image: AssembledImage, labels: Mapping[str, str]) -> AssembledImage:
    """Return an image with more labels."""
    document = msgspec.json.decode(image.config)
    document["config"]["Labels"] |= labels
    config = encode(document)
    manifest = image_manifest(config, sha256(config), image.layers)
    return msgspec.structs.replace(image, config=config, manifest=manifest)


def base_history(config: Mapping[str, Any], layers: int) -> list[Mapping[str, Any]]:
    """Return the history of a base image, or one line for each layer if it has another number."""
    history = list(config.get("history") or ())
    if sum(not step.get("empty_layer", False) for step in history) == layers:
        return history
    return [{"created_by": "layer of the base image"}] * layers


def image_manifest(config: bytes, config_digest: str, layers: Sequence[Layer]) -> bytes:
    """Return the manifest of an image."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": config_digest, "size": len(config)},
        "layers": [
            {"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size}
            for layer in layers
        ],
    }
    return encode(document)


def image_index(images: Sequence[AssembledImage]) -> bytes:
    """Return the index of images for several platforms."""
    manifests = [
        {**manifest_descriptor(image), "platform": platform_fields(image.platform)}
        for image in images
    ]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return encode(document)


def manifest_descriptor(image: AssembledImage) -> dict[str, Any]:
    """Return the descriptor of an image's manifest."""
    return {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": len(image.manifest)}


def platform_fields(platform: str) -> dict[str, str]:
    """Return the fields of ``linux/arm/v7`` in a configuration or an index."""
    names = ("os", "architecture", "variant")
    return dict(zip(names, platform.split("/"), strict=False))


def encode(document: Any) -> bytes:
    """Return JSON with sorted keys."""
    return msgspec.json.encode(document, order="sorted")
