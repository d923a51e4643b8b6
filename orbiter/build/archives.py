"""Archives among the downloads of stages, as the tar files that the steps of the stages unpack."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from orbiter.config.image_set import NotebookUser
from orbiter.docker.bake_definition import artifact_place
from orbiter.render.downloads import PlacedDownload
from orbiter.render.model import LAYER_TIME, Plan, platform_slug
from orbiter.store.unpack import Layout, Owner, write_tar


def write_archives(plan: Plan, platforms: Collection[str], folder: Path) -> None:
    """Write the tar file of each archive beside it, and remove archives that no step reads.

    ``folder`` has the artifacts of each stage and platform; empty ``platforms`` means all.
    """
    for stage_plan in plan.stages:
        for platform, downloads in stage_plan.downloads.items():
            if downloads and (not platforms or platform in platforms):
                place = partial(
                    artifact_place, folder / stage_plan.stage.name, platform_slug(platform)
                )
                _write(downloads, plan.image_set.user, place)


def _write(
    downloads: tuple[PlacedDownload, ...], user: NotebookUser, place: Callable[[str], Path]
) -> None:
    """Write archives; ``place`` gives the place of an artifact by its path."""
    contents = {each.content(user): each for each in downloads}
    for path, placed in contents.items():
        if placed.download.unpack:
            layout = Layout(placed.download.strip, Owner(*placed.owner(user)), LAYER_TIME)
            name = placed.file.url
            write_tar(place(placed.artifact.path), place(path), layout, name)
    for artifact in {each.artifact.path for each in downloads} - contents.keys():
        place(artifact).unlink()
