"""orbiter clean: what Orbiter made on this machine and nobody needs: containers that stopped, images, unfinished files.

BuildKit's cache is that of all who build here, and the files of the store are whole: neither is touched.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.docker import client
from orbiter.docker.objects import STOPPED_STATES
from orbiter.files import locked_if_free
from orbiter.images import list as image_list
from orbiter.images.list import ListedImage
from orbiter.sizes import format_size
from orbiter.store.store import Store
from resolvers.errors import ExpectedError

Kind = Literal["container", "image", "unfinished"]


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to remove: a container (its name), an image (its tag), or a file or folder (its path).

    ``size`` is in bytes: of an image with layers that stay when others need them.
    """

    kind: Kind
    name: str
    size: int


class CleanupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to remove, in the order to do it, and lines about what stays."""

    left: tuple[Leftover, ...]
    kept: tuple[str, ...]


def plan_cleanup(image_set: ImageSet) -> CleanupPlan:
    """What Orbiter left here: of the image set's images and those of its lock sets, and in this user's store."""
    own = image_list.own_images(image_set)
    built = image_list.list_images(own)
    containers = client.list_containers()
    stopped = [
        each
        for each in containers
        if each.state in STOPPED_STATES and each.started_tag and own.has(each.started_tag)
    ]
    users = {each.image: each.name for each in containers if each not in stopped}
    left = [Leftover(kind="container", name=each.name, size=each.size) for each in stopped]
    left += [
        Leftover(kind="image", name=image.tag, size=image.size)
        for image in built
        if image.id not in users
    ]
    left += [
        Leftover(kind="unfinished", name=str(path), size=_weight(path))
        for path in _unfinished(Store().root)
    ]
    return CleanupPlan(
        left=tuple(left),
        kept=tuple(_kept(image, users[image.id]) for image in built if image.id in users),
    )


def _kept(image: ListedImage, user: str) -> str:
    return f"{image.tag} stays: the container {user} uses it"


def _unfinished(store: Path) -> Iterator[Path]:
    """What runs that were killed left in the store, and what was moved aside there as wrong."""
    for pattern in ("build/build-*", "*/??/*.part", "*/??/*.bad"):
        for path in sorted(store.glob(pattern)):
            with locked_if_free(path) as free:
                if free:
                    yield path


def _weight(path: Path) -> int:
    """The bytes that removing a file or folder frees: files of the store are hard links there."""
    files = [
        found for found in (path, *path.rglob("*")) if found.is_file() and not found.is_symlink()
    ]
    return sum(found.st_size for found in map(Path.lstat, files) if found.st_nlink == 1)


def remove(left: Iterable[Leftover]) -> None:
    """Remove what was found. What is in use meanwhile stays; one ExpectedError tells of all that."""
    failures = [failure for each in left if (failure := _remove(each))]
    if failures:
        raise ExpectedError(
            "\n".join(failures), "what is in use stays; run orbiter clean again later"
        )


def _remove(each: Leftover) -> str:
    """Why it was not removed; empty where it was."""
    try:
        if each.kind == "container":
            client.remove_container(each.name)
        elif each.kind == "image":
            client.remove_image(each.name)
        else:
            _remove_path(Path(each.name))
    except ExpectedError as error:
        return error.message
    return ""


def _remove_path(path: Path) -> None:
    with locked_if_free(path) as free:
        if free and path.is_dir():
            shutil.rmtree(path)
        elif free:
            path.unlink()


def format_table(left: Iterable[Leftover]) -> str:
    """What would go as a table, and its size."""
    left = tuple(left)
    width = max(len(each.name) for each in left)
    lines = [f"{each.kind:10}  {each.name:{width}}  {format_size(each.size):>8}" for each in left]
    return "\n".join(
        [*lines, f"at most {format_size(sum(each.size for each in left))}: images share layers"]
    )
