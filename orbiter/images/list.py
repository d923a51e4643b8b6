"""orbiter images: what is built here, and whether it is what the lock sets say now."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.docker import client
from orbiter.docker.objects import LOCKSET, LocalImage
from orbiter.lockset import folder
from orbiter.lockset.versions import SEMVER
from orbiter.oci.reference import parse_reference
from orbiter.sizes import format_size

FORMAT = 1
ImageState = Literal["fresh", "stale", "no lock set"]
"""Whether an image was built from the lock set of its release as it lies in ``locks/`` now."""
TAG = re.compile(rf"(?P<stage>.+?)-(?P<release>{SEMVER.pattern})")
LABEL = "org.opencontainers.image"
SHORT = 12
"""The hex digits of a digest that people are shown."""


class ListedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image of the image set that the engine has; ``lockset`` is the root digest of what it was built from.

    ``size`` is in bytes as the engine counts it, with layers that other images share.
    """

    tag: str
    id: str
    release: str
    size: int
    lockset: str
    state: ImageState


class OwnImages(msgspec.Struct, frozen=True, kw_only=True):
    """What tells an image set's images from others: registry and repository of each, and root digests by release."""

    repositories: frozenset[tuple[str, str]]
    roots: Mapping[str, str]

    def has(self, tag: str) -> bool:
        """Whether a tag lies in one of the repositories, however it is spelled."""
        return _place(tag) in self.repositories


def own_images(image_set: ImageSet) -> OwnImages:
    """What is known of an image set now: its repository and those of its lock sets, which may have had another."""
    lock_sets = {
        release: folder.read(folder.release_folder(release)) for release in folder.releases()
    }
    snapshots = (locked.image_set for locked in lock_sets.values())
    return OwnImages(
        repositories=frozenset(_place(each.repository) for each in (image_set, *snapshots)),
        roots={release: locked.root for release, locked in lock_sets.items()},
    )


def list_images(own: OwnImages) -> tuple[ListedImage, ...]:
    """The engine's images of an image set, sorted by tag."""
    found = (
        _image(local, tag, release, own.roots)
        for local in client.list_images(LOCKSET)
        for tag in local.repo_tags or ()
        if own.has(tag) and (release := _release(local, tag))
    )
    return tuple(sorted(found, key=lambda image: image.tag))


def _place(reference: str) -> tuple[str, str]:
    parsed = parse_reference(reference)
    return parsed.registry, parsed.repository


def _release(local: LocalImage, tag: str) -> str:
    """The release that a tag names; empty for what others tagged, or built upon an image, which inherits its labels."""
    match = TAG.fullmatch(parse_reference(tag).tag)
    if not match:
        return ""
    stage, release = match["stage"], match["release"]
    labels = local.labels or {}
    own = (labels.get(f"{LABEL}.title", stage), labels.get(f"{LABEL}.version", release)) == (
        stage,
        release,
    )
    return release if own else ""


def _image(local: LocalImage, tag: str, release: str, roots: Mapping[str, str]) -> ListedImage:
    root = (local.labels or {}).get(LOCKSET, "")
    state: ImageState = (
        "no lock set" if release not in roots else "fresh" if roots[release] == root else "stale"
    )
    return ListedImage(
        tag=tag, id=local.id, release=release, size=local.size, lockset=root, state=state
    )


def format_table(found: Iterable[ListedImage]) -> str:
    """Images as a table."""
    rows = [("image", "release", "size", "lock set", "state")]
    rows += [
        (each.tag, each.release, format_size(each.size), short_digest(each.lockset), each.state)
        for each in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def short_digest(digest: str) -> str:
    """The start of a digest, as Docker shows it."""
    return digest.partition(":")[2][:SHORT]


def format_json(found: Iterable[ListedImage]) -> str:
    """Images as JSON: ``{"format": 1, "images": [...]}``, with the fields of ``Image``."""
    content = msgspec.json.encode({"format": FORMAT, "images": tuple(found)})
    return msgspec.json.format(content, indent=2).decode()
