"""The stage of images.toml that the content of a file is added to."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from orbiter.config.builders import APK_BUILDER, CONDA_BUILDER, system_manager
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.mistakes import suggest
from orbiter.config.toml_edit import Edit
from orbiter.config.toml_format import ListItem, TablePath
from orbiter.convert.fresh import fresh_builder
from orbiter.convert.outcome import ImportedRequirements
from orbiter.lockset.names import find_stage
from resolvers.errors import ExpectedError

MANAGERS: Mapping[str, tuple[str, ...]] = {
    "debian": ("apt", "pip", "npm"),
    CONDA_BUILDER: ("apt", "conda", "pip", "npm"),
    APK_BUILDER: ("apk", "pip", "npm"),
}
"""The managers of each builder."""
CORE = "core"
IMAGES = "images.toml"
NAME = re.compile(r"[a-z0-9]+")
"""A name of an image, without a builder."""
SIMILARITY = 0.75
"""The lowest ratio of two names that count as one name and its misspelling."""


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """The stage that the requirements are added to.

    ``paths`` are the tables that it needs: that of the image, and the last one is its own.
    ``stage`` is set if it exists, and ``final`` is the final stage of its image. ``system_path`` is
    the table that receives packages of the distribution. ``parent`` is the image that a new image
    starts from.
    """

    name: str
    builder: str
    paths: tuple[TablePath, ...]
    stage: Stage | None = None
    system_stage: Stage | None = None
    system_path: TablePath
    parent: str = ""
    has_builder: bool = True
    has_image: bool = True

    @property
    def image(self) -> str:
        """The image of the stage."""
        return f"{self.builder}-{self.paths[0][2]}"

    @property
    def managers(self) -> tuple[str, ...]:
        """The managers of the builder."""
        return MANAGERS[self.builder]

    def existing(self, manager: str) -> tuple[str, ...]:
        """Return the requirements of a manager that the stage already has."""
        is_system = manager == system_manager(self.builder)
        stage = self.system_stage if is_system else self.stage
        return stage.requirements.get(manager, ()) if stage else ()

    @property
    def parent_edits(self) -> Iterator[Edit]:
        """The key ``from`` of new stages."""
        for path in self.paths if self.parent else ():
            yield Edit(path=path, key="from", value=self.parent)

    @property
    def stage_names(self) -> Mapping[TablePath, str]:
        """The names of stages by their tables."""
        names = {
            self.paths[0]: self.image,
            self.system_path: f"{self.builder}-{self.system_path[2]}",
        }
        return names | {self.paths[-1]: self.name}


def image_name(image_set: ImageSet, name: str, imported: ImportedRequirements) -> str:
    """Return the full name of an image or stage that exists, or of an image to add.

    ``base`` is short for ``debian-base`` if only one builder has such an image. Raises
    ExpectedError for other names without a builder, and for one that seems misspelt.
    """
    names = {stage.name for stage in image_set.stages if stage.kind != "base"}
    builder, _, image = name.partition("-")
    is_short = any(name == each.partition("-")[2] for each in names)
    if name in names or is_short:
        return find_stage(image_set, name, IMAGES)
    if builder in MANAGERS and image.removesuffix("-build"):
        _refuse_misspelt(image_set, builder, image.removesuffix("-build"))
        return name
    example = _example(name, imported)
    otherwise = f"choose one of {', '.join(sorted(names))}\n  or add an image, such as {example}"
    problem = f"{IMAGES} has no image or stage '{name}'"
    raise ExpectedError(problem, suggest(name.lower(), sorted(names), otherwise))


def _refuse_misspelt(image_set: ImageSet, builder: str, image: str) -> None:
    """Raise ExpectedError if another image of the builder has nearly the same name."""
    from difflib import get_close_matches  # imported if an image is missing only

    images = dict.fromkeys(each.image for each in image_set.stages if each.builder == builder)
    similar = get_close_matches(image, images, n=1, cutoff=SIMILARITY)
    if similar and image not in images:
        raise ExpectedError(
            f"{IMAGES} has no image '{builder}-{image}'",
            f"did you mean '{builder}-{similar[0]}'? To add an image with the other name, first "
            f"write its table: [image.{builder}.{image}]",
        )


def _example(name: str, imported: ImportedRequirements) -> str:
    """Return the full name of an image that may be meant."""
    is_image = NAME.fullmatch(name) is not None and name not in MANAGERS
    image = name if is_image else "base"
    return f"{builder_for(imported)}-{image}"


def builder_for(imported: ImportedRequirements) -> str:
    """Return the builder of a new image, which has the managers of its packages."""
    if imported.requirements.get("conda"):
        return CONDA_BUILDER
    is_alpine = "apk" in imported.requirements and "apt" not in imported.requirements
    return APK_BUILDER if is_alpine else "debian"


def destination_of(
    image_set: ImageSet | None, name: str, imported: ImportedRequirements
) -> Destination:
    """Return the stage with a name such as ``debian-base``, which may not exist yet.

    Raises ExpectedError if no builder that installs the requirements has such a stage.
    """
    builder, _, rest = name.partition("-")
    is_valid = builder in MANAGERS and bool(rest.removesuffix("-build"))
    if imported.requirements.get("conda") and not (is_valid and builder == CONDA_BUILDER):
        raise ExpectedError(
            f"'{name}' is not an image of the builder {CONDA_BUILDER}, the only one with conda",
            f"name one, such as {_example(name, imported)}; "
            "it is added to images.toml if it is missing",
        )
    if not is_valid:
        raise ExpectedError(
            f"'{name}' is not an image of a builder",
            f"name one, such as {_example(name, imported)}; the builders are {', '.join(MANAGERS)}",
        )
    stages = {stage.name: stage for stage in image_set.stages} if image_set else {}
    existing = stages.get(name)
    image = existing.image if existing else rest.removesuffix("-build")
    path = ("image", builder, image)
    has_builder = image_set is not None and builder in image_set.builders
    final = stages.get(f"{builder}-{image}")
    is_single = existing and existing.kind == "final" and not existing.build
    own = name if is_single else f"{builder}-{image}-build"
    core = stages.get(f"{builder}-{CORE}")
    parent = CORE if not final and core and image != CORE else ""
    system_path, system_stage = path, final
    if _is_shared_core(image_set, builder, final, core):
        system_path, system_stage = ("image", builder, CORE), core
    return Destination(
        name=own,
        builder=builder,
        paths=(path,) if is_single else (path, (*path, "build")),
        stage=stages.get(own),
        system_stage=system_stage,
        system_path=system_path,
        parent=parent or (CORE if _needs_core(builder, has_builder=has_builder) else ""),
        has_builder=has_builder,
        has_image=final is not None,
    )


def _is_shared_core(
    image_set: ImageSet | None, builder: str, final: Stage | None, core: Stage | None
) -> bool:
    """Return whether only this image starts from the core: then its build stage needs them too."""
    if image_set is None or final is None or core is None:
        return False
    stages = [stage for stage in image_set.stages if stage.builder == builder]
    images = {stage.image for stage in stages if stage.kind != "base"}
    return images == {final.image, CORE} and final.image != CORE


def _needs_core(builder: str, *, has_builder: bool) -> bool:
    return not has_builder and builder != CONDA_BUILDER


def new_builder_edits(destination: Destination, python: str, *, node: bool) -> Iterator[Edit]:
    """Yield the tables of a builder that images.toml does not have yet, and of its core."""
    if not _needs_core(destination.builder, has_builder=destination.has_builder):
        return
    fresh = fresh_builder(destination.builder, python, node=node)
    builder = ("builder", destination.builder)
    for key, value in fresh.settings.items():
        # Only conda has a list, its channels.
        yield Edit(path=builder, key=key, value=value)  # type: ignore[arg-type]
    tools = tuple(ListItem(text=name) for name in fresh.tools)
    system = system_manager(destination.builder)
    path = ("image", destination.builder, CORE)
    yield Edit(path=path, key=system, entries=tools, one_line=True)
