"""Manifest of an archived release: an OCI artifact with the same digest in every storage.

The layers of the manifest are the files of the release. The index of an OCI image layout, or the
tags of a repository, name the releases. Format ("artifactType"):
https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Annotated, Any, TypeVar

import msgspec

from orbiter.archive.storage import ArchivedFile, ReleaseArtifact, not_an_archive
from orbiter.oci.artifact import EMPTY, EMPTY_TYPE
from orbiter.oci.layout import encode_index
from orbiter.oci.registry import OCI_MANIFEST, sha256
from resolvers.errors import ExpectedError

ARTIFACT_TYPE = "application/vnd.orbiter.archive.v1"
FILE_TYPE = "application/octet-stream"
TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
REF_NAME = "org.opencontainers.image.ref.name"
LOCKSET = "org.orbiter.lockset"
HASH = "org.orbiter.hash"

Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
T = TypeVar("T")


class ReleaseContent(msgspec.Struct, frozen=True, kw_only=True):
    """Content of an archived release.

    ``root`` is the root digest of its lock set. ``digests`` maps the locked hash of each file to
    the digest of its blob.
    """

    root: str
    digests: Mapping[str, str]


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: Digest
    size: int
    artifact_type: str = ""
    annotations: dict[str, str] = {}


class _Manifest(msgspec.Struct, rename="camel"):
    artifact_type: str = ""
    layers: list[_Descriptor] = []
    annotations: dict[str, str] = {}


class _Index(msgspec.Struct, rename="camel"):
    manifests: list[dict[str, Any]] = []


def compose_artifact(name: str, root: str, files: Iterable[ArchivedFile]) -> ReleaseArtifact:
    """Return the artifact of the release ``name``; the same files give the same bytes.

    ``root`` is the root digest of the lock set.
    """
    unique = _unique(files)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": {"mediaType": EMPTY_TYPE, "digest": sha256(EMPTY), "size": len(EMPTY)},
        "layers": [_layer(file) for file in unique],
        "annotations": {VERSION: name, LOCKSET: root},
    }
    return ReleaseArtifact(name=name, manifest=msgspec.json.encode(manifest), files=unique)


def _unique(files: Iterable[ArchivedFile]) -> tuple[ArchivedFile, ...]:
    """Return each file once, in the order of the manifest.

    Of two files with the same bytes, keeps the one whose locked hash is not a sha256: its layer
    names both hashes.
    """
    unique: dict[str, ArchivedFile] = {}
    for file in sorted(files, key=lambda file: (file.locked.hash == file.digest, file.locked)):
        unique.setdefault(file.digest, file)
    return tuple(sorted(unique.values(), key=lambda file: (file.locked.path, file.digest)))


def _layer(file: ArchivedFile) -> dict[str, Any]:
    annotations = {TITLE: file.locked.path}
    if file.locked.hash != file.digest:
        annotations[HASH] = file.locked.hash
    return {
        "mediaType": FILE_TYPE,
        "digest": file.digest,
        "size": file.size,
        "annotations": annotations,
    }


def read_content(manifest: bytes, name: str) -> ReleaseContent:
    """Read the manifest of a release; raise ExpectedError if it is that of something else.

    ``name`` is the name of the release in messages.
    """
    decoded = _decode(manifest, _Manifest, name)
    if decoded.artifact_type != ARTIFACT_TYPE:
        raise ExpectedError(
            f"{name} is not an archived release", "name an archive that 'orbiter archive' wrote"
        )
    digests = {layer.digest: layer.digest for layer in decoded.layers}
    for layer in decoded.layers:
        if HASH in layer.annotations:
            digests[layer.annotations[HASH]] = layer.digest
    return ReleaseContent(root=decoded.annotations.get(LOCKSET, ""), digests=digests)


def manifest_digests(index: bytes, name: str) -> dict[str, str]:
    """Return the digests of the manifests in the index of a layout, by name.

    ``index`` is empty if the layout has none yet.
    """
    return {
        descriptor.annotations[REF_NAME]: descriptor.digest
        for _, descriptor in _descriptors(index, name)
        if REF_NAME in descriptor.annotations
    }


def refuse_other_artifact(manifest: bytes, tag: str, name: str) -> None:
    """Raise ExpectedError if the manifest under ``tag`` is not that of a release.

    ``name`` is the name of the archive.
    """
    artifact_type = _decode(manifest, _Manifest, name).artifact_type
    if artifact_type != ARTIFACT_TYPE:
        kind = artifact_type or "an image"
        raise not_an_archive(name, f"{tag} in it is something else ({kind}) and is not replaced")


def refuse_replacing(
    index: bytes, release: str, name: str, read_manifest: Callable[[str], bytes]
) -> None:
    """Raise ExpectedError if a layout has something else under the name of a release.

    ``read_manifest`` returns the manifest with a digest, empty if it is missing.
    """
    for _, descriptor in _descriptors(index, name):
        # Tools that copy an archive omit the artifact type from the index.
        is_release = descriptor.artifact_type == ARTIFACT_TYPE
        if descriptor.annotations.get(REF_NAME) == release and not is_release:
            refuse_other_artifact(read_manifest(descriptor.digest), release, name)


def index_with_release(index: bytes, release: ReleaseArtifact, name: str) -> bytes:
    """Return the index of a layout with a release added or replaced; other entries stay."""
    entry = {
        "mediaType": OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "digest": sha256(release.manifest),
        "size": len(release.manifest),
        "annotations": {REF_NAME: release.name},
    }
    entries = [(release.name, entry)]
    for other, descriptor in _descriptors(index, name):
        other_name = descriptor.annotations.get(REF_NAME, "")
        if other_name != release.name:
            entries.append((other_name, other))
    return encode_index([entry for _, entry in sorted(entries, key=itemgetter(0))])


def _descriptors(index: bytes, name: str) -> Iterator[tuple[dict[str, Any], _Descriptor]]:
    """Yield each entry of an index as it is, and decoded; raise ExpectedError if it is broken."""
    if not index:
        return
    for entry in _decode(index, _Index, name).manifests:
        try:
            yield entry, msgspec.convert(entry, _Descriptor)
        except msgspec.ValidationError as error:
            raise not_an_archive(name, str(error)) from error


def _decode(text: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise not_an_archive(name, str(error)) from error
