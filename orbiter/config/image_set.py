"""What images.toml describes, as frozen types: sets expanded, names resolved."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

Kind = Literal["final", "build", "base"]

BASE = ("?essential", "?priority(required)", "apt")
"""What apt is asked for a base that is made of packages: the sets of that name (see apt-patterns(7)), and itself."""


class NotebookUser(msgspec.Struct, frozen=True, kw_only=True):
    """The notebook user inside the images."""

    name: str = "jovyan"
    uid: int = 1000
    gid: int = 100


class CondaSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a builder solves and installs conda packages.

    ``virtual`` are virtual packages without their underscores (``cuda``: ``12.4``). ``engine`` is ``rattler`` or
    ``conda-lock``, ``installer`` ``micromamba``, which ``keep_installer`` leaves in the images, or ``rattler``.
    """

    channels: tuple[str, ...] = ("conda-forge",)
    priority: str = "strict"
    virtual: Mapping[str, str] = {}
    engine: str = "rattler"
    installer: str = "micromamba"
    keep_installer: bool = False


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults of a family of images.

    ``base`` is the base image as people write it (``debian:trixie-slim``), or empty where ``suite`` names the Debian
    release of whose packages the base is made (``trixie``). ``python`` is what conda or else apt must install
    (``3.13`` or ``3.13.5``), empty for no wish; ``pip_engine`` is ``poetry`` or ``uv``. ``conda`` is unset for a
    builder that has no conda packages.
    """

    name: str
    base: str = ""
    suite: str = ""
    python: str = ""
    pip_engine: str = "poetry"
    conda: CondaSettings | UnsetType = UNSET


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One Docker build step: sets expanded, names resolved.

    A stage of kind ``base`` has the name of its builder, which it makes of packages alone, and no image.
    ``parent`` is the stage it stands on, empty for the builder's base image. ``build`` is the build stage
    whose ``/opt/env`` a final stage receives, empty for none. ``requirements`` maps a manager to what this
    stage itself asks for; ``sources`` likewise to the packages that may run code of their own (``pip-sdist``,
    ``npm-scripts``). Both are sorted by name and leave out managers of which nothing is asked.
    """

    name: str
    builder: str
    image: str
    kind: Kind
    parent: str = ""
    build: str = ""
    requirements: Mapping[str, tuple[str, ...]] = {}
    sources: Mapping[str, tuple[str, ...]] = {}
    postbuild: tuple[str, ...] = ()
    network: bool = False


class ImageSet(msgspec.Struct, frozen=True, kw_only=True):
    """All that images.toml describes; ``stages`` come parents (and build stages) first, then by name."""

    version: str
    repository: str
    maintainer: str = ""
    source: str = ""
    platforms: tuple[str, ...]
    user: NotebookUser = NotebookUser()
    builders: Mapping[str, Builder]
    stages: tuple[Stage, ...]
