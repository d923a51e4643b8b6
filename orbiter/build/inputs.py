"""The inputs of a build: the build folder, the artifacts, the seeds and the base images."""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from orbiter.build.archives import write_archives
from orbiter.build.keys import repository_key
from orbiter.build.seeds import link_seed
from orbiter.config.builders import MICROMAMBA
from orbiter.docker.bake_definition import ARTIFACTS, BASES, BUILD, SEEDS, artifact_place
from orbiter.fetch.fill import base_images
from orbiter.lockset.model import LockSet
from orbiter.lockset.own_files import build_contents
from orbiter.oci.layout import write_layout
from orbiter.render.bake_file import SEED_FILE, bake_file
from orbiter.render.derived import Derived
from orbiter.render.lists import TOOLS, artifact_folders
from orbiter.render.model import platform_slug
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers.conda import fetch as conda_fetch

CACHE_MOUNT = "--mount=type=cache"
StageArtifacts = Mapping[tuple[str, str], Collection[LockedFile]]
"""The artifacts by stage and platform."""


def write_inputs(
    lock_set: LockSet,
    derived: Derived,
    artifacts: StageArtifacts,
    platforms: tuple[str, ...],
    store: Store,
    folder: Path,
) -> None:
    """Write everything that the stages read to an empty folder; empty ``platforms`` means all.

    ``folder`` gets ``build/<stage>/`` (Dockerfiles and lists), ``bases/<hex>/``
    (OCI layouts by manifest digest), ``seeds/<stage>/<platform>.tar.zst``, and the artifacts as
    ``artifact_place`` says. Verifies every byte that comes from the store.
    """
    _write_files(derived, folder / BUILD)
    _write_own_files(lock_set, folder / BUILD)
    _make_contexts(derived, folder / ARTIFACTS)
    _link_artifacts(artifacts, store, folder / ARTIFACTS)
    write_archives(derived.plan, platforms, folder / ARTIFACTS)
    _link_seeds(lock_set, artifacts, folder)
    for image in base_images(lock_set, platforms):
        write_layout(image.digest, store, folder / BASES / image.digest.partition(":")[2])


def build_definition(derived: Derived, root: str) -> dict[str, Any]:
    """Return the definition of the build of a lock set with this root digest."""
    definition = bake_file(derived.plan)
    if derived.same_templates:
        return definition
    for name, target in definition["target"].items():
        # Nobody derived the names of these caches, so other lock sets must not share them.
        if CACHE_MOUNT in derived.files.get(f"{name}/Dockerfile", ""):
            target["args"]["BUILDKIT_CACHE_MOUNT_NS"] = root
    return definition


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


def _make_contexts(derived: Derived, folder: Path) -> None:
    """Make a folder for each context of artifacts, because buildx needs all of them."""
    for stage_plan in derived.plan.stages:
        for name in artifact_folders(stage_plan, derived.plan.image_set.platforms):
            (folder / stage_plan.stage.name / name).mkdir(parents=True)


def _link_artifacts(artifacts: StageArtifacts, store: Store, folder: Path) -> None:
    """Link the artifacts of each stage and platform into ``<stage>/<folder>/<platform>/``."""
    for (stage, platform), files in artifacts.items():
        place = partial(artifact_place, folder / stage, platform_slug(platform))
        store.link_all((file.hash, place(file.path)) for file in files)
        tools = place(f"{TOOLS}/")
        # micromamba is unpacked here, because a build stage has no program that could do it.
        for package in tools.glob(f"{MICROMAMBA}-*"):
            conda_fetch.extract_program(package, MICROMAMBA, tools / MICROMAMBA)


def _link_seeds(lock_set: LockSet, artifacts: StageArtifacts, folder: Path) -> None:
    """Link the seed of each base made of packages, for every platform that is built."""
    bases = {stage.name for stage in lock_set.image_set.stages if stage.kind == "base"}
    for (stage, platform), files in artifacts.items():
        if stage not in bases:
            continue
        slug = platform_slug(platform)
        packages = sorted(artifact_place(folder / ARTIFACTS / stage, slug, "apt/").iterdir())
        target = folder / SEEDS / stage / f"{slug}{SEED_FILE}"
        target.parent.mkdir(parents=True, exist_ok=True)
        name = f"{repository_key(lock_set.image_set)}-{stage}-{slug}"
        link_seed(packages, [file.hash for file in files], name, target)
