"""Fill the store with the artifacts and base images of a lock set."""

from collections.abc import Iterator, Sequence

from orbiter.docker import client
from orbiter.fetch import mirrors
from orbiter.fetch.base_image import fetch_image, fetch_image_from, image_files
from orbiter.fetch.fetch import fetch, fetch_from
from orbiter.fetch.progress import FetchTotals, format_progress, format_totals
from orbiter.fetch.sources import Locator, LocatorError
from orbiter.lockset import model
from orbiter.lockset.model import LockSet
from orbiter.oci.base_image import BaseImage
from orbiter.render.model import platform_slug
from orbiter.store.artifact_list import LockedFile, parse_list
from orbiter.store.store import Store
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError


def artifacts_by_stage(
    locked: LockSet, platforms: Sequence[str] = ()
) -> dict[tuple[str, str], tuple[LockedFile, ...]]:
    """The artifacts of a lock set by stage and platform; only of ``platforms`` where any are given."""
    require_complete(locked, platforms)
    found = {}
    wanted = _platforms(locked, platforms)
    for path, text in locked.files.items():
        for platform in wanted:
            if path.startswith(f"{model.BUILD}/") and path.endswith(
                f"/artifacts-{platform_slug(platform)}.txt"
            ):
                found[path.split("/")[1], platform] = parse_list(text)
    return found


def base_images(locked: LockSet, platforms: Sequence[str] = ()) -> Iterator[BaseImage]:
    """The pinned base images of a lock set."""
    wanted = _platforms(locked, platforms)
    for reference, digests in locked.manifest.bases.items():
        for platform, digest in digests.items():
            if platform in wanted:
                yield BaseImage(
                    reference=reference, platform=platform, digest=digest, index_digest=digest
                )


def fill(
    locked: LockSet, platforms: Sequence[str], board: StartTask, archive: Locator | None
) -> str:
    """Fetch every artifact and base image of a lock set that the store lacks; return a summary.

    ``archive`` is tried first, if there is one, then indexes, registries and mirrors.
    """
    store = Store()
    report = board("artifacts")
    sources = mirrors.sources(locked, archive)
    wanted = _artifacts(locked, platforms)
    fetched = [fetch(wanted, store, sources, lambda state: report(format_progress(state)))]
    for image in base_images(locked, platforms):
        if not _there(image, store):
            fetched.append(_bring(image, store, archive))
    report("")
    return format_totals(_total(fetched))


def fill_from(origins: Locator, locked: LockSet, platforms: Sequence[str], board: StartTask) -> str:
    """Fetch every artifact and base image of a lock set from ``origins`` alone; return a summary."""
    store = Store()
    report = board("artifacts")
    wanted = _artifacts(locked, platforms)
    fetched = [fetch_from(origins, wanted, store, lambda state: report(format_progress(state)))]
    fetched += [fetch_image_from(image, store, origins) for image in base_images(locked, platforms)]
    report("")
    return format_totals(_total(fetched))


def _artifacts(locked: LockSet, platforms: Sequence[str]) -> list[LockedFile]:
    return [entry for listed in artifacts_by_stage(locked, platforms).values() for entry in listed]


def _total(fetched: Sequence[FetchTotals]) -> FetchTotals:
    return FetchTotals(
        count=sum(each.count for each in fetched),
        bytes=sum(each.bytes for each in fetched),
        already=sum(each.already for each in fetched),
    )


def all_files(locked: LockSet, platforms: Sequence[str], store: Store) -> list[LockedFile]:
    """All that ``fill`` provided: the artifacts of a lock set, and the parts of its base images."""
    return _artifacts(locked, platforms) + [
        entry for image in base_images(locked, platforms) for entry in image_files(image, store)
    ]


def _platforms(locked: LockSet, asked: Sequence[str]) -> tuple[str, ...]:
    offered = locked.image_set.platforms
    for platform in asked:
        if platform not in offered:
            raise ExpectedError(
                f"release {locked.manifest.release} is not locked for {platform}",
                f"it is for {', '.join(offered)}",
            )
    return tuple(asked) or tuple(offered)


def require_complete(locked: LockSet, platforms: Sequence[str]) -> None:
    """Raise ExpectedError for a lock set that is partial, or that is not for all of these platforms."""
    _platforms(locked, platforms)
    if not locked.is_complete:
        raise ExpectedError(
            f"the lock set of release {locked.manifest.release} is partial: not every manager is locked",
            "run orbiter lock without --only, where a Docker engine answers",
        )


def _bring(image: BaseImage, store: Store, archive: Locator | None) -> FetchTotals:
    """Bring what the store lacks of a base image: from the archive where that has all of it, else from a registry."""
    if archive:
        try:
            return fetch_image_from(image, store, archive)
        except LocatorError:
            raise
        except ExpectedError:
            pass  # what it has of the image is in the store now
    return fetch_image(image, store, mirrors=client.mirrors(), credentials=client.credentials)


def _there(image: BaseImage, store: Store) -> bool:
    return store.has(image.digest) and all(
        store.has(e.hash, e.size) for e in image_files(image, store)
    )
