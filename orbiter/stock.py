"""From a lock set to a filled store, and from there to built images."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from orbiter import engine, lockset
from orbiter.bake import BuildOptions, BuiltImage
from orbiter.base_image import fetch_image, image_entries, import_image, oci_layout
from orbiter.fetch import Fetched, copy_to, fetch, import_from
from orbiter.lockset import LockSet
from orbiter.origins import Sources
from orbiter.outside import shell_in, spelled, told
from orbiter.render import folder_of
from orbiter.scratch import scratch
from orbiter.solve import Progress
from orbiter.store import Entry, Store, parse_entries
from resolvers import apt
from resolvers.errors import ExpectedError
from resolvers.registry import BaseImage


def entries(locked: LockSet, platforms: Sequence[str] = ()) -> dict[tuple[str, str], tuple[Entry, ...]]:
    """The artifacts of a lock set by stage and platform; only of ``platforms`` where any are given."""
    _refuse_partial(locked)
    found = {}
    for path, text in locked.files.items():
        for platform in _platforms(locked, platforms):
            if path.startswith(f"{lockset.BUILD}/") and path.endswith(f"/artifacts-{folder_of(platform)}.txt"):
                found[path.split("/")[1], platform] = parse_entries(text)
    return found


def bases(locked: LockSet, platforms: Sequence[str] = ()) -> Iterator[BaseImage]:
    """The pinned base images of a lock set."""
    wanted = _platforms(locked, platforms)
    for reference, digests in locked.manifest.bases.items():
        for platform, digest in digests.items():
            if platform in wanted:
                yield BaseImage(reference=reference, platform=platform, digest=digest, index_digest=digest)


def fill(locked: LockSet, platforms: Sequence[str], board: Progress, *, origin: Path | None = None) -> str:
    """Bring every artifact and base image of a lock set into the store; gives a line for people.

    ``origin`` is a folder that ``carry`` laid out: everything is taken from there, and no network is used.
    """
    store = Store()
    wanted = [entry for found in entries(locked, platforms).values() for entry in found]
    tell = board("artifacts")
    if origin:
        done = [import_from(origin, wanted, store)]
        done += [import_image(origin, image, store) for image in bases(locked, platforms)]
    else:
        done = [fetch(wanted, store, _sources(locked), lambda state: tell(spelled(state)))]
        done += [
            fetch_image(image, store, mirrors=engine.mirrors(), credentials=engine.credentials)
            for image in bases(locked, platforms)
            if not _there(image, store)
        ]
    total = Fetched(
        count=sum(each.count for each in done),
        bytes=sum(each.bytes for each in done),
        already=sum(each.already for each in done),
    )
    tell("")
    return told(total)


def carry(locked: LockSet, platforms: Sequence[str], folder: Path) -> None:
    """Lay out all that ``fill`` brought in a folder, for ``fill`` on an offline machine."""
    store = Store()
    wanted = [entry for found in entries(locked, platforms).values() for entry in found]
    wanted += [entry for image in bases(locked, platforms) for entry in image_entries(image, store)]
    copy_to(wanted, store, folder)


def build(locked: LockSet, options: BuildOptions, board: Progress) -> tuple[BuiltImage, ...]:
    """Build images of a lock set from the store alone, which is filled first where it lacks something."""
    fill(locked, options.platforms, board)
    store = Store()
    with scratch(store.root / "build", "build-") as place:  # beside the store, so that hard links reach it
        for (stage, platform), found in entries(locked, options.platforms).items():
            folder = place / "artifacts" / stage / folder_of(platform)
            folder.mkdir(parents=True)
            store.link_all((entry.hash, folder / entry.path) for entry in found)
        for image in bases(locked, options.platforms):
            oci_layout(image.digest, store, place / "bases" / image.digest.partition(":")[2])
        for path, text in locked.files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8", newline="\n")
        return engine.build(place, locked.root, options, board)


def _platforms(locked: LockSet, asked: Sequence[str]) -> tuple[str, ...]:
    offered = sorted({platform for digests in locked.manifest.bases.values() for platform in digests})
    for platform in asked:
        if platform not in offered:
            raise ExpectedError(
                f"release {locked.manifest.release} is not locked for {platform}", f"it is for {', '.join(offered)}"
            )
    return tuple(asked) or tuple(offered)


def _refuse_partial(locked: LockSet) -> None:
    if not locked.complete:
        raise ExpectedError(
            f"the lock set of release {locked.manifest.release} is partial: not every manager is locked",
            "run orbiter lock without --only, where a Docker engine answers",
        )


def _sources(locked: LockSet) -> Sources:
    def mirrors() -> tuple[str, ...]:
        found: dict[str, None] = {}
        for reference, digests in locked.manifest.bases.items():
            shell = shell_in(reference, digests)
            found |= dict.fromkeys(apt.mirrors(shell, next(iter(digests))))
        return tuple(found)

    return Sources(apt_mirrors=mirrors)


def _there(image: BaseImage, store: Store) -> bool:
    return store.has(image.digest) and all(store.has(e.hash, e.size) for e in image_entries(image, store))
