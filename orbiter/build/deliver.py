"""Loads built images into the engine, pushes them, and keeps them in a folder."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from orbiter.assembly.archive import write_archive
from orbiter.assembly.image import AssembledImage
from orbiter.build.built_image import BuiltImage
from orbiter.build.options import BuildOptions
from orbiter.build.push import push
from orbiter.build.push_check import images_to_push
from orbiter.docker import client, local_images
from orbiter.tasks import StartTask, TaskState
from resolvers.cache import CACHE_HINT, folder
from resolvers.scratch import scratch_folder


def deliver(
    built: tuple[BuiltImage, ...],
    options: BuildOptions,
    bases: Sequence[str],
    start_task: StartTask,
) -> tuple[BuiltImage, ...]:
    """Load, push and keep images as requested; return them with their files.

    ``bases`` are the base images, whose layers a registry may have already. Every tag is checked
    before anything is loaded or pushed, so that either all images are pushed or none.
    """
    stages_to_push: frozenset[str] = frozenset()
    if options.push:
        images = images_to_push(built, client.credentials, force=options.force)
        stages_to_push = frozenset(image.stage for image in images)
    for image in built:
        report = start_task(image.stage)
        if options.load and not local_images.has_image(image.tag, engine_ids(image)):
            report(TaskState(state="loading"))
            load(image.tag, image.images, image.index)
        if image.stage in stages_to_push:
            push(image, built, bases, report)
        report("")
    delivered = tuple(
        msgspec.structs.replace(image, pushed=image.stage in stages_to_push) for image in built
    )
    return keep_archives(delivered, options.output) if options.output else delivered


def engine_ids(image: BuiltImage) -> frozenset[str]:
    """Return the names that the image stores of engines may give to an image."""
    configs = {each.config_digest for each in image.images}
    return frozenset({image.digest, *configs})


def load(tag: str, images: Sequence[AssembledImage], index: bytes | None) -> None:
    """Load an image into the engine under a tag."""
    with scratch_folder(folder("assembly"), "new-", CACHE_HINT) as scratch:
        archive = scratch / "image.tar"
        write_archive(archive, tag, images, index)
        local_images.load_image(archive)


def keep_archives(images: Sequence[BuiltImage], target: Path) -> tuple[BuiltImage, ...]:
    """Write the archives of images to a folder, as ``<tag>.tar``."""
    # Write, then rename: a killed run leaves no incomplete archive under the final name.
    with scratch_folder(target, ".orbiter-new-", "name another folder in --output") as scratch:
        return tuple(
            msgspec.structs.replace(image, file=_keep(image, target, scratch)) for image in images
        )


def _keep(image: BuiltImage, target: Path, scratch: Path) -> Path:
    name = f"{image.tag.rpartition(':')[2]}.tar"
    write_archive(scratch / name, image.tag, image.images, image.index)
    return (scratch / name).replace(target / name)
