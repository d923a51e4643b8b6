"""Base images: the digest that a tag names for a platform, and the blobs of an image."""

import msgspec

from orbiter.oci.mirrors import sources
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import (
    OCI_MANIFEST,
    Credentials,
    Repository,
    anonymous,
    decode_json,
    read_first,
    sha256,
)
from resolvers.errors import ExpectedError
from resolvers.types.decoding import thread_safe_decoding


class BaseImage(msgspec.Struct, frozen=True, kw_only=True):
    """A base image, pinned for one platform.

    ``reference`` is as people wrote it. ``digest`` is that of the platform's manifest.
    ``index_digest`` is that of the image index which lists it, or ``digest`` if there is no index.
    """

    reference: str
    platform: str
    digest: str
    index_digest: str


class BaseStart(msgspec.Struct, frozen=True):
    """The entrypoint, the command and the names of the environment variables of a base image."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an image: its manifest, its config or a layer; ``size`` is in bytes."""

    digest: str
    size: int
    media_type: str


@thread_safe_decoding
class _Platform(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    size: int
    media_type: str
    platform: _Platform | None = None


@thread_safe_decoding
class _Manifest(msgspec.Struct, rename="camel"):
    """An index (``manifests``) or the manifest of one platform (``config`` and ``layers``)."""

    media_type: str = OCI_MANIFEST
    manifests: list[_Descriptor] | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] = []


@thread_safe_decoding
class _Runtime(msgspec.Struct, rename="pascal"):
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    env: tuple[str, ...] | None = None


@thread_safe_decoding
class _Config(msgspec.Struct):
    """The config of an image; images without any settings for containers omit ``config``."""

    config: _Runtime | None = None


def pin(
    reference: str,
    platform: str,
    *,
    mirrors: tuple[str, ...] = (),
    credentials: Credentials = anonymous,
) -> BaseImage:
    """Read the digest that ``reference`` currently names for ``platform`` (``linux/amd64``).

    ``mirrors`` are addresses of registries that are tried first for images of ``docker.io``.
    Raises ExpectedError for an unknown tag or platform, and if no registry can be read.
    """
    parsed = parse_reference(reference)
    name = parsed.digest or parsed.tag
    candidates = sources(reference, mirrors=mirrors, credentials=credentials)
    return read_first(
        candidates, lambda repository: _pin(repository, reference, name, platform), reference
    )


def start(
    reference: str,
    digest: str,
    *,
    mirrors: tuple[str, ...] = (),
    credentials: Credentials = anonymous,
) -> BaseStart:
    """Read what the image with this manifest starts; ``reference`` names its repository."""
    candidates = sources(reference, mirrors=mirrors, credentials=credentials)
    return read_first(candidates, lambda repository: _start(repository, digest), reference)


def image_blobs(manifest: bytes, digest: str) -> tuple[Blob, ...]:
    """Return the blobs of the image with this manifest: the manifest, its config, its layers."""
    image = decode_json(manifest, _Manifest, digest)
    config = _config_of(image, digest)
    blobs = [Blob(digest=digest, size=len(manifest), media_type=image.media_type)]
    for descriptor in (config, *image.layers):
        blobs.append(
            Blob(digest=descriptor.digest, size=descriptor.size, media_type=descriptor.media_type)
        )
    return tuple(blobs)


def _pin(repository: Repository, reference: str, name: str, platform: str) -> BaseImage:
    content = repository.manifest(name)
    digest = index_digest = sha256(content)
    manifest = decode_json(content, _Manifest, reference)
    if manifest.manifests is None:
        available = [_platform_of(repository, manifest)] if manifest.config else []
        _choose(available, platform, reference)
    else:
        available = [item.platform or _Platform() for item in manifest.manifests]
        digest = manifest.manifests[_choose(available, platform, reference)].digest
        repository.manifest(digest)
    return BaseImage(
        reference=reference, platform=platform, digest=digest, index_digest=index_digest
    )


def _platform_of(repository: Repository, manifest: _Manifest) -> _Platform:
    """Return the platform that an image's config names."""
    assert manifest.config
    digest = manifest.config.digest
    return decode_json(repository.read_blob(digest), _Platform, digest)


def _start(repository: Repository, digest: str) -> BaseStart:
    manifest = decode_json(repository.manifest(digest), _Manifest, digest)
    config_digest = _config_of(manifest, digest).digest
    config = decode_json(repository.read_blob(config_digest), _Config, config_digest)
    runtime = config.config or _Runtime()
    names = sorted(variable.partition("=")[0] for variable in runtime.env or ())
    return BaseStart(runtime.entrypoint or (), runtime.cmd or (), tuple(names))


def _config_of(manifest: _Manifest, digest: str) -> _Descriptor:
    """Return the config of an image; raise ExpectedError for an index of several images."""
    if manifest.config is None:
        raise ExpectedError(
            f"{digest} is not the manifest of an image for one platform",
            "restore the lock set from git, or lock the release again",
        )
    return manifest.config


def _choose(available: list[_Platform], platform: str, reference: str) -> int:
    """Return the position of a platform among the available ones."""
    os, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    for position, item in enumerate(available):
        if (item.os, item.architecture) == (os, architecture) and variant in {"", item.variant}:
            return position
    # Indexes also list attestations, whose platform is unknown/unknown.
    names = sorted(str(item) for item in available if item.os not in {"", "unknown"})
    raise ExpectedError(
        f"the base image '{reference}' is not available for {platform}, "
        f"only for {', '.join(names) or 'no platform'}",
        "choose another base image, or leave the platform out of 'platforms'",
    )
