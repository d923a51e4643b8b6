"""``orbiter clean``: removes containers left behind, outdated images, and unfinished files.

Fresh images, those of recorded releases, and Orbiter's part of BuildKit's cache stay unless the
user asks for them. The complete files of the store stay, because other builds use them.
"""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.docker import containers, local_images
from orbiter.docker.build_cache import CacheRecord, list_records, remove_records
from orbiter.docker.objects import LOCKSET, STARTED, LocalImage
from orbiter.docker.owner import owner_state, remove_of_killed
from orbiter.images import list as image_list
from orbiter.images.left_containers import LeftContainer, left_containers
from orbiter.images.list import ListedImage, OwnImages
from orbiter.images.own_cache import own_records
from orbiter.lockset import folder
from orbiter.sizes import format_size
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from resolvers.scratch import locked_if_free

UNFINISHED = ("build/build-*", "*/??/*.part", "*/??/*.bad")
"""Files in the store from killed runs, and files that ``Store.verify`` moved aside."""
LeftoverKind = Literal["container", "image", "untagged", "cache", "unfinished"]
KINDS: tuple[LeftoverKind, ...] = ("container", "untagged", "cache")
"""The kinds that a user can choose, so that nothing else is removed."""
NO_TAG = frozenset({"<none>:<none>"})
"""The tag that some engines list for an image without one."""
OWN_STEP = "orbiter: "
"""Start of each line that Orbiter writes into the history of an image."""


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to remove.

    ``name`` is the name of a container, the tag of an image, or the path of a file or folder. An
    untagged image has its id, and records of the cache have the name of their stage.
    ``size`` is in bytes; that of an image includes layers which other images may keep. ``records``
    are the ids of records of the cache. ``owner`` is the killed process that made a container or an
    image of repo2docker.
    """

    kind: LeftoverKind
    name: str
    size: int
    records: tuple[str, ...] = ()
    owner: str = ""


class CleanupScope(msgspec.Struct, frozen=True, kw_only=True):
    """The images to remove: all, only stale ones, only those of a release, or the outdated ones.

    Outdated images are neither fresh nor images of a recorded release. Unfinished files and the
    containers of other images are not part of a scope with only some images. ``kinds`` are
    those of KINDS that the user chose instead; then nothing else is part of the scope.
    """

    everything: bool = False
    stale: bool = False
    release: str = ""
    kinds: frozenset[LeftoverKind] = frozenset()

    @property
    def only_images(self) -> bool:
        """Return whether the user chose some images, so that nothing else is removed."""
        return self.stale or bool(self.release)

    def has(self, image: ListedImage, recorded: Collection[str]) -> bool:
        """Return whether an image is in scope, given the releases that are recorded."""
        if self.release:
            return image.release == self.release
        if self.stale:
            return image.state == "stale"
        return self.everything or (image.state != "fresh" and image.release not in recorded)


class CleanupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The leftovers in the order of their removal, and notes on them and on what stays."""

    leftovers: tuple[Leftover, ...]
    notes: tuple[str, ...]


def plan_cleanup(image_set: ImageSet, scope: CleanupScope) -> CleanupPlan:
    """Find the leftovers of an image set and its lock sets, and those in this user's store."""
    own = image_list.own_images(image_set)
    if scope.kinds:
        return _plan_kinds(own, scope.kinds)
    images = image_list.list_images(own)
    recorded = _recorded_releases()
    chosen = [image for image in images if scope.has(image, recorded)]
    tags = {image.tag for image in chosen}
    existing = containers.list_containers()
    left = left_containers(existing, own)
    derived = [
        image
        for image in local_images.list_images(STARTED)
        if image.repo2docker_name and own.has(image.started_tag) and _is_left(image)
    ]
    if scope.only_images:
        left = tuple(each for each in left if each.container.started_tag in tags)
        derived = [image for image in derived if image.started_tag in tags]
    removed = {each.container.id for each in left}
    users = {each.image: each.name for each in existing if each.id not in removed}
    # Containers come first, because also a stopped one uses its image.
    leftovers = [*map(_container, left)]
    leftovers += [_derived(image) for image in derived if image.id not in users]
    leftovers += [
        Leftover(kind="image", name=image.tag, size=image.size)
        for image in chosen
        if image.id not in users
    ]
    if not scope.only_images:
        leftovers += _unfinished()
    notes = (*_running_notes(left), *_notes(images, chosen, users, scope))
    return CleanupPlan(leftovers=tuple(leftovers), notes=notes)


def _plan_kinds(own: OwnImages, kinds: Collection[LeftoverKind]) -> CleanupPlan:
    """Find the leftovers of chosen kinds alone."""
    existing = containers.list_containers()
    leftovers: list[Leftover] = []
    notes: list[str] = []
    if "container" in kinds:
        left = left_containers(existing, own)
        leftovers += map(_container, left)
        notes += _running_notes(left)
        removed = {each.container.id for each in left}
        existing = tuple(each for each in existing if each.id not in removed)
    if "untagged" in kinds:
        leftovers += _untagged(frozenset(container.image for container in existing))
    if "cache" in kinds:
        records = list_records()
        found = tuple(own_records(records, map(folder.read, _release_folders())))
        leftovers += _cache(found)
        notes += _foreign_records(records, {record.id for _, record in found})
    return CleanupPlan(leftovers=tuple(leftovers), notes=tuple(notes))


def _container(left: LeftContainer) -> Leftover:
    container = left.container
    owner = container.owner if left.owner_state == "killed" else ""
    return Leftover(kind="container", name=container.name, size=container.size, owner=owner)


def _is_left(image: LocalImage) -> bool:
    """Return whether no running process is about to start an image of repo2docker."""
    return owner_state(image.repo2docker_owner) != "running"


def _derived(image: LocalImage) -> Leftover:
    name, owner = image.repo2docker_name, image.repo2docker_owner
    return Leftover(kind="image", name=name, size=image.size, owner=owner)


def _running_notes(found: Iterable[LeftContainer]) -> Iterator[str]:
    for each in found:
        if each.is_running:
            yield f"{each.container.name} is running, but the orbiter that started it was killed"


def _untagged(used: Collection[str]) -> Iterator[Leftover]:
    """Yield the images without a tag that Orbiter made and that no container uses.

    An image that somebody built upon ours inherits its labels, but not the end of its history.
    """
    for image in local_images.list_images(LOCKSET):
        is_free = not set(image.repo_tags or ()) - NO_TAG and image.id not in used
        if is_free and local_images.last_step(image.id).startswith(OWN_STEP):
            yield Leftover(kind="untagged", name=image.id, size=image.size)


def _cache(found: Iterable[tuple[str, CacheRecord]]) -> Iterator[Leftover]:
    """Yield the records of the cache, one leftover for each stage."""
    by_stage: dict[str, list[CacheRecord]] = {}
    for stage, record in found:
        by_stage.setdefault(stage, []).append(record)
    for stage, records in sorted(by_stage.items()):
        ids = tuple(sorted(record.id for record in records))
        size = sum(record.size for record in records)
        yield Leftover(kind="cache", name=stage, size=size, records=ids)


def _foreign_records(records: Iterable[CacheRecord], own: Collection[str]) -> Iterator[str]:
    foreign = [record for record in records if record.id not in own]
    if foreign:
        size = format_size(sum(record.size for record in foreign))
        yield (
            f"{len(foreign)} records of the build cache ({size}) stay: BuildKit does not store who "
            "made them; docker buildx prune removes all"
        )


def _release_folders() -> Iterator[Path]:
    return map(folder.release_folder, folder.releases())


def _recorded_releases() -> frozenset[str]:
    """Return the releases whose images `orbiter release` has recorded."""
    return frozenset(
        release
        for release in folder.releases()
        if folder.is_released(folder.release_folder(release))
    )


def _notes(
    images: Collection[ListedImage],
    chosen: Collection[ListedImage],
    users: Mapping[str, str],
    scope: CleanupScope,
) -> Iterator[str]:
    """Yield the reasons why images stay that somebody may expect to be removed."""
    for image in chosen:
        if image.id in users:
            yield f"{image.tag} stays: the container {users[image.id]} uses it"
    kept = len(images) - len(chosen)
    if kept and not scope.only_images:
        yield _kept_note(kept)


def _kept_note(kept: int) -> str:
    if kept == 1:
        return "1 fresh or released image stays; --all removes it too"
    return f"{kept} fresh or released images stay; --all removes them too"


def _unfinished() -> Iterator[Leftover]:
    for path in _unfinished_paths(Store().root):
        yield Leftover(kind="unfinished", name=str(path), size=_freed_bytes(path))


def _unfinished_paths(store: Path) -> Iterator[Path]:
    """Yield the unfinished files and folders that no running process uses."""
    for pattern in UNFINISHED:
        for path in sorted(store.glob(pattern)):
            with locked_if_free(path) as free:
                if free:
                    yield path


def _freed_bytes(path: Path) -> int:
    """Return the bytes that removing a file or folder frees.

    Files with several names do not count: they are hard links to files of the store.
    """
    paths = [path, *path.rglob("*")]
    stats = [each.lstat() for each in paths if each.is_file() and not each.is_symlink()]
    return sum(stat.st_size for stat in stats if stat.st_nlink == 1)


def remove(leftovers: Iterable[Leftover]) -> int:
    """Remove leftovers; return the bytes that BuildKit freed, which may keep some records.

    One ExpectedError lists all leftovers that are in use by now.
    """
    leftovers = tuple(leftovers)
    records = [record for leftover in leftovers for record in leftover.records]
    freed = remove_records(records) if records else 0
    errors = [_remove(leftover) for leftover in leftovers]
    messages = [message for message in errors if message]
    if messages:
        raise ExpectedError("\n".join(messages), "stop what uses them, and run orbiter clean again")
    return freed


def _remove(leftover: Leftover) -> str:
    """Remove a leftover; return the error message, empty if there was no error."""
    try:
        if leftover.owner:
            remove_of_killed(leftover.owner)
        if leftover.kind == "container" and not leftover.owner:
            containers.remove_container(leftover.name)
        elif leftover.kind in {"image", "untagged"}:
            local_images.remove_image(leftover.name)
        elif leftover.kind == "unfinished":
            _remove_path(Path(leftover.name))
    except ExpectedError as error:
        return error.message
    return ""


def _remove_path(path: Path) -> None:
    with locked_if_free(path) as free:
        if free and path.is_dir():
            shutil.rmtree(path)
        elif free:
            path.unlink()


def format_table(leftovers: Iterable[Leftover]) -> str:
    """Return the leftovers as a table with their total size, for people."""
    leftovers = tuple(leftovers)
    names = [_shown(leftover) for leftover in leftovers]
    width = max(map(len, names))
    lines = [
        f"{leftover.kind:10}  {name:{width}}  {format_size(leftover.size):>8}"
        for leftover, name in zip(leftovers, names, strict=True)
    ]
    total = format_size(sum(leftover.size for leftover in leftovers))
    return "\n".join([*lines, f"at most {total}: images share layers"])


def _shown(leftover: Leftover) -> str:
    """Return the name of a leftover for people: short for ids, with the number of records."""
    if leftover.kind == "untagged":
        return image_list.short_digest(leftover.name)
    if leftover.records:
        return f"{leftover.name} ({len(leftover.records)} records)"
    return leftover.name
