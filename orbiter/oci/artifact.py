"""Artifacts: manifests of files that are not layers of an image, such as statements about one.

Format: https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from orbiter.oci.registry import OCI_MANIFEST, Repository, sha256
from orbiter.oci.upload import has_blob, put_blob

EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
"""Content of the config that OCI prescribes for an artifact without one."""

JsonObject = dict[str, Any]
"""An object of a manifest or an index; the specification describes it."""


class ArtifactFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an artifact."""

    media_type: str
    content: bytes
    annotations: Mapping[str, str] = {}

    def descriptor(self) -> JsonObject:
        """Return the descriptor of the file."""
        annotations = {"annotations": dict(self.annotations)} if self.annotations else {}
        return {**descriptor(self.media_type, self.content), **annotations}


def descriptor(media_type: str, content: bytes) -> JsonObject:
    """Return the descriptor of some bytes."""
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


def encode_artifact(
    artifact_type: str, files: Sequence[ArtifactFile], subject: JsonObject
) -> bytes:
    """Return the manifest of an artifact about the manifest that ``subject`` describes."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": descriptor(EMPTY_TYPE, EMPTY),
        "layers": [file.descriptor() for file in files],
        "subject": subject,
    }
    return msgspec.json.encode(manifest)


def upload_content(repository: Repository, content: bytes) -> None:
    """Upload some bytes as a blob, unless the repository has them."""
    digest = sha256(content)
    if not has_blob(repository, digest):
        put_blob(repository, digest, len(content), lambda: content)
