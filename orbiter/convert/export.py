"""orbiter export: what conda installs in an image, out of a lock set, in the files that conda's tools read. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orbiter.config import stage_graph
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.mistakes import suggest
from orbiter.lockset.model import LockSet
from resolvers.conda import environment_yml, lock_file
from resolvers.conda import manager as conda
from resolvers.conda.environment_yml import VIRTUAL, scalar
from resolvers.conda.explicit import explicit
from resolvers.conda.lock_file import FILE, MAIN, CondaLock
from resolvers.conda.requirements import SUBDIRS, Wish, wishes
from resolvers.errors import ExpectedError
from resolvers.types import Group, LockFiles, Target

LOCK_HEAD = """\
# Written by Orbiter: what conda installs in {stage} of release {release}.
# conda-lock and micromamba read it:
#     conda-lock install -n YOURENV conda-lock.yml
"""


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """What of a lock set one image holds: of which stages, with the platforms to tell of, and conda's lock files."""

    image_set: ImageSet
    stage: Stage
    stages: tuple[str, ...]
    platforms: tuple[str, ...]
    files: LockFiles


def export(form: str, locked: LockSet, image: str, platform: str = "") -> str:
    """``conda-lock``, ``explicit`` or ``environment`` of an image or stage, for one platform or all of them.

    Raises ExpectedError for an unknown image or platform, an image without conda packages, and where explicit has to
    be told which platform.
    """
    return FORMS[form](_part(locked, image, platform))


def _part(locked: LockSet, image: str, platform: str) -> _Part:
    image_set = locked.image_set
    known = {stage.name: stage for stage in image_set.stages}
    release = locked.manifest.release
    if image not in known:
        hint = suggest(image, known, f"it has {', '.join(known)}")
        raise ExpectedError(f"release {release} has no image or stage '{image}'", hint)
    if platform and platform not in image_set.platforms:
        raise ExpectedError(
            f"release {release} has no '{platform}'", f"it has {', '.join(image_set.platforms)}"
        )
    stage = known[image]
    stages = (stage.name, *stage_graph.ancestors(image_set, stage, "conda"))
    files = locked.builder_files(stage.builder, conda.FILES)
    if not any(known[name].requirements.get("conda") for name in stages):
        others = [name for name, each in known.items() if each.requirements.get("conda")]
        hint = (
            f"these have some: {', '.join(others)}"
            if others
            else "list some in images.toml, and lock"
        )
        raise ExpectedError(f"{image} of release {release} has no conda packages", hint)
    if FILE not in files:
        raise ExpectedError(f"conda's part of release {release} is not locked", "orbiter lock")
    return _Part(
        image_set=image_set,
        stage=stage,
        stages=stages,
        platforms=(platform,) if platform else image_set.platforms,
        files=files,
    )


def _explicit(part: _Part) -> str:
    if len(part.platforms) > 1:
        names = ", ".join(part.platforms)
        raise ExpectedError(
            f"an explicit file is for one platform; there are {names}", "name it: --platform"
        )
    return explicit(part.files, Target(platform=part.platforms[0]), part.stages)


def _conda_lock(part: _Part) -> str:
    """All packages of the image in the category that conda-lock installs, with the hash of what asks for them alone."""
    lock, virtual = lock_file.parse(part.files), _virtual(part)
    asked = _wishes(part)
    found = {
        (each.name, each.platform): msgspec.structs.replace(each, category=MAIN)
        for each in lock.package
        if each.category in part.stages and each.platform in virtual
    }
    hashes = {
        name: environment_yml.content_hash(lock.channels, name, asked, packages)
        for name, packages in virtual.items()
    }
    head = LOCK_HEAD.format(stage=part.stage.name, release=part.image_set.version)
    text = lock_file.write(
        CondaLock(channels=lock.channels, hashes=hashes, package=tuple(found.values()))
    )
    return head + text.removeprefix(lock_file.HEAD)


def _environment(part: _Part) -> str:
    """What was asked for, not what was found; pip's requirements as conda has them, below pip itself."""
    channels = lock_file.parse(part.files).channels
    asked = _wishes(part)
    builder = part.image_set.builders[part.stage.builder]
    priority = builder.conda.priority if builder.conda else "strict"
    remarks = (f"channel priority: {priority}",) if priority != "strict" else ()
    text = environment_yml.environment(channels, _virtual(part), asked, remarks)
    of_pip = [each for group in _groups(part, "pip") for each in group.requirements]
    if not of_pip:
        return text
    pip = [] if any(wish.name == "pip" for wish in asked) else ["  - pip"]
    lines = [*pip, "  - pip:", *(f"    - {scalar(each)}" for each in dict.fromkeys(of_pip))]
    return text + "\n".join(lines) + "\n"


def _groups(part: _Part, manager: str) -> tuple[Group, ...]:
    """The requirements of the image's stages, parents first."""
    found = stage_graph.groups(part.image_set, part.stage.builder, manager)
    return tuple(group for group in found if group.name in part.stages)


def _wishes(part: _Part) -> tuple[Wish, ...]:
    return wishes(_groups(part, "conda"))


def _virtual(part: _Part) -> dict[str, Mapping[str, str]]:
    """The virtual packages of each platform, as they are locked."""
    import yaml12

    data: Any = yaml12.parse_yaml(part.files[VIRTUAL])
    subdirs = data["subdirs"]
    return {
        SUBDIRS[platform]: subdirs[SUBDIRS[platform]]["packages"] for platform in part.platforms
    }


FORMS: Mapping[str, Callable[[_Part], str]] = {
    "conda-lock": _conda_lock,
    "explicit": _explicit,
    "environment": _environment,
}
