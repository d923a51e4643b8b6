"""Artifacts that refer to an image in a registry.

A registry with the referrers API lists them itself. For others, clients keep an index under a tag
that has the digest of the image in its name. Protocol:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus

import msgspec

from orbiter.oci.artifact import (
    EMPTY,
    ArtifactFile,
    JsonObject,
    encode_artifact,
    upload_content,
)
from orbiter.oci.registry import OCI_INDEX, OCI_MANIFEST, Repository, decode_json, sha256
from orbiter.oci.upload import has_manifest, next_page, put_manifest, send_manifest
from resolvers.errors import ExpectedError
from resolvers.net import http

ATTEMPTS = 5
"""Number of times that an entry is written into an index which another client changes too."""


class Referrer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of the list of artifacts about an image."""

    digest: str
    artifact_type: str = ""


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The media type and the digest of a file of an artifact."""

    media_type: str
    digest: str


class _Index(msgspec.Struct):
    manifests: list[Referrer] = []


class _Artifact(msgspec.Struct):
    layers: list[FileEntry] = []


def attach(
    repository: Repository,
    subject: JsonObject,
    artifact_type: str,
    files: Sequence[ArtifactFile],
) -> bool:
    """Attach an artifact to the manifest that ``subject`` describes; return whether it is new.

    The same files give the same artifact, which is not attached again. Other artifacts stay.
    """
    manifest = encode_artifact(artifact_type, files, subject)
    digest = sha256(manifest)
    listed = {each.digest for each in list_referrers(repository, subject["digest"])}
    if digest in listed and has_manifest(repository, digest):
        return False
    for content in (EMPTY, *(file.content for file in files)):
        upload_content(repository, content)
    response = send_manifest(repository, digest, manifest, OCI_MANIFEST)
    # Only a registry with the referrers API sends this header, and then lists the artifact.
    if "oci-subject" not in response.headers:
        entry = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(manifest)}
        _list_under_tag(repository, subject["digest"], {**entry, "artifactType": artifact_type})
    return True


def list_referrers(repository: Repository, digest: str) -> tuple[Referrer, ...]:
    """Return the artifacts about the manifest with this digest."""
    try:
        return tuple(_pages(repository, digest))
    except http.HTTPError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    index = _tagged_index(repository, fallback_tag(digest))
    return tuple(msgspec.convert(index, _Index).manifests)


def list_artifacts(
    repository: Repository, digest: str, artifact_type: str
) -> tuple[tuple[FileEntry, ...], ...]:
    """Return the files of each artifact of one type about the manifest with this digest."""
    return tuple(
        tuple(_artifact(repository, referrer.digest).layers)
        for referrer in list_referrers(repository, digest)
        if referrer.artifact_type == artifact_type
    )


def _artifact(repository: Repository, digest: str) -> _Artifact:
    return decode_json(repository.manifest(digest), _Artifact, digest)


def fallback_tag(digest: str) -> str:
    """Return the tag of the index for a registry without the referrers API."""
    return digest.replace(":", "-")


def _pages(repository: Repository, digest: str) -> Iterator[Referrer]:
    url = f"{repository.url}/v2/{repository.name}/referrers/{digest}"
    while url:
        response = repository.authorised(partial(_get, url))
        yield from decode_json(response.content, _Index, url).manifests
        url = next_page(url, response.headers.get("link", ""))


def _get(url: str, token: Mapping[str, str]) -> http.Response:
    return http.get(url, headers=token)


def _tagged_index(repository: Repository, tag: str) -> JsonObject:
    """Return the index under a tag, or an empty one if there is none."""
    try:
        content = repository.manifest(tag)
    except http.HTTPError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    index = decode_json(content, JsonObject, tag)
    try:
        msgspec.convert(index, _Index)
    except msgspec.ValidationError:
        index = {}
    if "manifests" not in index:
        raise ExpectedError(
            f"the tag {tag} of {repository.registry}/{repository.name} is not an index",
            "the tag is reserved for artifacts about an image: delete it from the registry",
        )
    return index


def _list_under_tag(repository: Repository, digest: str, entry: JsonObject) -> None:
    """Add an entry to the index under the fallback tag, and keep all others.

    Registries cannot compare and exchange. So the index is read again after it was written, and
    written again if another client has replaced it.
    """
    tag = fallback_tag(digest)
    for _ in range(ATTEMPTS):
        index = _tagged_index(repository, tag)
        if any(each["digest"] == entry["digest"] for each in index["manifests"]):
            return
        index["manifests"].append(entry)
        put_manifest(repository, tag, msgspec.json.encode(index), OCI_INDEX)
    raise ExpectedError(
        f"another program changes the tag {tag} of {repository.registry}/{repository.name}",
        "wait until it has finished, and run the command again",
    )
