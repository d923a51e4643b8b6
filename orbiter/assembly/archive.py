"""Image archives: an OCI layout in a tar file, which the Docker engine can load as well.

Formats: https://github.com/opencontainers/image-spec/blob/main/image-layout.md, and manifest.json
of ``docker save``.
"""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orbiter.assembly.documents import encode, manifest_descriptor
from orbiter.assembly.image import AssembledImage
from orbiter.oci.layout import BLOBS, INDEX_FILE, LAYOUT, LAYOUT_FILE, blob_path
from orbiter.oci.push import check_content
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import OCI_INDEX, sha256

DOCKER_FILE = "manifest.json"


def write_archive(
    path: Path, tag: str, images: Sequence[AssembledImage], index: bytes | None
) -> None:
    """Write an image to a new archive; the same image gives the same bytes.

    ``index`` is the index of an image for several platforms. The engine's classic image store can
    only load an image for one platform. Raises ExpectedError if a layer was changed on the disk.
    """
    documents = {LAYOUT_FILE: LAYOUT, INDEX_FILE: _index_file(tag, images, index)}
    if index is None:
        documents[DOCKER_FILE] = encode([_docker_entry(tag, images[0])])
    else:
        documents[blob_path(sha256(index))] = index
    files: dict[str, Path] = {}
    for image in images:
        documents[blob_path(image.digest)] = image.manifest
        documents[blob_path(image.config_digest)] = image.config
        files |= {blob_path(layer.digest): layer.path for layer in image.layers}
    with tarfile.open(path, "x", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(documents):
            content = documents[name]
            archive.addfile(_member(name, len(content)), io.BytesIO(content))
        for name in sorted(files):
            check_content(files[name], name.replace(BLOBS, "sha256:"))
            with files[name].open("rb") as blob:
                archive.addfile(_member(name, files[name].stat().st_size), blob)


def _index_file(tag: str, images: Sequence[AssembledImage], index: bytes | None) -> bytes:
    """Return the text of index.json, which gives the image its name."""
    reference = parse_reference(tag)
    descriptor: dict[str, Any] = manifest_descriptor(images[0])
    if index is not None:
        descriptor = {"mediaType": OCI_INDEX, "digest": sha256(index), "size": len(index)}
    descriptor["annotations"] = {
        "io.containerd.image.name": f"{reference.registry}/{reference.repository}:{reference.tag}",
        "org.opencontainers.image.ref.name": reference.tag,
    }
    return encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor]})


def _docker_entry(tag: str, image: AssembledImage) -> dict[str, Any]:
    return {
        "Config": blob_path(image.config_digest),
        "RepoTags": [tag],
        "Layers": [blob_path(layer.digest) for layer in image.layers],
    }


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member
