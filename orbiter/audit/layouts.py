"""Images in OCI layouts: folders, tar files of them, and what ``docker save`` writes.

Formats: https://github.com/opencontainers/image-spec/blob/main/image-layout.md, and manifest.json
of https://github.com/moby/docker-image-spec.
"""

import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from orbiter.assembly.archive import DOCKER_FILE
from orbiter.audit.image import (
    DIGEST,
    AuditedImage,
    LocalBlob,
    image_layers,
    not_an_image,
    read_config,
)
from orbiter.oci.layout import INDEX_FILE, blob_path
from orbiter.oci.registry import sha256
from orbiter.store.unpack import UNREADABLE
from resolvers.errors import ExpectedError
from resolvers.types.tar_entry import CheckedTarInfo

T = TypeVar("T")


class Files(Protocol):
    """The files of a layout or an archive."""

    def find(self, path: str) -> LocalBlob | None:
        """Return a file by its path, None if it is missing."""


class _Platform(msgspec.Struct, frozen=True):
    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        variant = self.variant if (self.architecture, self.variant) != ("arm64", "v8") else ""
        return "/".join(part for part in (self.os, self.architecture, variant) if part)


class _Descriptor(msgspec.Struct, frozen=True):
    digest: str
    platform: _Platform | None = None


class _Document(msgspec.Struct, frozen=True):
    """An index (``manifests``), or a manifest (``config`` and ``layers``)."""

    manifests: tuple[_Descriptor, ...] | None = None
    config: _Descriptor | None = None
    layers: tuple[_Descriptor, ...] = ()


class _Saved(msgspec.Struct, frozen=True, rename="pascal"):
    """An image in the file manifest.json of ``docker save``."""

    config: str
    layers: tuple[str, ...]


class Folder:
    """The files of a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, path: str) -> LocalBlob | None:
        """Return a file by its path, None if it is missing."""
        file = self._root / path
        if not file.is_file():
            return None
        return LocalBlob(file, 0, file.stat().st_size)


class Archive:
    """The files of a tar file. Raises ExpectedError if it is not one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with tarfile.open(path, "r:", tarinfo=CheckedTarInfo) as tar:
                self._files = {
                    _normal(member.name): (member.offset_data, member.size)
                    for member in tar
                    if member.isreg()
                }
                links = {
                    _normal(member.name): _normal(member.linkname)
                    for member in tar
                    if member.islnk()
                }
        except UNREADABLE as error:
            raise ExpectedError(
                f"{path} is not a tar file: {error}", "if it is compressed, unpack it first"
            ) from None
        # docker save links equal layers to each other.
        self._files |= {a: self._files[b] for a, b in links.items() if b in self._files}

    def find(self, path: str) -> LocalBlob | None:
        """Return a file by its path, None if it is missing."""
        found = self._files.get(path)
        return LocalBlob(self._path, *found) if found else None


def _normal(name: str) -> str:
    return name.removeprefix("./")


def read_layout(name: str, files: Files, platform: str) -> AuditedImage:
    """Return the image of a layout or an archive for a platform, "" if it has only one.

    Raises ExpectedError if there is no such image, or if its files do not fit together.
    """
    index = files.find(INDEX_FILE)
    if index is None:
        return _read_saved(name, files)
    found = _manifests(name, files, index.read())
    digest, document = _choose(name, files, found, platform)
    assert document.config
    content = _content(name, files, document.config.digest)
    config = read_config(content, name)
    blobs = [_blob(name, files, layer.digest) for layer in document.layers]
    return AuditedImage(
        name=name,
        digest=digest,
        config_digest=document.config.digest,
        config=config,
        layers=image_layers(name, config, blobs),
    )


def _manifests(name: str, files: Files, index: bytes) -> list[tuple[str, _Document]]:
    """Return the manifests of an index with their digests, with those of inner indexes.

    Each document is read once, however often indexes name it.
    """
    found: list[tuple[str, _Document]] = []
    seen: set[str] = set()
    waiting = [_decode(name, index, _Document)]
    while waiting:
        digests = {each.digest for each in waiting.pop().manifests or ()}
        for digest in sorted(digests - seen):
            seen.add(digest)
            document = _decode(name, _content(name, files, digest), _Document)
            if document.manifests is not None:
                waiting.append(document)
            elif document.config:
                found.append((digest, document))
    return found


def _choose(
    name: str, files: Files, found: Sequence[tuple[str, _Document]], platform: str
) -> tuple[str, _Document]:
    """Return the manifest of a platform. Raises ExpectedError unless there is exactly one."""
    by_platform: dict[str, tuple[str, _Document]] = {}
    for digest, document in found:
        assert document.config
        config = read_config(_content(name, files, document.config.digest), name)
        # Attestations have an unknown platform.
        if config.rootfs.diff_ids and config.architecture not in {"", "unknown"}:
            if by_platform.get(config.platform, (digest,))[0] != digest:
                hint = "name an archive or a layout of one image"
                raise ExpectedError(f"{name} has several images for {config.platform}", hint)
            by_platform[config.platform] = digest, document
    return by_platform[only_platform(name, list(by_platform), platform)]


def only_platform(name: str, available: Sequence[str], platform: str) -> str:
    """Return the platform to audit. Raises ExpectedError if it is missing or not clear."""
    if platform in available:
        return platform
    if platform or not available:
        shown = ", ".join(available) or "no platform"
        raise ExpectedError(
            f"{name} has no image for {platform or 'any platform'}, only for {shown}",
            "choose one of them with --platform",
        )
    if len(available) > 1:
        shown = ", ".join(available)
        raise ExpectedError(f"{name} has images for {shown}", "choose one with --platform")
    return available[0]


def _read_saved(name: str, files: Files) -> AuditedImage:
    """Return the image of an archive that an older Docker Engine wrote."""
    document = files.find(DOCKER_FILE)
    if document is None:
        raise not_an_image(name, f"it has neither {INDEX_FILE} nor {DOCKER_FILE}")
    saved = _decode(name, document.read(), tuple[_Saved, ...])
    if len(saved) != 1:
        raise not_an_image(name, f"{DOCKER_FILE} lists {len(saved)} images")
    content = _file(name, files, saved[0].config).read()
    config = read_config(content, name)
    blobs = [_file(name, files, path) for path in saved[0].layers]
    return AuditedImage(
        name=name,
        digest="",
        config_digest=sha256(content),
        config=config,
        layers=image_layers(name, config, blobs),
    )


def _decode(name: str, content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise not_an_image(name, str(error)) from None


def _content(name: str, files: Files, digest: str) -> bytes:
    """Return the bytes of a document. Raises ExpectedError if they have another digest."""
    content = _blob(name, files, digest).read()
    if sha256(content) != digest:
        raise not_an_image(name, f"the content of {digest} has the digest {sha256(content)}")
    return content


def _blob(name: str, files: Files, digest: str) -> LocalBlob:
    if not DIGEST.fullmatch(digest):
        raise not_an_image(name, f"the digest {digest[:80]!r}")
    blob = _file(name, files, blob_path(digest))
    return msgspec.structs.replace(blob, digest=digest)


def _file(name: str, files: Files, path: str) -> LocalBlob:
    blob = files.find(path)
    if blob is None:
        raise not_an_image(name, f"{path[:200]} is missing")
    return blob


def has_layout(root: Path) -> bool:
    """Return whether a folder has an OCI layout."""
    return (root / INDEX_FILE).is_file()
