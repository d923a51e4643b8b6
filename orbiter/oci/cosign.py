"""Attestations as cosign keeps them: the layers of a manifest under a tag beside the image.

Format: https://github.com/sigstore/cosign/blob/main/specs/ATTESTATION_SPEC.md. Versions of cosign
before 3 read nothing else.
"""

from http import HTTPStatus

import msgspec

from orbiter.oci.artifact import ArtifactFile, JsonObject, descriptor, upload_content
from orbiter.oci.registry import OCI_MANIFEST, Repository, decode_json, sha256
from orbiter.oci.upload import put_manifest
from resolvers.errors import ExpectedError
from resolvers.net import http

ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
PREDICATE = "predicateType"
ATTEMPTS = 5
"""Number of times that a layer is added to a manifest which another client changes too."""


class _Layer(msgspec.Struct, rename="camel"):
    media_type: str
    digest: str


class _Manifest(msgspec.Struct):
    layers: list[_Layer]
    config: _Layer


def attestation_tag(digest: str) -> str:
    """Return the tag that has the attestations of an image."""
    return f"{digest.replace(':', '-')}.att"


def list_attestations(repository: Repository, digest: str) -> tuple[str, ...]:
    """Return the digests of the envelopes of an image."""
    manifest = _read(repository, attestation_tag(digest))
    if manifest is None:
        return ()
    layers = msgspec.convert(manifest, _Manifest).layers
    return tuple(layer.digest for layer in layers if layer.media_type == ENVELOPE_TYPE)


def attach_attestation(
    repository: Repository, digest: str, envelope: bytes, predicate_type: str
) -> bool:
    """Add an envelope to those of an image, and keep all others; return whether it is new.

    Registries cannot compare and exchange, so the manifest is read again after it was written.
    """
    annotations = {SIGNATURE: "", PREDICATE: predicate_type}
    file = ArtifactFile(media_type=ENVELOPE_TYPE, content=envelope, annotations=annotations)
    for attempt in range(ATTEMPTS):
        if sha256(envelope) in list_attestations(repository, digest):
            return attempt > 0
        _add(repository, attestation_tag(digest), file)
    raise ExpectedError(
        f"another program changes the tag {attestation_tag(digest)} "
        f"of {repository.registry}/{repository.name}",
        "wait until it has finished, and run the command again",
    )


def _add(repository: Repository, tag: str, file: ArtifactFile) -> None:
    """Write the manifest with one more layer, and the configuration with its diff ID."""
    manifest = _read(repository, tag) or _new_manifest()
    config = _config(repository, manifest)
    config["rootfs"]["diff_ids"].append(sha256(file.content))
    content = msgspec.json.encode(config)
    upload_content(repository, content)
    upload_content(repository, file.content)
    manifest["config"] = descriptor(CONFIG_TYPE, content)
    manifest["layers"].append(file.descriptor())
    media_type = manifest.get("mediaType", OCI_MANIFEST)
    put_manifest(repository, tag, msgspec.json.encode(manifest), media_type)


def _new_manifest() -> JsonObject:
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": []}


def _config(repository: Repository, manifest: JsonObject) -> JsonObject:
    """Return the configuration of the manifest, or a new one."""
    new = {"architecture": "", "os": "", "config": {}}
    if "config" not in manifest:
        return {**new, "rootfs": {"type": "layers", "diff_ids": []}}
    digest = manifest["config"]["digest"]
    config = decode_json(repository.read_blob(digest), JsonObject, digest)
    diff_ids = [layer["digest"] for layer in manifest["layers"]]
    return {**config, "rootfs": {"type": "layers", "diff_ids": diff_ids}}


def _read(repository: Repository, tag: str) -> JsonObject | None:
    """Return the manifest under a tag, None if there is none."""
    try:
        content = repository.manifest(tag)
    except http.HTTPError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None
    manifest = decode_json(content, JsonObject, tag)
    try:
        msgspec.convert(manifest, _Manifest)
    except msgspec.ValidationError as error:
        raise ExpectedError(
            f"the tag {tag} of {repository.registry}/{repository.name} "
            f"does not have attestations: {error}",
            "the tag is reserved for attestations of an image: delete it from the registry",
        ) from None
    return manifest
