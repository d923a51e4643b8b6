"""The keys of images.toml that differ between two image sets."""

from collections.abc import Iterator, Mapping

from msgspec import UnsetType

from orbiter.config.builders import overwrites, pip_settings
from orbiter.config.commands import brief
from orbiter.config.download_changes import download_changes
from orbiter.config.image_set import (
    Builder,
    Command,
    CondaSettings,
    ImageSet,
    OwnFile,
    RepositoryFile,
    Script,
    Stage,
)
from orbiter.config.layer_keys import DEFAULT_COMPRESSION
from orbiter.config.mistakes import key_path
from orbiter.config.npm_rules import override_texts
from orbiter.config.projects import project_changes
from orbiter.config.repository_changes import repository_changes
from orbiter.config.requirements import SOURCE_KEYS, SYNTAXES, package_name
from orbiter.config.runtime_changes import runtime_changes

Values = Mapping[str, object]
"""The values of keys that are neither lists nor tables."""


def changed_keys(old: ImageSet, new: ImageSet) -> tuple[str, ...]:
    """Return a line for each change, such as ``image.debian.base.build.pip: polars added``.

    The version is ignored: a new release changes it even if nothing else changes.
    """
    return tuple(_changes(old, new))


def _changes(old: ImageSet, new: ImageSet) -> Iterator[str]:
    yield from _values("", _top_values(old), _top_values(new))
    yield from _entries("platforms", old.platforms, new.platforms)
    yield from _values("user", _user_values(old), _user_values(new))
    yield from _addresses("index", old.indexes or {}, new.indexes or {})
    yield from _addresses("npm-registry", old.npm_registries or {}, new.npm_registries or {})
    yield from _template(old.template, new.template)
    yield from repository_changes(
        "apk-repository", old.apk_repositories or {}, new.apk_repositories or {}
    )
    yield from repository_changes(
        "apt-repository", old.apt_repositories or {}, new.apt_repositories or {}
    )
    old_builders, new_builders = _builders_by_path(old), _builders_by_path(new)
    yield from _tables(old_builders, new_builders)
    for path in sorted(old_builders.keys() & new_builders.keys()):
        yield from _builder(path, old_builders[path], new_builders[path])
    old_stages, new_stages = _stages_by_path(old), _stages_by_path(new)
    yield from _tables(old_stages, new_stages)
    for path in sorted(old_stages.keys() & new_stages.keys()):
        yield from _stage(path, old_stages[path], new_stages[path])


def _top_values(image_set: ImageSet) -> Values:
    return {
        "repository": image_set.repository,
        "maintainer": image_set.maintainer,
        "source": image_set.source,
        "compression": image_set.compression or DEFAULT_COMPRESSION,
    }


def _addresses(table: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    """Report the differences of the package indexes, or of the npm registries by scope."""
    paths = ({key_path(table, name): url for name, url in each.items()} for each in (old, new))
    before, after = paths
    yield from _tables(before, after)
    for path in sorted(before.keys() & after.keys()):
        yield from _value(f"{path}.url", before[path], after[path])


def _template(old: RepositoryFile | UnsetType, new: RepositoryFile | UnsetType) -> Iterator[str]:
    sources = [file.source if file else "" for file in (old, new)]
    yield from _value("templates", *sources)
    if old and new and old.sha256 != new.sha256:
        yield f"templates: content of {new.source} changed"


def _user_values(image_set: ImageSet) -> Values:
    user = image_set.user
    return {"name": user.name, "uid": user.uid, "gid": user.gid}


def _builders_by_path(image_set: ImageSet) -> dict[str, Builder]:
    return {key_path("builder", name): builder for name, builder in image_set.builders.items()}


def _stages_by_path(image_set: ImageSet) -> dict[str, Stage]:
    """Return the stages by the path of their table; bases have no table of their own."""
    return {_stage_path(stage): stage for stage in image_set.stages if stage.kind != "base"}


def _stage_path(stage: Stage) -> str:
    builder = key_path("image", stage.builder)
    image = key_path(builder, stage.image)
    return f"{image}.build" if stage.kind == "build" else image


def _tables(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    """Report the tables that only one side has."""
    for path in sorted(old.keys() ^ new.keys()):
        yield f"{path}: {'added' if path in new else 'removed'}"


def _builder(path: str, old: Builder, new: Builder) -> Iterator[str]:
    yield from _values(path, _builder_values(old), _builder_values(new))
    for manager in sorted({*overwrites(old), *overwrites(new)}):
        before, after = (overwrites(builder).get(manager, ()) for builder in (old, new))
        yield from _ordered(f"{path}.{manager}-overwrites", before, after)
    for key in ("constraints", "overrides"):
        before, after = (getattr(pip_settings(builder), key) for builder in (old, new))
        yield from _entries(f"{path}.{key}", before, after)
    yield from _virtual(f"{path}.npm-overrides", override_texts(old), override_texts(new))
    repositories = (builder.apt_repositories or () for builder in (old, new))
    yield from _entries(f"{path}.apt-repositories", *repositories)
    if old.conda and new.conda:
        yield from _ordered(f"{path}.channels", old.conda.channels, new.conda.channels)
        yield from _values(path, _conda_values(old.conda), _conda_values(new.conda))
        yield from _virtual(f"{path}.virtual", old.conda.virtual, new.conda.virtual)


def _builder_values(builder: Builder) -> Values:
    return {
        "from": builder.base or f'{{ debian = "{builder.suite}" }}',
        "python": builder.python,
        "pip-engine": builder.pip_engine,
        "index-priority": pip_settings(builder).index_priority,
    }


def _conda_values(conda: CondaSettings) -> Values:
    return {
        "channel-priority": conda.priority,
        "conda-engine": conda.engine,
        "installer": conda.installer,
        "keep-installer": conda.keep_installer,
    }


def _ordered(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    """Report the differences of two lists whose order matters."""
    if set(old) == set(new):
        yield from _value(path, ", ".join(old), ", ".join(new))
    yield from _entries(path, old, new)


def _virtual(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        yield from _value(f"{path}.{name}", old.get(name, ""), new.get(name, ""))


def _stage(path: str, old: Stage, new: Stage) -> Iterator[str]:
    yield from _value(f"{path}.from", _from(old), _from(new))
    for manager in SYNTAXES:
        before = _requirements_by_name(manager, old)
        after = _requirements_by_name(manager, new)
        yield from _requirements(f"{path}.{manager}", before, after)
    yield from _indexes_of_packages(f"{path}.pip", old, new)
    yield from project_changes(f"{path}.pip", old.projects or (), new.projects or ())
    for manager, key in SOURCE_KEYS.items():
        old_names = old.sources.get(manager, ())
        new_names = new.sources.get(manager, ())
        yield from _entries(f"{path}.{key}", old_names, new_names)
    yield from _value(f"{path}.recommends", bool(old.recommends), bool(new.recommends))
    yield from _commands(f"{path}.debconf", old.debconf or (), new.debconf or ())
    yield from _commands(f"{path}.prebuild", old.prebuild or (), new.prebuild or ())
    yield from _commands(f"{path}.normalize", old.normalize or (), new.normalize or ())
    yield from download_changes(f"{path}.downloads", old.downloads or (), new.downloads or ())
    yield from _files(f"{path}.files", old.files or (), new.files or ())
    yield from _commands(f"{path}.postbuild", old.postbuild, new.postbuild)
    yield from _value(f"{path}.network", old.network, new.network)
    yield from _entries(f"{path}.trim", old.trim or (), new.trim or ())
    for key, old_value, new_value in runtime_changes(path, old.runtime, new.runtime):
        yield f"{key}: {old_value} -> {new_value}"


def _indexes_of_packages(path: str, old: Stage, new: Stage) -> Iterator[str]:
    """Report packages whose index differs, except packages that only one side has."""
    before, after = old.indexes or {}, new.indexes or {}
    on_both = _requirements_by_name("pip", old).keys() & _requirements_by_name("pip", new).keys()
    for name in sorted(on_both):
        yield from _value(f"{path}: index of {name}", before.get(name, ""), after.get(name, ""))


def _files(path: str, old: tuple[OwnFile, ...], new: tuple[OwnFile, ...]) -> Iterator[str]:
    """Report the own files that differ, by target; where their content is kept has no effect."""
    before, after = ({file.target: file for file in files} for files in (old, new))
    for target in sorted(before.keys() ^ after.keys()):
        yield f"{path}: {target} {'added' if target in after else 'removed'}"
    for target in sorted(before.keys() & after.keys()):
        if before[target].sha256 != after[target].sha256:
            yield f"{path}: content of {after[target].source} changed"
        yield from _value(f"{path}: mode of {target}", before[target].mode, after[target].mode)
        yield from _value(f"{path}: {target}", before[target].source, after[target].source)


def _from(stage: Stage) -> str:
    if stage.parent == stage.builder:  # the base that the builder makes of packages
        return ""
    return stage.parent.removeprefix(f"{stage.builder}-")


def _requirements_by_name(manager: str, stage: Stage) -> dict[str, str]:
    requirements = stage.requirements.get(manager, ())
    return {package_name(manager, requirement): requirement for requirement in requirements}


def _requirements(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"{path}: {new[name]} added"
        elif name not in new:
            yield f"{path}: {old[name]} removed"
        else:
            yield from _value(path, old[name], new[name])


def _commands(path: str, old: tuple[Command, ...], new: tuple[Command, ...]) -> Iterator[str]:
    before, after = _plain(old), _plain(new)
    contents = [dict(_script_digests(commands)) for commands in (old, new)]
    for source in sorted(contents[0].keys() & contents[1].keys()):
        if contents[0][source] != contents[1][source]:
            yield f"{path}: content of {source} changed"
    yield from _entries(path, before, after)
    if before != after and set(before) == set(after):
        yield f"{path}: order changed"


def _plain(commands: tuple[Command, ...]) -> tuple[str, ...]:
    """Return commands as they are, and scripts without their content."""
    return tuple(brief(each) if isinstance(each, Script) else each for each in commands)


def _script_digests(commands: tuple[Command, ...]) -> Iterator[tuple[str, str]]:
    for command in commands:
        if isinstance(command, Script):
            yield command.source, command.sha256


def _entries(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    """Report the entries that only one of two lists has."""
    for entry in new:
        if entry not in old:
            yield f"{path}: {brief(entry)} added"
    for entry in old:
        if entry not in new:
            yield f"{path}: {brief(entry)} removed"


def _values(path: str, old: Values, new: Values) -> Iterator[str]:
    """Report the differences between two sets of values with the same keys."""
    for key, value in old.items():
        full_path = f"{path}.{key}" if path else key
        yield from _value(full_path, value, new[key])


def _value(path: str, old: object, new: object) -> Iterator[str]:
    if old != new:
        yield f"{path}: {_format(old)} -> {_format(new)}"


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or "(none)"
