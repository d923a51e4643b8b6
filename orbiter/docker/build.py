"""Builds images with bake, then loads, pushes and keeps them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orbiter.docker import bake, buildx, client
from orbiter.docker.bake import BuildOptions, BuiltImage
from orbiter.docker.bake_definition import bound
from orbiter.docker.push_check import images_to_push
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError

Approve = Callable[[tuple[BuiltImage, ...]], bool]
"""Checks the built images; False keeps them from being loaded, pushed or copied."""


def build_images(
    folder: Path,
    definition: Mapping[str, Any],
    root: str,
    options: BuildOptions,
    start_task: StartTask,
    approve: Approve = lambda _built: True,
) -> tuple[BuiltImage, ...]:
    """Build images of a lock set from ``folder`` alone; load, push and keep them as requested.

    ``folder`` holds ``build/<stage>/`` (Dockerfiles and lists), ``artifacts/<stage>/<platform>/``,
    ``bases/<hex>/`` (OCI layouts by manifest digest) and ``seeds/<stage>/<platform>.tar``.
    ``definition`` is the content of the bake file, made by Orbiter. ``root`` is the root digest of
    the lock set. Raises ExpectedError with the last lines of a failed step, and if a tag may not be
    pushed; in both cases before anything is loaded or pushed.
    """
    complete = bound(definition, folder, root)
    built = bake.run_bake(folder, complete, options, start_task)
    if not approve(built):
        return built
    stages_to_push = _stages_to_push(built, options)
    by_builder = bool(stages_to_push) and buildx.can_push(options.builder)
    if by_builder:
        images = tuple(image for image in built if image.stage in stages_to_push)
        _push_from_builder(folder, complete, options, start_task, images)
    for image in built:
        by_engine = image.stage in stages_to_push and not by_builder
        _load_and_push(image, start_task, load=options.load, push=by_engine)
    built = tuple(
        msgspec.structs.replace(image, pushed=image.stage in stages_to_push) for image in built
    )
    return bake.keep_archives(built, options.output) if options.output else built


def _stages_to_push(built: tuple[BuiltImage, ...], options: BuildOptions) -> frozenset[str]:
    if not options.push:
        return frozenset()
    # Every tag is checked first, so that either all images are pushed or none.
    images = images_to_push(built, client.credentials, force=options.force)
    return frozenset(image.stage for image in images)


def _push_from_builder(
    folder: Path,
    definition: bake.Definition,
    options: BuildOptions,
    start_task: StartTask,
    images: tuple[BuiltImage, ...],
) -> None:
    stages = tuple(image.stage for image in images)
    options = msgspec.structs.replace(options, images=stages)
    digests = bake.push_from_builder(folder, definition, options, start_task)
    for image in images:
        _check_digest(image, digests.get(image.stage, image.digest))


def _load_and_push(image: BuiltImage, start_task: StartTask, *, load: bool, push: bool) -> None:
    """Load an image into the engine, and let the engine push it."""
    report = start_task(image.stage)
    if load or push:  # the engine can only push an image that it has
        report("loading into the Docker engine")
        client.load_image(image.archive)
    if push:
        report("pushing")
        _check_digest(image, client.push_image(image.tag))
    report("")


def _check_digest(image: BuiltImage, pushed_digest: str) -> None:
    """Raise ExpectedError if the registry has an image under another digest than the built one."""
    if pushed_digest != image.digest:
        raise ExpectedError(
            f"{image.tag} was pushed as {pushed_digest}, but built as {image.digest}",
            "enable the Docker engine's containerd image store, "
            "or push with --builder NAME, a buildx builder with the driver docker-container",
        )
