"""Images in a registry: what a tag names there."""

from http import HTTPStatus

import msgspec

from orbiter.oci.artifact import JsonObject, descriptor
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import (
    OCI_MANIFEST,
    Credentials,
    Repository,
    decode_json,
    repositories,
    sha256,
)
from orbiter.oci.registry_errors import image_name
from resolvers.errors import ExpectedError
from resolvers.net import http


class _Entry(msgspec.Struct):
    digest: str


class _Manifest(msgspec.Struct, rename="camel"):
    """An index (``manifests``) or the manifest of one platform (``config``)."""

    media_type: str = OCI_MANIFEST
    manifests: list[_Entry] | None = None
    config: _Entry | None = None


class _Settings(msgspec.Struct, rename="pascal"):
    labels: dict[str, str] | None = None


class _Config(msgspec.Struct):
    config: _Settings | None = None


class PublishedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image under the tag ``tag``.

    ``subject`` describes its manifest, or its index if there are several platforms. ``digests`` are
    those of the manifests of all platforms.
    """

    repository: Repository
    tag: str
    subject: JsonObject
    digests: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The digest that the tag names."""
        digest: str = self.subject["digest"]
        return digest

    @property
    def index(self) -> str:
        """The digest of the index; empty if the tag names the image of one platform."""
        return "" if self.digests == (self.digest,) else self.digest

    def labels(self) -> tuple[dict[str, str], ...]:
        """Return the labels of the image on each platform."""
        return tuple(_labels(self.repository, digest) for digest in self.digests)


def read_image(reference: str, credentials: Credentials) -> PublishedImage:
    """Read what a tag names in its registry.

    Raises ExpectedError if the image is missing, and for a registry that cannot be read.
    """
    found = find_image(reference, credentials)
    if found is None:
        repository = repositories(reference, credentials=credentials)[-1]
        name = image_name(repository, parse_reference(reference).tag)
        raise ExpectedError(f"{name} is not in the registry", "push it first: orbiter push")
    return found


def find_image(reference: str, credentials: Credentials) -> PublishedImage | None:
    """Read what a tag names in its registry; None if there is no such tag.

    Raises ExpectedError for a registry that cannot be read.
    """
    # Mirrors come first, but statements are kept in the registry itself.
    repository = repositories(reference, credentials=credentials)[-1]
    name = parse_reference(reference).tag
    try:
        content = repository.manifest(name)
    except http.HTTPError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None
    manifest = decode_json(content, _Manifest, reference)
    single = _Entry(digest=sha256(content))
    entries = [single] if manifest.manifests is None else manifest.manifests
    return PublishedImage(
        repository=repository,
        tag=name,
        subject=descriptor(manifest.media_type, content),
        digests=tuple(entry.digest for entry in entries),
    )


def _labels(repository: Repository, digest: str) -> dict[str, str]:
    manifest = decode_json(repository.manifest(digest), _Manifest, digest)
    if manifest.config is None:
        return {}
    config = repository.read_blob(manifest.config.digest)
    settings = decode_json(config, _Config, manifest.config.digest).config or _Settings()
    return settings.labels or {}
