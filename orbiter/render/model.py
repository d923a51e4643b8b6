"""What every stage installs, ready to be rendered. Pure."""

from collections.abc import Mapping

import msgspec

from orbiter.config.image_set import ImageSet, Stage
from resolvers.types import Pin

LAYER_TIME = 946684800
"""The time that files have, in seconds: 2000-01-01. It is none that matters: so a layer is the same bytes in every
release that installs the same, and from whatever cache it comes. Upon a base image only new files have it."""


class StagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one stage installs. All mappings but ``files`` go by platform (``linux/amd64``).

    ``pins`` maps a manager to what this stage itself installs (npm: with what its parents have, for npm
    replaces the whole tree); ``tools`` are the installers it needs, ``build_pins`` the wheels that building
    its allowed sdists takes, ``toolchain`` the digest of all that decides what building them gives (empty where that
    is not known). ``files`` are further texts for its folder (``package.json``, ``package-lock.json``,
    ``build-requirements.txt``). ``packages`` are manager, name and version of all that the finished image holds.
    ``npm_scripts`` are the npm packages whose install scripts run, those of its parents too.
    """

    stage: Stage
    pins: Mapping[str, Mapping[str, tuple[Pin, ...]]]
    tools: Mapping[str, tuple[Pin, ...]] = {}
    build_pins: Mapping[str, tuple[Pin, ...]] = {}
    toolchain: str = ""
    files: Mapping[str, str] = {}
    packages: Mapping[str, tuple[tuple[str, str, str], ...]] = {}
    npm_scripts: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All stages of a release, parents and build stages first.

    ``bases`` maps a base image reference and a platform to the manifest digest; ``epoch`` is SOURCE_DATE_EPOCH.
    """

    image_set: ImageSet
    release: str
    epoch: int
    bases: Mapping[str, Mapping[str, str]]
    stages: tuple[StagePlan, ...]


def platform_slug(platform: str) -> str:
    """A platform as part of a file name: ``linux/arm/v7`` is ``linux-arm-v7``."""
    return platform.replace("/", "-")


def platform_folder(platforms: tuple[str, ...]) -> str:
    """The platform's part of file names: as it is for one, by what BuildKit tells a build for several."""
    if len(platforms) == 1:
        return platform_slug(platforms[0])
    return "${TARGETOS}-${TARGETARCH}${TARGETVARIANT:+-${TARGETVARIANT}}"


def base_images(plan: Plan, stage: Stage) -> list[tuple[str, str, str]]:
    """Platform, reference and digest of the base images that a stage stands on by itself."""
    reference = plan.image_set.builders[stage.builder].base
    if stage.parent or not reference:
        return []
    return [
        (platform, reference, plan.bases[reference][platform])
        for platform in plan.image_set.platforms
    ]
