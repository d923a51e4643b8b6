"""The packages that every stage installs, ready to be rendered. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from orbiter.config.image_set import ImageSet, Stage
from orbiter.lockset.model import BuilderFacts
from orbiter.render.downloads import Downloads
from resolvers.types.packages import Pin

LAYER_TIME = 946684800
"""The modification time of files in layers, and SOURCE_DATE_EPOCH of steps: 2000-01-01, in seconds.

It is the same in every release, so a layer has the same bytes whenever it installs the same
packages. Files of a base image keep their own times.
"""


class StagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The packages that one stage installs. All mappings except ``files`` are by platform.

    ``pins`` maps a manager to the packages that the stage itself installs. For npm it includes
    those of its parents, because npm replaces the whole tree. ``tools`` are the installers, and
    ``build_pins`` the wheels that building its allowed sdists needs. ``toolchain`` is the digest of
    everything that determines the result of such a build, or empty if that is not known.

    ``files`` are additional files of its folder by name, such as ``package-lock.json``.
    ``packages`` has the manager, name and version of all packages in the finished image.
    ``npm_scripts`` are the npm packages whose install scripts run, including those of its parents.
    ``downloads`` are those of the stage itself.
    """

    stage: Stage
    pins: Mapping[str, Mapping[str, tuple[Pin, ...]]]
    tools: Mapping[str, tuple[Pin, ...]] = {}
    build_pins: Mapping[str, tuple[Pin, ...]] = {}
    toolchain: str = ""
    files: Mapping[str, str] = {}
    packages: Mapping[str, tuple[tuple[str, str, str], ...]] = {}
    npm_scripts: tuple[str, ...] = ()
    downloads: Downloads = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All stages of a release, parents and build stages first.

    ``bases`` maps a base image and a platform to the digest of its manifest. ``epoch`` is
    the creation time of the images. ``facts`` are by builder. ``template`` is the text of the own
    template, "" for none.
    """

    image_set: ImageSet
    release: str
    epoch: int
    bases: Mapping[str, Mapping[str, str]]
    facts: Mapping[str, BuilderFacts] = {}
    template: str = ""
    stages: tuple[StagePlan, ...]


class PinnedBase(NamedTuple):
    """A base image on one platform; ``reference`` has a tag, ``digest`` is that of its manifest."""

    platform: str
    reference: str
    digest: str

    @property
    def pinned(self) -> str:
        """The reference with the digest."""
        return f"{self.reference}@{self.digest}"


def platform_slug(platform: str) -> str:
    """Return a platform as part of a file name: ``linux-arm-v7`` for ``linux/arm/v7``."""
    return platform.replace("/", "-")


def platform_slug_expression(platforms: tuple[str, ...]) -> str:
    """Return the platform's part of file names in a Dockerfile.

    For several platforms it is built from the variables that BuildKit sets.
    """
    if len(platforms) == 1:
        return platform_slug(platforms[0])
    return "${TARGETOS}-${TARGETARCH}${TARGETVARIANT:+-${TARGETVARIANT}}"


def base_images(plan: Plan, stage: Stage) -> list[PinnedBase]:
    """Return the base images, one per platform, of a stage that starts from one directly."""
    reference = plan.image_set.builders[stage.builder].base
    if stage.parent or not reference:
        return []
    digests = plan.bases[reference]
    return [
        PinnedBase(platform, reference, digests[platform]) for platform in plan.image_set.platforms
    ]
