"""Fills the store with the artifacts and base images of a lock set."""

from collections.abc import Iterator, Sequence

from orbiter.docker import client
from orbiter.fetch.base_image import fetch_image, fetch_image_from, image_files
from orbiter.fetch.fetch import fetch, fetch_from
from orbiter.fetch.mirrors import fetch_settings
from orbiter.fetch.progress import FetchTotals, format_progress
from orbiter.fetch.sources import Locator, LocatorError
from orbiter.lockset import model
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import check_platforms
from orbiter.oci.base_image import BaseImage
from orbiter.render.model import platform_slug
from orbiter.store.artifact_list import LockedFile, parse_list
from orbiter.store.store import Store
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError


def artifacts_by_stage(
    lock_set: LockSet, platforms: Sequence[str] = ()
) -> dict[tuple[str, str], tuple[LockedFile, ...]]:
    """Return the artifacts of a lock set by stage and platform; no ``platforms`` means all."""
    require_complete(lock_set, platforms)
    selected = _selected_platforms(lock_set, platforms)
    artifacts = {}
    for path, text in lock_set.files.items():
        for platform in selected:
            name = f"/artifacts-{platform_slug(platform)}.txt"
            if path.startswith(f"{model.BUILD}/") and path.endswith(name):
                artifacts[path.split("/")[1], platform] = parse_list(text)
    return artifacts


def base_images(lock_set: LockSet, platforms: Sequence[str] = ()) -> Iterator[BaseImage]:
    """Yield the pinned base images of a lock set."""
    selected = _selected_platforms(lock_set, platforms)
    for reference, digests in lock_set.manifest.bases.items():
        for platform, digest in digests.items():
            if platform in selected:
                # The lock set has the digest of the platform, not that of the index.
                yield BaseImage(
                    reference=reference, platform=platform, digest=digest, index_digest=digest
                )


def fill(
    lock_set: LockSet, platforms: Sequence[str], start_task: StartTask, archive: Locator | None
) -> FetchTotals:
    """Download every artifact and base image that the store lacks; return the totals.

    Tries ``archive`` first, if there is one, then indexes, registries and mirrors.
    """
    store = Store()
    report = start_task("artifacts")
    totals = fetch(
        artifacts(lock_set, platforms),
        store,
        fetch_settings(lock_set, archive),
        lambda progress: report(format_progress(progress)),
    )
    for image in base_images(lock_set, platforms):
        if not _is_present(image, store):
            totals += _fetch_base_image(image, store, archive)
    report("")
    return totals


def fill_from(
    locator: Locator, lock_set: LockSet, platforms: Sequence[str], start_task: StartTask
) -> FetchTotals:
    """Download every artifact and base image from the sources of one locator; return the totals."""
    store = Store()
    report = start_task("artifacts")
    totals = fetch_from(
        locator,
        artifacts(lock_set, platforms),
        store,
        lambda progress: report(format_progress(progress)),
    )
    for image in base_images(lock_set, platforms):
        totals += fetch_image_from(image, store, locator)
    report("")
    return totals


def artifacts(lock_set: LockSet, platforms: Sequence[str]) -> list[LockedFile]:
    """Return the artifacts of all stages; a file of several stages comes several times."""
    by_stage = artifacts_by_stage(lock_set, platforms)
    return [file for files in by_stage.values() for file in files]


def all_files(lock_set: LockSet, platforms: Sequence[str], store: Store) -> list[LockedFile]:
    """Return the artifacts and the blobs of the base images, whose manifests are in the store."""
    files = artifacts(lock_set, platforms)
    for image in base_images(lock_set, platforms):
        files += image_files(image, store)
    return files


def require_complete(lock_set: LockSet, platforms: Sequence[str]) -> None:
    """Raise ExpectedError for a partial lock set, and for a platform that is not locked."""
    check_platforms(lock_set, platforms)
    if not lock_set.is_complete:
        raise ExpectedError(
            f"the lock set of release {lock_set.manifest.release} is partial: "
            "some managers are not locked",
            "run orbiter lock without --only on a machine with a Docker engine",
        )


def _selected_platforms(lock_set: LockSet, platforms: Sequence[str]) -> tuple[str, ...]:
    check_platforms(lock_set, platforms)
    return tuple(platforms) or lock_set.image_set.platforms


def _fetch_base_image(image: BaseImage, store: Store, archive: Locator | None) -> FetchTotals:
    """Fetch a base image from the archive if that has all of it, otherwise from a registry."""
    if archive:
        try:
            return fetch_image_from(image, store, archive)
        except LocatorError:
            raise
        except ExpectedError:
            pass  # the registry has the blobs that the archive lacks
    return fetch_image(image, store, mirrors=client.mirrors(), credentials=client.credentials)


def _is_present(image: BaseImage, store: Store) -> bool:
    if not store.has(image.digest):
        return False
    return all(store.has(file.hash, file.size) for file in image_files(image, store))
