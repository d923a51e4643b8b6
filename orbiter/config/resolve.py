"""Turn the decoded images.toml into an image set: expand sets, resolve names, order the stages."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from orbiter.config import apt_rules
from orbiter.config.builders import check_builders, resolve_builder, system_manager
from orbiter.config.commands import commands
from orbiter.config.conda_addresses import check_conda_addresses
from orbiter.config.direct_references import check_references
from orbiter.config.downloads import check_targets, downloads
from orbiter.config.drafts import Draft, inherited_variables, named_parent, stage_drafts
from orbiter.config.image_set import BASE_REQUIREMENTS, ImageSet, NotebookUser, Stage
from orbiter.config.indexes import check_indexes, check_one_index, indexes_of
from orbiter.config.layer_keys import DEFAULT_COMPRESSION
from orbiter.config.mistakes import Mistakes
from orbiter.config.npm_registries import check_addresses, check_registries
from orbiter.config.order import parents_first
from orbiter.config.own_files import own_files, with_places
from orbiter.config.own_template import own_template
from orbiter.config.projects import projects_of
from orbiter.config.repositories import apk_repositories, apt_repositories, check_tags
from orbiter.config.requirements import SOURCE_KEYS, SYNTAXES, sort_requirements
from orbiter.config.runtime import Runtime
from orbiter.config.runtime_resolve import ORBITER_VARIABLES, runtime
from orbiter.config.schema import ConfigFile, Image
from orbiter.config.sets import ExpandedEntry, Sets, check_sets, expand, without_indexes
from orbiter.config.stage_requirements import requirement_entries, source_packages
from orbiter.config.trim import trim_rules


def image_set(file: ConfigFile, root: Path, mistakes: Mistakes) -> ImageSet:
    """Return the image set that a file describes, without the parts that have mistakes.

    ``root`` is the folder of the file, to which own files are relative.
    """
    check_builders(file, mistakes)
    check_sets(file.sets, mistakes)
    # Values with a mistake are empty.
    platforms = [platform for platform in file.platforms if platform]
    if len(set(platforms)) < len(platforms):
        mistakes.add("platforms", "lists a platform twice", hint="remove one of them")
    # Builders are sorted, so that the order of tables in the file changes no byte of a lock set.
    builders = {name: resolve_builder(name, file) for name in sorted(file.builder)}
    indexes = check_indexes(file, mistakes)
    bases = {name: _base(name) for name, builder in builders.items() if builder.suite}
    user = NotebookUser(name=file.user.name, uid=file.user.uid, gid=file.user.gid)
    return ImageSet(
        version=file.version,
        repository=file.repository,
        maintainer=file.maintainer,
        source=file.source,
        platforms=tuple(sorted(file.platforms)),
        user=user,
        indexes=indexes or UNSET,
        npm_registries=check_registries(file, mistakes) or UNSET,
        template=own_template(file.templates, root, mistakes),
        apk_repositories=apk_repositories(file, root, mistakes) or UNSET,
        apt_repositories=apt_repositories(file, root, mistakes) or UNSET,
        compression=UNSET if file.compression == DEFAULT_COMPRESSION else file.compression,
        builders=builders,
        stages=with_places(_stages(file, root, bases, mistakes)),
    )


def _base(builder: str) -> Stage:
    """Return the stage that makes a builder's base of Debian packages."""
    requirements = {"apt": BASE_REQUIREMENTS}
    return Stage(name=builder, builder=builder, image="", kind="base", requirements=requirements)


def _stages(
    file: ConfigFile, root: Path, bases: Mapping[str, Stage], mistakes: Mistakes
) -> tuple[Stage, ...]:
    """Return all stages, parents first."""
    drafts = stage_drafts(file, mistakes)
    stages = dict(bases)
    for draft in drafts.values():
        base = draft.builder if draft.builder in bases else ""
        stage = _stage(draft, drafts, file, mistakes, base)
        stages[draft.name] = _with_files(stage, draft, file, root, mistakes)
    for builder in file.builder:
        of_builder = [draft for draft in drafts.values() if draft.builder == builder]
        entries = {
            each.name: requirement_entries("pip", each, file.sets, mistakes) for each in of_builder
        }
        check_one_index(entries, mistakes)
        check_references(entries, _built_packages(stages, builder), mistakes)
        conda_entries = (
            requirement_entries("conda", each, file.sets, mistakes) for each in of_builder
        )
        check_conda_addresses(conda_entries, mistakes)
        npm_entries = (requirement_entries("npm", each, file.sets, mistakes) for each in of_builder)
        check_addresses(npm_entries, mistakes)

    def on_cycle(cycle: tuple[str, ...]) -> None:
        _add_stage_cycle(cycle, stages, drafts, mistakes)

    parents = {name: _parents(stage) for name, stage in stages.items()}
    return tuple(stages[name] for name in parents_first(parents, on_cycle))


def _built_packages(stages: Mapping[str, Stage], builder: str) -> frozenset[str]:
    """Return the packages that a builder's stages may build from source."""
    of_builder = (stage for stage in stages.values() if stage.builder == builder)
    return frozenset(name for stage in of_builder for name in stage.sources.get("pip", ()))


def _with_files(
    stage: Stage, draft: Draft, file: ConfigFile, root: Path, mistakes: Mistakes
) -> Stage:
    """Return a stage with the files that it takes from the repository or from addresses."""
    table = draft.table
    files = own_files(table.files, f"{draft.path}.files", root, mistakes)
    prebuild, postbuild = (
        commands(getattr(table, key), f"{draft.path}.{key}", file.sets, root, mistakes)
        for key in ("prebuild", "postbuild")
    )
    downloaded = downloads(
        table.downloads,
        f"{draft.path}.downloads",
        file.platforms,
        system_manager(draft.builder),
        mistakes,
    )
    check_targets(downloaded, files, f"{draft.path}.downloads", mistakes)
    return msgspec.structs.replace(
        stage,
        projects=projects_of(
            requirement_entries("pip", draft, file.sets, mistakes), root, mistakes
        ),
        downloads=downloaded or UNSET,
        files=files or UNSET,
        prebuild=prebuild or UNSET,
        postbuild=postbuild,
    )


def _parents(stage: Stage) -> tuple[str, ...]:
    return tuple(filter(None, (stage.parent, stage.build)))


def _stage(
    draft: Draft, drafts: Mapping[str, Draft], file: ConfigFile, mistakes: Mistakes, base: str
) -> Stage:
    """Return a resolved stage; ``base`` is its parent unless it names another one."""
    table, sets = draft.table, file.sets
    parent = named_parent(draft, drafts, mistakes) or base
    entries = {manager: requirement_entries(manager, draft, sets, mistakes) for manager in SYNTAXES}
    check_tags(entries["apk"], file, mistakes)
    requirements = {manager: _requirements(manager, entries[manager]) for manager in SYNTAXES}
    sources = {manager: source_packages(manager, draft, sets, mistakes) for manager in SOURCE_KEYS}
    return Stage(
        name=draft.name,
        builder=draft.builder,
        image=draft.image,
        kind=draft.kind,
        parent=parent,
        build=draft.build,
        requirements=_without_empty(requirements),
        sources=_without_empty(sources),
        indexes=indexes_of(entries["pip"], file, mistakes) or UNSET,
        recommends=apt_rules.recommends(table, draft.path, mistakes),
        debconf=apt_rules.debconf_answers(table, draft.path, sets, mistakes),
        normalize=_normalize(draft, sets, mistakes) or UNSET,
        network=table.network,
        runtime=_runtime(draft, drafts, mistakes, has_base_image=not base),
        trim=trim_rules(table, draft.path, sets, mistakes),
    )


def _runtime(
    draft: Draft, drafts: Mapping[str, Draft], mistakes: Mistakes, *, has_base_image: bool
) -> Runtime | UnsetType:
    """Return the settings of a stage's containers; a base image may set any variables."""
    if not isinstance(draft.table, Image):
        return UNSET
    known = None if has_base_image else ORBITER_VARIABLES | inherited_variables(draft, drafts)
    return runtime(draft.table, draft.path, known, mistakes)


def _normalize(draft: Draft, sets: Sets, mistakes: Mistakes) -> tuple[str, ...]:
    """Return the commands that follow the installation of a stage's Debian packages."""
    expanded = expand(draft.table.normalize, f"{draft.path}.normalize", sets, mistakes)
    entries = without_indexes(expanded, mistakes)
    apt_rules.check_effect(bool(entries), "normalize", draft.table, draft.path, mistakes)
    return tuple(entry.text for entry in entries)


def _without_empty(lists: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {manager: entries for manager, entries in lists.items() if entries}


def _add_stage_cycle(
    cycle: tuple[str, ...],
    stages: Mapping[str, Stage],
    drafts: Mapping[str, Draft],
    mistakes: Mistakes,
) -> None:
    # A final stage may also be in the cycle because of its build stage, so look for a `from`.
    last = next(name for name in reversed(cycle) if stages[name].parent in cycle)
    names = " -> ".join([*cycle, cycle[0]])
    hint = "choose another image for one of them, or remove its from to use the builder's base"
    mistakes.add(f"{drafts[last].path}.from", f"circular stages: {names}", hint=hint)


def _requirements(manager: str, entries: Mapping[str, ExpandedEntry]) -> tuple[str, ...]:
    """Return a stage's requirements for a manager, sorted by package name."""
    return sort_requirements(manager, (entry.text for entry in entries.values()))
