"""From a lock set to a filled store, and from there to built images."""

from pathlib import Path

from orbiter.archive.configured import configured_archive
from orbiter.build.debian_base import write_seed
from orbiter.config.builders import MICROMAMBA
from orbiter.docker.bake import SEEDS, BuildOptions, BuiltImage
from orbiter.docker.build import Approve, build_images
from orbiter.fetch.fill import artifacts_by_stage, base_images, fill
from orbiter.files import scratch_folder
from orbiter.lockset.model import LockSet
from orbiter.oci.layout import write_layout
from orbiter.render.model import platform_slug
from orbiter.store.store import Store
from orbiter.tasks import StartTask
from resolvers.conda import fetch as conda_fetch


def build(
    locked: LockSet,
    options: BuildOptions,
    board: StartTask,
    approve: Approve = lambda _built: True,
) -> tuple[BuiltImage, ...]:
    """Build images of a lock set from the store alone, which is filled first where it lacks something.

    What ``approve`` gives no leave for is not loaded, pushed or kept.
    """
    fill(locked, options.platforms, board, configured_archive())
    store = Store()
    with scratch_folder(
        store.root / "build", "build-"
    ) as place:  # beside the store, so that hard links reach it
        for (stage, platform), found in artifacts_by_stage(locked, options.platforms).items():
            folder = place / "artifacts" / stage / platform_slug(platform)
            folder.mkdir(parents=True)
            store.link_all((entry.hash, folder / entry.path) for entry in found)
            for package in (folder / "tools").glob(
                f"{MICROMAMBA}-*"
            ):  # nothing in a build stage could unpack it
                conda_fetch.unpack_program(package, MICROMAMBA, folder / "tools" / MICROMAMBA)
        _lay_seeds(locked, place)
        for image in base_images(locked, options.platforms):
            write_layout(image.digest, store, place / "bases" / image.digest.partition(":")[2])
        for path, text in locked.files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8", newline="\n")
        return build_images(place, locked.root, options, board, approve)


def _lay_seeds(locked: LockSet, place: Path) -> None:
    """What each base that is made of packages begins as, for every platform whose artifacts are laid out."""
    for stage in (stage.name for stage in locked.image_set.stages if stage.kind == "base"):
        (place / SEEDS / stage).mkdir(parents=True)
        for folder in (place / "artifacts" / stage).iterdir():
            write_seed(
                sorted((folder / "apt").iterdir()), place / SEEDS / stage / f"{folder.name}.tar"
            )
