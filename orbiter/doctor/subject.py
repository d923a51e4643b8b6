"""The servers that an image set needs, and a package to ask each one for. Pure."""

from collections.abc import Mapping

import msgspec

from orbiter.config.builders import conda_options
from orbiter.config.image_set import Builder, ImageSet
from orbiter.config.requirements import has_address, package_name
from orbiter.docker.shells import solver_image
from resolvers.conda.channels import Channel, parse_channel
from resolvers.conda.requirements import NOARCH, subdir
from resolvers.npm.lock_file import required_name
from resolvers.npm.registry_proxy import resolve_alias

ANY_PIP = "pip"
"""The project to ask an index for if no requirement names one."""
ANY_NPM = "semver"
"""The same for npm: a part of npm itself with a short answer."""


class CondaIndex(msgspec.Struct, frozen=True):
    """The index of a channel for a platform."""

    channel: Channel
    subdir: str


def pip_projects(image_set: ImageSet) -> dict[str, str]:
    """Return a project of each index of images.toml; "" stands for those of pip."""
    found: dict[str, str] = {}
    for stage in image_set.stages:
        chosen: Mapping[str, str] = stage.indexes or {}
        for text in stage.requirements.get("pip", ()):
            name = package_name("pip", text)
            if not has_address("pip", text):
                found.setdefault(chosen.get(name, ""), name)
    return {"": ANY_PIP, **found}


def npm_packages(image_set: ImageSet) -> dict[str, str]:
    """Return a package of each scope, as registries name it; "" stands for no scope."""
    found: dict[str, str] = {}
    for stage in image_set.stages:
        for text in stage.requirements.get("npm", ()):
            if not has_address("npm", text):
                written = required_name(text)
                name = resolve_alias(written, text[len(written) + 1 :]).name
                found.setdefault(name.partition("/")[0] if "/" in name else "", name)
    return found


def conda_indexes(image_set: ImageSet) -> tuple[CondaIndex, ...]:
    """Return the indexes of all channels that the images use."""
    found: dict[CondaIndex, None] = {}
    subdirs = [*map(subdir, image_set.platforms), NOARCH]
    for builder in image_set.builders.values():
        if builder.conda:
            for channel in map(parse_channel, conda_options(builder).channels):
                found |= dict.fromkeys(CondaIndex(channel, each) for each in subdirs)
    return tuple(found)


def base_images(image_set: ImageSet) -> dict[str, Builder]:
    """Return the builder of each base image, and of each image in which apt makes a base."""
    found: dict[str, Builder] = {}
    for builder in image_set.builders.values():
        found.setdefault(builder.base or solver_image(builder.suite), builder)
    return found


def downloads(image_set: ImageSet) -> tuple[str, ...]:
    """Return the addresses of all downloads."""
    files = (
        file.url
        for stage in image_set.stages
        for download in stage.downloads or ()
        for file in download.platforms.values()
    )
    return tuple(dict.fromkeys(files))
