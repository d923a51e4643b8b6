"""The state of the release in images.toml: ``orbiter status``."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.config.image_tests import ImageTests
from orbiter.config.read import ProjectConfig
from orbiter.docker import client
from orbiter.docker.objects import LOCKSET
from orbiter.documents import Document
from orbiter.images.list import ImageState, ListedImage, list_images, own_images_of
from orbiter.lockfiles.lock_set import check_entries
from orbiter.lockset import folder, record
from orbiter.lockset.check import differences, missing_lock_set
from orbiter.lockset.git_files import CommitState, commit_status
from orbiter.lockset.model import LockSet
from orbiter.lockset.own_files import own_sources
from orbiter.lockset.record import Digests
from orbiter.oci.published import find_image
from orbiter.oci.reference import parse_reference
from orbiter.query.audited import AuditState, audit_state
from orbiter.query.next_step import Step, next_step
from orbiter.render.derived import derive
from resolvers.errors import ExpectedError

LockState = Literal["fresh", "stale", "missing", "broken"]
"""``stale``: images.toml has changed; ``broken``: the lock set was damaged."""
BuildState = ImageState | Literal["missing", "unknown"]
"""``fresh``: the Docker engine has the image, built from this lock set; ``stale``: from another."""
PushState = Literal["pushed", "other", "missing", "unknown", "not checked"]
"""``other``: the tag names an image that was not built from this lock set."""
THREADS = 8
"""Questions to registries at a time."""


class LockStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the lock set, as ``orbiter lock --check`` sees it, and the reasons for it."""

    state: LockState
    reasons: tuple[str, ...] = ()


class ImageStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an image on this machine and in its registry.

    ``audited`` is by the audits that were made on this machine. ``reason`` is why ``pushed`` is
    unknown.
    """

    name: str
    tag: str
    built: BuildState
    pushed: PushState = "not checked"
    audited: AuditState = "not audited"
    reason: str = ""


class Status(Document, frozen=True, kw_only=True):
    """The state of a release.

    ``git_files`` are the files that git ignores or has not committed as they are. ``engine`` is
    the reason why the Docker engine was not asked, "" if it answered. ``audit`` says whether
    images.toml requires an audit.
    """

    release: str
    repository: str
    lock: LockStatus
    git: CommitState
    git_files: tuple[str, ...] = ()
    released: bool
    audit: bool
    engine: str
    images: tuple[ImageStatus, ...]
    next: Step


class _Locked(msgspec.Struct, frozen=True, kw_only=True):
    """The lock set and the record, as far as they can be read."""

    status: LockStatus
    lock_set: LockSet | None = None
    digests: Digests | None = None


def status(project: ProjectConfig, *, remote: bool = False) -> Status:
    """Return the state of the release that images.toml describes.

    With ``remote``, also read the tags from their registry; otherwise nothing uses the network.
    """
    image_set = project.image_set
    path = folder.release_folder(image_set.version)
    locked = _locked(image_set, path)
    built, problem = _built(image_set, locked.lock_set)
    images = tuple(
        _image_status(name, tag, locked, None if problem else built)
        for name, tag in _tags(image_set).items()
    )
    if remote:
        with ThreadPoolExecutor(THREADS) as pool:
            images = tuple(pool.map(partial(_with_pushed, locked), images))
    released = locked.digests is not None
    git = commit_status(path, _sources(image_set, project.checks.tests))
    return Status(
        release=image_set.version,
        repository=image_set.repository,
        lock=locked.status,
        git=git.state,
        git_files=git.files,
        released=released,
        audit=project.checks.requires_audit,
        engine=problem,
        images=images,
        next=next_step(
            lock=locked.status.state,
            is_released=released or folder.is_released(path),
            git=git,
            built={image.built for image in images},
            pushed={image.pushed for image in images},
            path=path,
        ),
    )


def _image_status(
    name: str, tag: str, locked: _Locked, built: Mapping[str, ListedImage] | None
) -> ImageStatus:
    """Return the state on this machine; ``built`` is None without an engine."""
    found = built.get(parse_reference(tag).tag) if built else None
    state: BuildState = "unknown" if built is None else "missing"
    engine_id = found.id if found and found.state == "fresh" else ""
    return ImageStatus(
        name=name,
        tag=tag,
        built=found.state if found else state,
        audited=audit_state(name, locked.lock_set, locked.digests, engine_id),
    )


def _sources(image_set: ImageSet, tests: Mapping[str, ImageTests]) -> tuple[str, ...]:
    """Return the files of the repository that images.toml names, also those of tests."""
    of_tests = (file.source for each in tests.values() for file in each.files)
    return tuple(sorted({*own_sources(image_set), *of_tests}))


def _tags(image_set: ImageSet) -> dict[str, str]:
    """Return the tag of each image that users pull."""
    names = [stage.name for stage in image_set.stages if stage.kind == "final"]
    return {name: f"{image_set.repository}:{name}-{image_set.version}" for name in names}


def _locked(image_set: ImageSet, path: Path) -> _Locked:
    """Check the lock set as ``orbiter lock --check`` does."""
    if not path.exists():
        reason = missing_lock_set(image_set, path)
        return _Locked(status=LockStatus(state="missing", reasons=(reason,)))
    try:
        lock_set = folder.read(path)
        digests = record.read(path, lock_set).digests if folder.is_released(path) else None
        reasons = differences(image_set, path, lock_set)
        check_entries(path, lock_set)
        # A complete lock set has a build folder, which may come from another Orbiter.
        if not reasons and not (derive(lock_set).same_templates or digests):
            reasons = (f"{path}/build: another version of Orbiter rendered it",)
    except ExpectedError as error:
        return _Locked(status=LockStatus(state="broken", reasons=(error.message,)))
    state: LockState = "stale" if reasons else "fresh"
    return _Locked(
        status=LockStatus(state=state, reasons=reasons), lock_set=lock_set, digests=digests
    )


def _built(image_set: ImageSet, lock_set: LockSet | None) -> tuple[dict[str, ListedImage], str]:
    """Return the engine's images by tag, or why the engine does not answer.

    The engine may spell the repository in another way, so the tags are without it.
    """
    try:
        found = list_images(own_images_of(image_set, lock_set))
    except ExpectedError as error:
        return {}, error.message.splitlines()[0]
    return {parse_reference(image.tag).tag: image for image in found}, ""


def _with_pushed(locked: _Locked, image: ImageStatus) -> ImageStatus:
    """Return the state with the one in the registry; a registry that fails is unknown."""
    try:
        pushed = _pushed(locked, image)
    except ExpectedError as error:
        # The same reason for all images is shown once.
        parsed = parse_reference(image.tag)
        path = f"/v2/{parsed.repository}/manifests/{parsed.tag}"
        reason = error.message.splitlines()[0].replace(path, "")
        return msgspec.structs.replace(image, pushed="unknown", reason=reason)
    return msgspec.structs.replace(image, pushed=pushed)


def _pushed(locked: _Locked, image: ImageStatus) -> PushState:
    """Compare the image in the registry with the record of the release, or with the lock set."""
    published = find_image(image.tag, client.credentials)
    if published is None:
        return "missing"
    if locked.digests:
        recorded = locked.digests.stages.get(image.name, {}).values()
        is_ours = {each.digest for each in recorded} == set(published.digests)
    else:
        roots = {labels.get(LOCKSET) for labels in published.labels()}
        is_ours = locked.lock_set is not None and roots == {locked.lock_set.root}
    return "pushed" if is_ours else "other"
