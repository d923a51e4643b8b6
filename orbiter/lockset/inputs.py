"""The inputs of a manager's lock files, so that unchanged ones are not resolved again."""

from collections.abc import Iterator, Mapping

import msgspec

from orbiter.config import stage_graph
from orbiter.config.builders import SYSTEM_MANAGERS, overwrites
from orbiter.config.image_set import Builder, CondaSettings, ImageSet, PackageRepository
from orbiter.config.indexes import package_indexes, used_indexes
from orbiter.config.projects import builder_projects, tree_digest
from orbiter.config.repositories import used_repositories
from orbiter.lockset import model
from orbiter.lockset.model import BuilderFacts, LockSet
from resolvers.pip.requirement_files import is_requirement_file, requirement_files

LOCK_FILES: Mapping[str, tuple[str, ...]] = {
    "apk": ("apk.lock",),
    "apt": ("apt.lock",),
    "conda": ("environment.yml", "virtual-packages.yml", "conda-lock.yml"),
    "pip": (
        "pyproject.toml",
        "poetry.lock",
        "uv.lock",
        "build-requirements.txt",
        "direct-references.toml",
    ),
    "npm": ("package.json", "package-lock.json"),
}
"""The names of each manager's lock files, in the order in which a stage installs them.

pip-tools has others: see ``resolvers.pip.requirement_files``.
"""


def locked_files(lock_set: LockSet | None, builder: str, manager: str) -> dict[str, str]:
    """Return one manager's lock files by name; empty if there are none."""
    files = lock_set.builder_files(builder) if lock_set else {}
    return {name: text for name, text in files.items() if _is_lock_file(manager, name)}


def _is_lock_file(manager: str, name: str) -> bool:
    return name in LOCK_FILES[manager] or (manager == "pip" and is_requirement_file(name))


def lock_file_paths(image_set: ImageSet) -> set[str]:
    """Return the paths of all lock files that a lock set of the image set may have."""
    paths: set[str] = set()
    for builder in image_set.builders.values():
        names = [name for of_manager in LOCK_FILES.values() for name in of_manager]
        if builder.pip_engine == "pip-tools":
            stages = [stage.name for stage in stage_graph.builder_stages(image_set, builder.name)]
            names += requirement_files(stages, image_set.platforms)
        paths.update(f"{builder.name}/{name}" for name in names)
    return paths


def inputs_digest(
    image_set: ImageSet,
    builder: Builder,
    manager: str,
    facts: BuilderFacts,
    bases: Mapping[str, str],
) -> str:
    """Return the digest of everything that one manager's lock files depend on.

    It is "" if the manager has no requirements. ``bases`` maps platforms to the base image's
    digests. ``facts`` contains the digest of conda's lock, which pip depends on.
    """
    groups = stage_graph.groups(image_set, builder.name, manager)
    if not groups:
        return ""
    settings = _manager_inputs(manager, builder, facts, bases)
    if manager == "pip":
        settings |= _pip_rules(image_set, builder)
    if manager == "npm":
        settings |= _npm_rules(image_set, builder)
    if repositories := used_repositories(image_set, builder, manager):
        settings = {**settings, "repositories": _without_paths(repositories)}
    if manager in SYSTEM_MANAGERS and (packages := package_addresses(image_set, builder.name)):
        settings = {**settings, "downloads": packages}
    if allowed := overwrites(builder).get(manager):
        settings = {**settings, "overwrites": allowed}
    inputs = [groups, image_set.platforms, settings]
    return model.digest(msgspec.json.encode(inputs, order="sorted").decode())


def package_addresses(image_set: ImageSet, builder: str) -> list[tuple[str, str, str]]:
    """Return the addresses of packages for apk or apt, with their stage and platform."""
    return sorted(
        (stage.name, platform, file.url)
        for stage in stage_graph.builder_stages(image_set, builder)
        for download in stage.downloads or ()
        if download.is_package
        for platform, file in download.platforms.items()
    )


def _manager_inputs(
    manager: str, builder: Builder, facts: BuilderFacts, bases: Mapping[str, str]
) -> dict[str, object]:
    """Return the settings that a manager's locks depend on.

    Released lock sets have digests of exactly these keys, so a new key must be omitted if empty.
    """
    if manager == "apt" and builder.suite:
        return {"suite": builder.suite}
    if manager in {"apk", "apt"}:
        return {"bases": dict(bases)}
    if manager == "conda":
        settings = builder.conda or CondaSettings()
        return {
            "channels": settings.channels,
            "priority": settings.priority,
            "virtual": dict(settings.virtual),
            "engine": settings.engine,
            "glibc": dict(facts.glibc),
        }
    return _pip_inputs(builder, facts) if manager == "pip" else {}


def _pip_inputs(builder: Builder, facts: BuilderFacts) -> dict[str, object]:
    inputs: dict[str, object] = {
        "engine": builder.pip_engine,
        "python": facts.python,
        "glibc": dict(facts.glibc),
    }
    if facts.conda:
        inputs["conda"] = facts.conda
    if facts.musl:
        inputs["musl"] = dict(facts.musl)
    return inputs


def _pip_rules(image_set: ImageSet, builder: Builder) -> dict[str, object]:
    """Return the indexes of packages, and the settings that differ from the defaults."""
    rules: dict[str, object] = {}
    if builder.pip:
        rules["rules"] = builder.pip
    if sources := package_indexes(image_set, builder.name):
        rules["sources"] = sources
        rules["indexes"] = used_indexes(image_set, builder.name)
    if projects := builder_projects(image_set, builder.name):
        rules["projects"] = {name: tree_digest(each) for name, each in projects.items()}
    return rules


def _npm_rules(image_set: ImageSet, builder: Builder) -> dict[str, object]:
    """Return the registries of scopes, and the settings that differ from the defaults."""
    rules: dict[str, object] = {}
    if builder.npm:
        rules["rules"] = builder.npm
    if image_set.npm_registries:
        rules["registries"] = image_set.npm_registries
    return rules


def _without_paths(repositories: Mapping[str, PackageRepository]) -> dict[str, PackageRepository]:
    """Return the repositories without the paths of their keys, whose content alone counts."""
    return {
        name: msgspec.structs.replace(
            repository, key=repository.key and msgspec.structs.replace(repository.key, source="")
        )
        for name, repository in repositories.items()
    }


def unlocked_parts(
    image_set: ImageSet,
    bases: Mapping[str, Mapping[str, str]],
    builders: Mapping[str, BuilderFacts],
) -> tuple[str, ...]:
    """Return the parts whose locks are missing or stale, such as ``builder debian: apt``."""
    unlocked = []
    for name, builder in image_set.builders.items():
        facts = builders.get(name, BuilderFacts())
        parts = _unlocked_parts(image_set, builder, bases.get(builder.base, {}), facts)
        unlocked += [f"builder {name}: {part}" for part in parts]
    return tuple(unlocked)


def _unlocked_parts(
    image_set: ImageSet, builder: Builder, bases: Mapping[str, str], facts: BuilderFacts
) -> Iterator[str]:
    if builder.base and not bases.keys() >= set(image_set.platforms):
        yield "base image"
    # The digest is "" for a manager without requirements, so a removed manager is detected too.
    for manager in LOCK_FILES:
        current = inputs_digest(image_set, builder, manager, facts, bases)
        if current != facts.inputs.get(manager, ""):
            yield manager
