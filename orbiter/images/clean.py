"""``orbiter clean``: removes stopped containers, built images, and unfinished files.

BuildKit's cache and the complete files of the store stay, because other builds use them.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.docker import client
from orbiter.docker.objects import STOPPED_STATES, LocalContainer
from orbiter.images import list as image_list
from orbiter.images.list import OwnImages
from orbiter.sizes import format_size
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from resolvers.scratch import locked_if_free

UNFINISHED = ("build/build-*", "*/??/*.part", "*/??/*.bad")
"""Files in the store from killed runs, and files that ``Store.verify`` moved aside."""
LeftoverKind = Literal["container", "image", "unfinished"]


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to remove.

    ``name`` is the name of a container, the tag of an image, or the path of a file or folder.
    ``size`` is in bytes; that of an image includes layers which other images may keep.
    """

    kind: LeftoverKind
    name: str
    size: int


class CleanupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The leftovers in the order of their removal, and a note for each image that stays."""

    leftovers: tuple[Leftover, ...]
    notes: tuple[str, ...]


def plan_cleanup(image_set: ImageSet) -> CleanupPlan:
    """Find the leftovers of an image set and its lock sets, and those in this user's store."""
    own = image_list.own_images(image_set)
    images = image_list.list_images(own)
    containers = client.list_containers()
    stopped = [container for container in containers if _is_stopped(container, own)]
    users = {
        container.image: container.name for container in containers if container not in stopped
    }
    # Containers come first, because a stopped one still uses its image.
    leftovers = [
        Leftover(kind="container", name=container.name, size=container.size)
        for container in stopped
    ]
    leftovers += [
        Leftover(kind="image", name=image.tag, size=image.size)
        for image in images
        if image.id not in users
    ]
    leftovers += [
        Leftover(kind="unfinished", name=str(path), size=_freed_bytes(path))
        for path in _unfinished_paths(Store().root)
    ]
    notes = [
        f"{image.tag} stays: the container {users[image.id]} uses it"
        for image in images
        if image.id in users
    ]
    return CleanupPlan(leftovers=tuple(leftovers), notes=tuple(notes))


def _is_stopped(container: LocalContainer, own: OwnImages) -> bool:
    """Return whether Orbiter started the container from an own image, and it has stopped."""
    tag = container.started_tag
    return container.state in STOPPED_STATES and bool(tag) and own.has(tag)


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


def remove(leftovers: Iterable[Leftover]) -> None:
    """Remove leftovers; one ExpectedError lists all that are in use by now."""
    errors = [_remove(leftover) for leftover in leftovers]
    messages = [message for message in errors if message]
    if messages:
        raise ExpectedError("\n".join(messages), "stop what uses them, and run orbiter clean again")


def _remove(leftover: Leftover) -> str:
    """Remove a leftover; return the error message, empty if there was no error."""
    try:
        if leftover.kind == "container":
            client.remove_container(leftover.name)
        elif leftover.kind == "image":
            client.remove_image(leftover.name)
        else:
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
    width = max(len(leftover.name) for leftover in leftovers)
    lines = [
        f"{leftover.kind:10}  {leftover.name:{width}}  {format_size(leftover.size):>8}"
        for leftover in leftovers
    ]
    total = format_size(sum(leftover.size for leftover in leftovers))
    return "\n".join([*lines, f"at most {total}: images share layers"])
