"""The values that the templates of a stage's Dockerfile use. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import UnsetType

from orbiter.config.builders import conda_settings, system_manager
from orbiter.config.image_set import ImageSet, NotebookUser, Stage
from orbiter.config.runtime import NO_SETTINGS
from orbiter.config.stage_graph import runtime_of
from orbiter.lockset.model import BuilderFacts
from orbiter.render.commands import CommandStep, command_step, script_end
from orbiter.render.downloads import list_name, places_files
from orbiter.render.lists import hash_algorithm, overwriting
from orbiter.render.model import (
    LAYER_TIME,
    Plan,
    StagePlan,
    base_images,
    platform_slug,
    platform_slug_expression,
)
from orbiter.render.own_files import OwnFileMounts, own_file_mounts
from orbiter.render.runtime import RuntimeContext, quoted_labels, runtime_context
from orbiter.render.start import image_start
from resolvers.distro.repositories import split_source
from resolvers.index.source import is_direct

STRIP_RULE = "debug-symbols"
"""The rule of ``trim`` that the build applies. Assembly applies the others."""


class NpmLink(msgspec.Struct, frozen=True):
    """A program of an npm package: a link in /opt/env/bin."""

    name: str
    target: str


class ApkKey(msgspec.Struct, frozen=True):
    """A public key that signs packages: its name for apk, and the sha256 that names its content."""

    name: str
    sha256: str


class PlatformImage(msgspec.Struct, frozen=True):
    """A base image with its digest, and its platform as part of a stage's name."""

    platform: str
    slug: str
    reference: str


class StageContext(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one stage.

    All platforms share a Dockerfile. If they differ, the first platform decides.
    """

    stage: Stage
    user: NotebookUser
    labels: Mapping[str, str]  # values are quoted
    network: str  # the value of --network
    source_date_epoch: int

    base_images: tuple[PlatformImage, ...]
    starts_family: bool  # the stage starts directly from the builder's base
    alpine: bool
    multi_platform: bool
    slug: str  # the platform's part of file names
    shell: str
    entrypoint: str  # as JSON; empty to leave it unchanged
    command: str  # as JSON
    runtime: RuntimeContext
    prebuild: CommandStep
    normalize_end: str  # the word that ends the here-document of the step
    postbuild: CommandStep
    strips: bool  # the stage removes debug symbols

    managers: frozenset[str]  # with packages to install
    has_conda: bool  # including inherited packages, as the next one
    has_conda_python: bool
    adds_python_library: bool  # apt installs a standard library, which is then compiled
    writes_world: bool  # apk's requirements change
    apk_unsigned: bool  # a package comes from an address, so only its hash is checked
    apk_keys: tuple[ApkKey, ...]  # of the repositories that the packages of the stage come from
    compiles: bool  # pip builds wheels from sdists
    pip_overwrites: tuple[str, ...]  # packages whose files replace those of others, in this order
    conda_overwrites: bool  # the stage installs conda packages whose files replace those of others
    wheel_cache: str  # the name of the cache for these wheels; empty if they are not kept
    npm_scripts: tuple[str, ...]  # packages whose install scripts run
    npm_links: tuple[NpmLink, ...]
    installer: str  # of conda packages
    keep_installer: bool
    hash_algorithms: Mapping[str, str]  # of the installers, by name
    downloads: str  # the name of their list; empty if the stage has none
    own_file_mounts: OwnFileMounts


def stage_context(plan: Plan, stage_plan: StagePlan) -> StageContext:
    """Return the values for a stage's Dockerfile, without the name of its wheel cache.

    ``wheel_cache`` is still the digest of the toolchain.
    """
    stage, platforms = stage_plan.stage, plan.image_set.platforms
    builder = plan.image_set.builders[stage.builder]
    conda = conda_settings(builder)
    alpine = system_manager(stage.builder) == "apk"
    first = platforms[0]
    packages = {package[:2] for package in stage_plan.packages.get(first, ())}
    shell = _shell(packages, alpine=alpine)
    runtime = runtime_of(plan.image_set, stage)
    facts = plan.facts.get(stage.builder, BuilderFacts())
    start = image_start(packages, facts, shell, runtime)
    apt_pins = stage_plan.pins.get(first, {}).get("apt", ())
    return StageContext(
        stage=stage,
        user=plan.image_set.user,
        labels=_labels(plan, stage),
        network=_network(stage),
        source_date_epoch=LAYER_TIME,
        base_images=_base_images(plan, stage),
        starts_family=stage.kind != "base" and stage.parent in {"", stage.builder},
        alpine=alpine,
        multi_platform=len(platforms) > 1,
        slug=platform_slug_expression(platforms),
        shell=shell,
        entrypoint=_json_words(start.entrypoint),
        command=_json_words(start.command),
        runtime=runtime_context(stage.runtime or NO_SETTINGS, runtime),
        prebuild=command_step("prebuild", stage.prebuild or ()),
        normalize_end=script_end("APT", stage.normalize or ()),
        postbuild=command_step("postbuild", stage.postbuild),
        strips=strips(plan.image_set, stage),
        managers=installed_managers(stage_plan),
        hash_algorithms={pin.name: hash_algorithm(pin) for pin in stage_plan.tools.get(first, ())},
        has_conda=any(manager == "conda" for manager, _ in packages),
        has_conda_python=("conda", "python") in packages,
        adds_python_library=any(_is_python_library(pin.name) for pin in apt_pins),
        writes_world=any(name.endswith(".world") for name in stage_plan.files),
        apk_unsigned=_has_direct_packages(stage_plan),
        apk_keys=_apk_keys(plan, stage_plan),
        compiles="build-requirements.txt" in stage_plan.files,
        pip_overwrites=overwriting(plan, stage_plan, "pip"),
        conda_overwrites=bool(overwriting(plan, stage_plan, "conda")),
        wheel_cache=stage_plan.toolchain,
        npm_scripts=stage_plan.npm_scripts,
        npm_links=_npm_links(stage_plan.files),
        installer=conda.installer,
        keep_installer=conda.keep_installer,
        downloads=list_name(platform_slug_expression(platforms)) if places_files(stage) else "",
        own_file_mounts=own_file_mounts(stage),
    )


def _network(stage: Stage) -> str:
    """Return the value of --network for the steps that may use the network of the stage."""
    return "default" if stage.network else "none"


def installed_managers(stage_plan: StagePlan) -> frozenset[str]:
    """Return the managers that install packages in a stage, on any platform."""
    by_platform = stage_plan.pins.values()
    return frozenset(manager for pins in by_platform for manager in pins if pins[manager])


def _shell(packages: set[tuple[str, str]], *, alpine: bool) -> str:
    return "sh" if alpine and ("apk", "bash") not in packages else "bash"


def _json_words(words: tuple[str, ...] | UnsetType) -> str:
    """Return the words of a command as JSON; empty if the instruction is left out."""
    return "" if isinstance(words, UnsetType) else json.dumps(words)


def _has_direct_packages(stage_plan: StagePlan) -> bool:
    """Return whether apk installs a package from an address, which no trusted key has signed."""
    pins = (pin for each in stage_plan.pins.values() for pin in each.get("apk", ()))
    return any(is_direct(pin.artifact.source) for pin in pins)


def _apk_keys(plan: Plan, stage_plan: StagePlan) -> tuple[ApkKey, ...]:
    """Return the keys of the repositories of images.toml that the stage installs packages from."""
    names: set[str] = set()
    for pins in stage_plan.pins.values():
        names.update(split_source(pin.artifact.source)[0] for pin in pins.get("apk", ()))
    declared = plan.image_set.apk_repositories or {}
    used = (declared[name] for name in sorted(names) if name in declared)
    return tuple(ApkKey(each.key_name, each.key.sha256) for each in used if each.key)


def _is_python_library(name: str) -> bool:
    return name.startswith("libpython3") and name.endswith("-stdlib")


def strips(image_set: ImageSet, stage: Stage) -> bool:
    """Return whether a stage removes debug symbols: for itself, or for the image built from it."""
    return any(
        STRIP_RULE in (image.trim or ())
        for image in image_set.stages
        if image.kind == "final" and (image.build or image.name) == stage.name
    )


def _base_images(plan: Plan, stage: Stage) -> tuple[PlatformImage, ...]:
    return tuple(
        PlatformImage(
            platform=image.platform, slug=platform_slug(image.platform), reference=image.pinned
        )
        for image in base_images(plan, stage)
    )


def _labels(plan: Plan, stage: Stage) -> dict[str, str]:
    """Return the quoted labels, except the root digest, which the build adds."""
    values = {
        "title": stage.name,
        "version": plan.release,
        "created": datetime.fromtimestamp(plan.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "source": plan.image_set.source,
        "authors": plan.image_set.maintainer,
    }
    labels = {
        f"org.opencontainers.image.{key}": " ".join(value.split())
        for key, value in values.items()
        if value
    }
    labels["org.orbiter.hermetic"] = str(is_hermetic(plan, stage)).lower()
    own = (stage.runtime or NO_SETTINGS).labels
    return quoted_labels({**labels, **own})


def is_hermetic(plan: Plan, stage: Stage) -> bool:
    """Return whether the stage and those that it is built from have no network access."""
    stages = {stage_plan.stage.name: stage_plan.stage for stage_plan in plan.stages}
    sources = [stages[name] for name in (stage.parent, stage.build) if name]
    return not stage.network and all(is_hermetic(plan, source) for source in sources)


def _npm_links(files: Mapping[str, str]) -> tuple[NpmLink, ...]:
    """Return links for the programs of the npm packages that the stages require."""
    if "package-lock.json" not in files:
        return ()
    packages = json.loads(files["package-lock.json"])["packages"]
    # The entry "" is the project itself; its dependencies are the requirements.
    links = []
    for package in sorted(packages.get("", {}).get("dependencies", {})):
        folder = f"node_modules/{package}"
        for name, path in sorted(packages[folder].get("bin", {}).items()):
            links.append(NpmLink(name, f"../lib/npm/{folder}/{path.removeprefix('./')}"))
    return tuple(links)
