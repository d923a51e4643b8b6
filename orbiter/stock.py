"""From a lock set to a filled store, and from there to built images."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from orbiter import config, engine, lockset, mirrors
from orbiter.bake import SEEDS, BuildOptions, BuiltImage
from orbiter.base_image import fetch_image, image_entries, oci_layout, take_image
from orbiter.config import ImageSet
from orbiter.fetch import Fetched, fetch, fetch_from
from orbiter.installers import MICROMAMBA
from orbiter.lockset import LockSet
from orbiter.origins import Origins, OriginsError
from orbiter.outside import spelled, told
from orbiter.planned import folder_of
from orbiter.scratch import scratch
from orbiter.seed import write_seed
from orbiter.solve import Progress
from orbiter.standing import Standing, standing
from orbiter.store import Entry, Store, parse_entries
from resolvers import conda_fetch
from resolvers.errors import ExpectedError
from resolvers.registry import BaseImage


def entries(locked: LockSet, platforms: Sequence[str] = ()) -> dict[tuple[str, str], tuple[Entry, ...]]:
    """The artifacts of a lock set by stage and platform; only of ``platforms`` where any are given."""
    refuse(locked, platforms)
    found = {}
    wanted = _platforms(locked, platforms)
    for path, text in locked.files.items():
        for platform in wanted:
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


def fill(
    locked: LockSet, platforms: Sequence[str], board: Progress, *, origins: Origins | None = None, making: str = ""
) -> str:
    """Bring every artifact and base image of a lock set into the store; gives a line for people.

    With ``origins`` all is taken from there, and nobody else is asked. Else the standing archive is asked first;
    ``making`` as for that.
    """
    store = Store()
    wanted = [entry for found in entries(locked, platforms).values() for entry in found]
    tell = board("artifacts")
    if origins:
        done = [fetch_from(origins, wanted, store, lambda state: tell(spelled(state)))]
        done += [take_image(image, store, origins) for image in bases(locked, platforms)]
    else:
        archive = standing(making)
        done = [fetch(wanted, store, mirrors.sources(locked, archive), lambda state: tell(spelled(state)))]
        done += [_bring(image, store, archive) for image in bases(locked, platforms) if not _there(image, store)]
    total = Fetched(
        count=sum(each.count for each in done),
        bytes=sum(each.bytes for each in done),
        already=sum(each.already for each in done),
    )
    tell("")
    return told(total)


def everything(locked: LockSet, platforms: Sequence[str], store: Store) -> list[Entry]:
    """All that ``fill`` brought: the artifacts of a lock set, and the parts of its base images."""
    wanted = [entry for found in entries(locked, platforms).values() for entry in found]
    return wanted + [entry for image in bases(locked, platforms) for entry in image_entries(image, store)]


def build(
    locked: LockSet, options: BuildOptions, board: Progress, approve: engine.Approve = lambda _built: True
) -> tuple[BuiltImage, ...]:
    """Build images of a lock set from the store alone, which is filled first where it lacks something.

    What ``approve`` gives no leave for is not loaded, pushed or kept.
    """
    fill(locked, options.platforms, board)
    store = Store()
    with scratch(store.root / "build", "build-") as place:  # beside the store, so that hard links reach it
        for (stage, platform), found in entries(locked, options.platforms).items():
            folder = place / "artifacts" / stage / folder_of(platform)
            folder.mkdir(parents=True)
            store.link_all((entry.hash, folder / entry.path) for entry in found)
            for package in (folder / "tools").glob(f"{MICROMAMBA}-*"):  # nothing in a build stage could unpack it
                conda_fetch.unpack_program(package, MICROMAMBA, folder / "tools" / MICROMAMBA)
        _lay_seeds(locked, place)
        for image in bases(locked, options.platforms):
            oci_layout(image.digest, store, place / "bases" / image.digest.partition(":")[2])
        for path, text in locked.files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8", newline="\n")
        return engine.build(place, locked.root, options, board, approve)


def _lay_seeds(locked: LockSet, place: Path) -> None:
    """What each base that is made of packages begins as, for every platform whose artifacts are laid out."""
    for stage in (stage.name for stage in _image_set(locked).stages if stage.kind == "base"):
        (place / SEEDS / stage).mkdir(parents=True)
        for folder in (place / "artifacts" / stage).iterdir():
            write_seed(sorted((folder / "apt").iterdir()), place / SEEDS / stage / f"{folder.name}.tar")


def _image_set(locked: LockSet) -> ImageSet:
    return config.load(locked.files[lockset.SNAPSHOT])


def _platforms(locked: LockSet, asked: Sequence[str]) -> tuple[str, ...]:
    offered = _image_set(locked).platforms
    for platform in asked:
        if platform not in offered:
            raise ExpectedError(
                f"release {locked.manifest.release} is not locked for {platform}", f"it is for {', '.join(offered)}"
            )
    return tuple(asked) or tuple(offered)


def refuse(locked: LockSet, platforms: Sequence[str]) -> None:
    """Raise ExpectedError for a lock set that is partial, or that is not for all of these platforms."""
    _platforms(locked, platforms)
    if not locked.complete:
        raise ExpectedError(
            f"the lock set of release {locked.manifest.release} is partial: not every manager is locked",
            "run orbiter lock without --only, where a Docker engine answers",
        )


def _bring(image: BaseImage, store: Store, archive: Standing | None) -> Fetched:
    """Bring what the store lacks of a base image: from the archive where that has all of it, else from a registry."""
    if archive:
        try:
            return take_image(image, store, archive)
        except OriginsError:
            raise
        except ExpectedError:
            pass  # what it has of the image is in the store now
    return fetch_image(image, store, mirrors=engine.mirrors(), credentials=engine.credentials)


def _there(image: BaseImage, store: Store) -> bool:
    return store.has(image.digest) and all(store.has(e.hash, e.size) for e in image_entries(image, store))
