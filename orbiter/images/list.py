"""``orbiter images``: the built images, and whether they match the current lock sets."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.docker import local_images
from orbiter.docker.objects import LOCKSET, LocalImage
from orbiter.documents import Document, encode, schema_of
from orbiter.lockset import folder
from orbiter.lockset.model import LockSet
from orbiter.lockset.versions import SEMVER
from orbiter.oci.reference import is_reference, parse_reference
from orbiter.sizes import format_size

ImageState = Literal["fresh", "stale", "no lock set"]
"""``fresh``: built from the release's lock set in ``locks/``; ``stale``: from another one."""
TAG = re.compile(rf"(?P<stage>.+?)-(?P<release>{SEMVER.pattern})")
LABEL = "org.opencontainers.image"
SHORT_DIGEST = 12
"""Number of hex digits that people see of a digest."""
HEADER = ("image", "release", "size", "lock set", "state")


class ListedImage(msgspec.Struct, frozen=True, kw_only=True):
    """A local image of the image set.

    ``lockset`` is the root digest of the lock set that it was built from. ``size`` is in bytes, as
    the engine counts it, and includes layers that other images share.
    """

    tag: str
    id: str
    release: str
    size: int
    lockset: str
    state: ImageState


class OwnImages(msgspec.Struct, frozen=True, kw_only=True):
    """Features that distinguish an image set's images from other images.

    ``repositories`` are pairs of a registry and a repository. ``roots`` are the root digests of the
    lock sets by release.
    """

    repositories: frozenset[tuple[str, str]]
    roots: Mapping[str, str]

    def has(self, tag: str) -> bool:
        """Return whether a tag is in one of the repositories, in any spelling.

        Anybody may write the label that a tag comes from, and some engines list ``<none>:<none>``.
        """
        return is_reference(tag) and _repository(tag) in self.repositories


def own_images(image_set: ImageSet) -> OwnImages:
    """Return the features of an image set's images, also of those in earlier repositories."""
    lock_sets = {
        release: folder.read(folder.release_folder(release)) for release in folder.releases()
    }
    image_sets = [image_set, *(lock_set.image_set for lock_set in lock_sets.values())]
    return OwnImages(
        repositories=frozenset(_repository(each.repository) for each in image_sets),
        roots={release: lock_set.root for release, lock_set in lock_sets.items()},
    )


def own_images_of(image_set: ImageSet, lock_set: LockSet | None) -> OwnImages:
    """Return the features of the images of one release only."""
    return OwnImages(
        repositories=frozenset({_repository(image_set.repository)}),
        roots={lock_set.manifest.release: lock_set.root} if lock_set else {},
    )


def list_images(own: OwnImages) -> tuple[ListedImage, ...]:
    """Return the local images of an image set, sorted by tag."""
    images = []
    for local in local_images.list_images(LOCKSET):
        for tag in local.repo_tags or ():
            release = _release(local, tag) if own.has(tag) else ""
            if release:
                images.append(_listed_image(local, tag, release, own.roots))
    return tuple(sorted(images, key=lambda image: image.tag))


def _repository(reference: str) -> tuple[str, str]:
    parsed = parse_reference(reference)
    return parsed.registry, parsed.repository


def _release(local: LocalImage, tag: str) -> str:
    """Return the release in a tag of Orbiter; empty for any other tag.

    An image that somebody built upon ours inherits its labels, so the tag must match the labels.
    """
    match = TAG.fullmatch(parse_reference(tag).tag)
    if not match:
        return ""
    stage, release = match["stage"], match["release"]
    labels = local.labels or {}
    title = labels.get(f"{LABEL}.title", stage)
    version = labels.get(f"{LABEL}.version", release)
    return release if (title, version) == (stage, release) else ""


def _listed_image(
    local: LocalImage, tag: str, release: str, roots: Mapping[str, str]
) -> ListedImage:
    root = (local.labels or {}).get(LOCKSET, "")
    return ListedImage(
        tag=tag,
        id=local.id,
        release=release,
        size=local.size,
        lockset=root,
        state=_state(root, roots.get(release)),
    )


def _state(root: str, current_root: str | None) -> ImageState:
    if current_root is None:
        return "no lock set"
    return "fresh" if root == current_root else "stale"


def format_table(images: Iterable[ListedImage]) -> str:
    """Return the images as a table for people, with the repository above its images."""
    by_repository: dict[str, list[ListedImage]] = {}
    for image in images:
        by_repository.setdefault(image.tag.rpartition(":")[0], []).append(image)
    rows = [HEADER, *(_row(image) for listed in by_repository.values() for image in listed)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for repository, listed in by_repository.items():
        lines += [repository, *(_padded(row, widths) for row in (HEADER, *map(_row, listed))), ""]
    return "\n".join(lines[:-1])


def _row(image: ListedImage) -> tuple[str, str, str, str, str]:
    stage = image.tag.rpartition(":")[2].removesuffix(f"-{image.release}")
    size = format_size(image.size)
    return stage, image.release, size, short_digest(image.lockset), image.state


def _padded(row: tuple[str, ...], widths: list[int]) -> str:
    cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
    return f"  {'  '.join(cells)}".rstrip()


def short_digest(digest: str) -> str:
    """Return the beginning of a digest, as Docker shows it."""
    return digest.partition(":")[2][:SHORT_DIGEST]


class ImagesReport(Document, frozen=True, kw_only=True):
    """The result of ``orbiter images``."""

    images: tuple[ListedImage, ...]


def format_json(images: Iterable[ListedImage]) -> str:
    """Return the images as JSON: ``{"format": 1, "images": [...]}``."""
    return encode(ImagesReport(images=tuple(images)))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return schema_of(ImagesReport)
