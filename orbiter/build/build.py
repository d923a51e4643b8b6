"""Builds the images of a lock set: fills the store, prepares the build folder, and runs Docker."""

from pathlib import Path
from typing import Any

import msgspec

from orbiter.archive.configured import configured_archive
from orbiter.build.archives import write_archives
from orbiter.build.debian_base import write_seed
from orbiter.config.builders import MICROMAMBA
from orbiter.docker import client
from orbiter.docker.bake import BuildOptions, BuiltImage
from orbiter.docker.bake_definition import ARTIFACTS, BASES, BUILD, SEEDS
from orbiter.docker.build import Approve, build_images
from orbiter.fetch.fill import artifacts_by_stage, base_images, fill
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import check_platforms, resolve_stages
from orbiter.lockset.own_files import build_contents
from orbiter.oci.layout import write_layout
from orbiter.render.bake_file import bake_file
from orbiter.render.derived import REVIEW, Derived, derive
from orbiter.render.model import platform_slug
from orbiter.store.store import Store
from orbiter.tasks import StartTask
from resolvers.cache import CACHE_HINT
from resolvers.conda import fetch as conda_fetch
from resolvers.scratch import scratch_folder
from resolvers.types import WARNING

CACHE_MOUNT = "--mount=type=cache"


def build(
    lock_set: LockSet,
    options: BuildOptions,
    start_task: StartTask,
    approve: Approve = lambda _built: True,
) -> tuple[BuiltImage, ...]:
    """Build images of a lock set from the store, after downloading what the store lacks.

    Images that ``approve`` rejects are not loaded, pushed or kept. Raises ExpectedError for an
    unknown image or platform, for a build folder that does not follow from the lock files, and if
    no Docker engine answers, before anything is downloaded.
    """
    check_platforms(lock_set, options.platforms)
    images = resolve_stages(lock_set, options.images)
    options = msgspec.structs.replace(options, images=images)
    derived = derive(lock_set)
    if derived.warning:
        start_task("lock set")(f"{WARNING}{derived.warning}\n    hint: {REVIEW}")
    if options.load or not options.builder:
        client.connect()
    fill(lock_set, options.platforms, start_task, configured_archive())
    store = Store()
    # The folder is beside the store, because hard links cannot cross file systems.
    with scratch_folder(store.root / "build", "build-", CACHE_HINT) as folder:
        _write_files(derived, folder / BUILD)
        _write_own_files(lock_set, folder / BUILD)
        _link_artifacts(lock_set, options, store, folder / ARTIFACTS)
        write_archives(derived.plan, options.platforms, folder / ARTIFACTS)
        _write_seeds(lock_set, folder)
        for image in base_images(lock_set, options.platforms):
            write_layout(image.digest, store, folder / BASES / image.digest.partition(":")[2])
        definition = build_definition(derived, lock_set.root)
        return build_images(folder, definition, lock_set.root, options, start_task, approve)


def _write_files(derived: Derived, folder: Path) -> None:
    """Write the Dockerfiles and lists of a lock set to a new folder."""
    for path, text in derived.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        # A new file, never a link to one of the store.
        with (folder / path).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _write_own_files(lock_set: LockSet, folder: Path) -> None:
    """Write the own files of a lock set to the folders of their stages."""
    for path, content in build_contents(lock_set):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        # A new file, never a link to one of the store.
        with (folder / path).open("xb") as file:
            file.write(content)


def build_definition(derived: Derived, root: str) -> dict[str, Any]:
    """Return the definition of the build of a lock set with this root digest."""
    definition = bake_file(derived.plan, derived.exporter)
    if derived.same_templates:
        return definition
    for name, target in definition["target"].items():
        # Nobody derived the names of these caches, so other lock sets must not share them.
        if CACHE_MOUNT in derived.files.get(f"{name}/Dockerfile", ""):
            target["args"]["BUILDKIT_CACHE_MOUNT_NS"] = root
    return definition


def _link_artifacts(lock_set: LockSet, options: BuildOptions, store: Store, folder: Path) -> None:
    """Link the artifacts of each stage and platform into ``<stage>/<platform>/``."""
    for (stage, platform), files in artifacts_by_stage(lock_set, options.platforms).items():
        stage_folder = folder / stage / platform_slug(platform)
        stage_folder.mkdir(parents=True)
        store.link_all((file.hash, stage_folder / file.path) for file in files)
        tools = stage_folder / "tools"
        # micromamba is unpacked here, because a build stage has no program that could do it.
        for package in tools.glob(f"{MICROMAMBA}-*"):
            conda_fetch.extract_program(package, MICROMAMBA, tools / MICROMAMBA)


def _write_seeds(lock_set: LockSet, folder: Path) -> None:
    """Write the seed of each base made of packages, for every platform that is built."""
    for stage in lock_set.image_set.stages:
        if stage.kind != "base":
            continue
        seeds = folder / SEEDS / stage.name
        seeds.mkdir(parents=True)
        for platform_folder in (folder / ARTIFACTS / stage.name).iterdir():
            packages = sorted((platform_folder / "apt").iterdir())
            write_seed(packages, seeds / f"{platform_folder.name}.tar")
