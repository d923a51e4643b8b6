"""The images that an edit concerns, and their stages that take new requirements. Pure."""

import msgspec

from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.stage_graph import ENVIRONMENT_MANAGERS
from orbiter.edit.images_file import ImagesFile
from orbiter.lockset.names import find_stage
from resolvers.errors import ExpectedError


class EditTarget(msgspec.Struct, frozen=True, kw_only=True):
    """An image or stage that was named, and the build stage that belongs to it, if any."""

    stage: Stage
    build: str = ""

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages of the target, those with environments first."""
        return tuple(filter(None, (self.build, self.stage.name)))

    def stage_for(self, manager: str) -> str:
        """Return the stage that takes new requirements of a manager.

        Packages of an environment go to the build stage, because the image receives them from
        there. Packages of the system go to the stage itself.
        """
        return self.stages[0] if manager in ENVIRONMENT_MANAGERS else self.stage.name


def find_targets(images_file: ImagesFile, names: tuple[str, ...]) -> tuple[EditTarget, ...]:
    """Return the images with these names; without names the one that ``_only_image`` finds.

    Raises ExpectedError for an unknown or ambiguous name, and if there are several images.
    """
    image_set = images_file.image_set
    if not names:
        return (_only_image(image_set),)
    stages = {stage.name: stage for stage in image_set.stages}
    full_names = dict.fromkeys(find_stage(image_set, name, "images.toml") for name in names)
    for name in full_names:
        if name not in images_file.tables:
            raise ExpectedError(
                f"'{name}' is the base of a builder, whose packages are not listed in images.toml",
                f"choose one of {', '.join(images_file.tables)}",
            )
    return tuple(EditTarget(stage=stages[name], build=stages[name].build) for name in full_names)


def _only_image(image_set: ImageSet) -> EditTarget:
    """Return the only image, or the only one with a build stage, unless others start from it.

    So an image that starts from a core of system packages is found. Its environment gets what is
    added, and the core stays as it is.
    """
    images = [stage for stage in image_set.stages if stage.kind == "final"]
    parents = {stage.parent for stage in image_set.stages}
    built = [stage for stage in images if stage.build]
    found = built if len(built) == 1 and built[0].name not in parents else images
    if len(found) == 1:
        return EditTarget(stage=found[0], build=found[0].build)
    names = ", ".join(stage.name for stage in images)
    raise ExpectedError(
        "images.toml has several images, so Orbiter cannot choose one",
        f"name an image: --image NAME, with one of {names}",
    )
