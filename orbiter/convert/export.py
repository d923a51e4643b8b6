"""Export the conda packages of an image from a lock set, in the formats that conda's tools read."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orbiter.config import stage_graph
from orbiter.config.builders import conda_settings
from orbiter.config.image_set import ImageSet, Stage
from orbiter.convert.pip_requirements import requirement_lines
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import check_platforms, resolve_stage
from resolvers.conda import environment_yml, lock_file
from resolvers.conda import manager as conda
from resolvers.conda.content_hash import content_hash
from resolvers.conda.environment_yml import VIRTUAL, scalar
from resolvers.conda.explicit import format_explicit
from resolvers.conda.lock_file import LOCK_FILE, MAIN_CATEGORY, CondaLock
from resolvers.conda.requirements import SUBDIRS, CondaRequirement, parse_requirements
from resolvers.errors import ExpectedError
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Target

LOCK_HEAD = """\
# Written by Orbiter: the conda packages of {stage} in release {release}.
# Install them with conda-lock or micromamba:
#     conda-lock install -n YOURENV conda-lock.yml
#     micromamba create -n YOURENV -f conda-lock.yml
"""


class _Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a lock set to export.

    ``stages`` are the stage and those whose conda packages it inherits; ``files`` are the conda
    lock files of its builder.
    """

    image_set: ImageSet
    stage: Stage
    stages: tuple[str, ...]
    platforms: tuple[str, ...]
    files: LockFiles


def export(form: str, lock_set: LockSet, image: str, platform: str = "") -> str:
    """Return the conda packages of an image or stage, for one platform or all of them.

    ``form`` is ``conda-lock``, ``explicit`` or ``environment``. Raises ExpectedError for an unknown
    image or platform, for an image without conda packages, and for ``explicit`` without a platform
    if the release has several.
    """
    return FORMS[form](_select(lock_set, image, platform))


def _select(lock_set: LockSet, image: str, platform: str) -> _Selection:
    image_set = lock_set.image_set
    stages = {stage.name: stage for stage in image_set.stages}
    release = lock_set.manifest.release
    image = resolve_stage(lock_set, image)
    check_platforms(lock_set, (platform,) if platform else ())
    stage = stages[image]
    names = (image, *stage_graph.ancestors(image_set, stage, "conda"))
    with_conda = [name for name in stages if stages[name].requirements.get("conda")]
    if not set(names) & set(with_conda):
        problem = f"{image} of release {release} has no conda packages"
        raise ExpectedError(problem, _conda_hint(with_conda))
    files = lock_set.builder_files(stage.builder, conda.FILES)
    if LOCK_FILE not in files:
        problem = f"the conda packages of release {release} are not locked"
        raise ExpectedError(problem, "run orbiter lock")
    return _Selection(
        image_set=image_set,
        stage=stage,
        stages=names,
        platforms=(platform,) if platform else image_set.platforms,
        files=files,
    )


def _conda_hint(with_conda: list[str]) -> str:
    if with_conda:
        return f"these stages have conda packages: {', '.join(with_conda)}"
    return "add some to images.toml, then run orbiter lock"


def _explicit(selection: _Selection) -> str:
    """Return the addresses and hashes of the packages for one platform."""
    if len(selection.platforms) > 1:
        names = ", ".join(selection.platforms)
        problem = f"an explicit file is for one platform, but the release has {names}"
        raise ExpectedError(problem, "choose one with --platform")
    target = Target(platform=selection.platforms[0])
    return format_explicit(selection.files, target, selection.stages)


def _conda_lock(selection: _Selection) -> str:
    """Return a conda-lock.yml with the packages in the category that conda-lock installs.

    Its hash covers the requirements of these packages only.
    """
    lock, virtual = lock_file.parse_lock(selection.files), _virtual_packages(selection)
    requirements = _conda_requirements(selection)
    # A package may be in several categories, one for each stage; conda-lock expects it once.
    packages = {
        (entry.name, entry.platform): msgspec.structs.replace(entry, category=MAIN_CATEGORY)
        for entry in lock.entries
        if entry.category in selection.stages and entry.platform in virtual
    }
    hashes = {
        subdir: content_hash(lock.channels, subdir, requirements, versions)
        for subdir, versions in virtual.items()
    }
    head = LOCK_HEAD.format(stage=selection.stage.name, release=selection.image_set.version)
    exported = CondaLock(
        channels=lock.channels, content_hashes=hashes, entries=tuple(packages.values())
    )
    return head + lock_file.format_lock(exported).removeprefix(lock_file.HEAD)


def _environment(selection: _Selection) -> str:
    """Return an environment.yml with the requirements, not the locked packages.

    conda expects pip's requirements in a list under pip.
    """
    channels = lock_file.parse_lock(selection.files).channels
    requirements = _conda_requirements(selection)
    priority = conda_settings(selection.image_set.builders[selection.stage.builder]).priority
    addresses = (requirement.written for requirement in requirements if requirement.address)
    remarks = [f"from {address}" for address in dict.fromkeys(addresses)]
    if priority != "strict":
        remarks.append(f"channel priority: {priority}")
    virtual = _virtual_packages(selection)
    text = environment_yml.format_environment(channels, virtual, requirements, remarks)
    pip: dict[str, None] = {}
    for group in _groups(selection, "pip"):
        pip |= dict.fromkeys(group.requirements)
    if not pip:
        return text
    own = requirement_lines(selection.image_set, selection.stage.builder, pip)
    lines = ["  - pip:", *(f"    - {scalar(line)}" for line in own)]
    if not any(requirement.name == "pip" for requirement in requirements):
        lines.insert(0, "  - pip")
    return text + "\n".join(lines) + "\n"


def _groups(selection: _Selection, manager: str) -> tuple[Group, ...]:
    """Return the requirements of the selected stages, parents first."""
    groups = stage_graph.groups(selection.image_set, selection.stage.builder, manager)
    return tuple(group for group in groups if group.name in selection.stages)


def _conda_requirements(selection: _Selection) -> tuple[CondaRequirement, ...]:
    return parse_requirements(_groups(selection, "conda"))


def _virtual_packages(selection: _Selection) -> dict[str, Mapping[str, str]]:
    """Return the locked virtual packages of each platform, by conda's name of the platform."""
    import yaml12

    data: Any = yaml12.parse_yaml(selection.files[VIRTUAL])
    names = [SUBDIRS[platform] for platform in selection.platforms]
    return {name: data["subdirs"][name]["packages"] for name in names}


FORMS: Mapping[str, Callable[[_Selection], str]] = {
    "conda-lock": _conda_lock,
    "explicit": _explicit,
    "environment": _environment,
}
