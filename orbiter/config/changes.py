"""The keys of images.toml that differ between two image sets."""

from collections.abc import Iterable, Iterator, Mapping

from orbiter.config.image_set import Builder, CondaSettings, ImageSet, Stage
from orbiter.config.mistakes import key_path
from orbiter.config.requirements import SOURCE_KEYS, SYNTAXES, package_name

USER_KEYS = ("name", "uid", "gid")
IMAGE_SET_KEYS = ("repository", "maintainer", "source")


def changed_keys(old: ImageSet, new: ImageSet) -> tuple[str, ...]:
    """Return a line for each change, such as ``image.debian.base.build.pip: polars added``.

    The version is ignored: a new release changes it even if nothing else changes.
    """
    return tuple(_image_set(old, new))


def _image_set(old: ImageSet, new: ImageSet) -> Iterator[str]:
    for key in IMAGE_SET_KEYS:
        yield from _value(key, getattr(old, key), getattr(new, key))
    yield from _entries("platforms", old.platforms, new.platforms)
    for key in USER_KEYS:
        yield from _value(f"user.{key}", getattr(old.user, key), getattr(new.user, key))
    yield from _builders(old.builders, new.builders)
    yield from _stages(_stages_by_path(old), _stages_by_path(new))


def _builders(old: Mapping[str, Builder], new: Mapping[str, Builder]) -> Iterator[str]:
    old_paths = {key_path("builder", name): builder for name, builder in old.items()}
    new_paths = {key_path("builder", name): builder for name, builder in new.items()}
    yield from _tables(old_paths, new_paths)
    for path in sorted(old_paths.keys() & new_paths.keys()):
        yield from _builder(path, old_paths[path], new_paths[path])


def _stages(old: Mapping[str, Stage], new: Mapping[str, Stage]) -> Iterator[str]:
    yield from _tables(old, new)
    for path in sorted(old.keys() & new.keys()):
        yield from _stage(path, old[path], new[path])


def _stages_by_path(image_set: ImageSet) -> dict[str, Stage]:
    """Return the stages by the path of their table; bases have no table of their own."""
    return {_stage_path(stage): stage for stage in image_set.stages if stage.kind != "base"}


def _stage_path(stage: Stage) -> str:
    image = key_path(key_path("image", stage.builder), stage.image)
    return f"{image}.build" if stage.kind == "build" else image


def _tables(old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    """Report the tables that only one side has."""
    for path in sorted({*old} ^ {*new}):
        yield f"{path}: {'added' if path in new else 'removed'}"


def _builder(path: str, old: Builder, new: Builder) -> Iterator[str]:
    yield from _value(f"{path}.from", _base(old), _base(new))
    yield from _value(f"{path}.python", old.python, new.python)
    yield from _value(f"{path}.pip-engine", old.pip_engine, new.pip_engine)
    if old.conda and new.conda:
        yield from _conda(path, old.conda, new.conda)


def _base(builder: Builder) -> str:
    return builder.base or f'{{ debian = "{builder.suite}" }}'


def _conda(path: str, old: CondaSettings, new: CondaSettings) -> Iterator[str]:
    if set(old.channels) == set(new.channels):  # only the order differs
        yield from _value(f"{path}.channels", ", ".join(old.channels), ", ".join(new.channels))
    yield from _entries(f"{path}.channels", old.channels, new.channels)
    yield from _value(f"{path}.channel-priority", old.priority, new.priority)
    yield from _value(f"{path}.conda-engine", old.engine, new.engine)
    yield from _value(f"{path}.installer", old.installer, new.installer)
    yield from _value(f"{path}.keep-installer", old.keep_installer, new.keep_installer)
    for name in sorted({*old.virtual, *new.virtual}):
        before, after = old.virtual.get(name, ""), new.virtual.get(name, "")
        yield from _value(f"{path}.virtual.{name}", before, after)


def _stage(path: str, old: Stage, new: Stage) -> Iterator[str]:
    yield from _value(f"{path}.from", _from(old), _from(new))
    for manager in SYNTAXES:
        before, after = _requirements_by_name(manager, old), _requirements_by_name(manager, new)
        yield from _requirements(f"{path}.{manager}", before, after)
    for manager, key in SOURCE_KEYS.items():
        names_before, names_after = old.sources.get(manager, ()), new.sources.get(manager, ())
        yield from _entries(f"{path}.{key}", names_before, names_after)
    yield from _commands(f"{path}.postbuild", old.postbuild, new.postbuild)
    yield from _value(f"{path}.network", old.network, new.network)


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


def _commands(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    lines = tuple(_entries(path, old, new))
    yield from lines
    if not lines and old != new:
        yield f"{path}: order changed"


def _entries(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    """Report the entries that only one of two lists has."""
    yield from (f"{path}: {entry} added" for entry in new if entry not in old)
    yield from (f"{path}: {entry} removed" for entry in old if entry not in new)


def _value(path: str, old: object, new: object) -> Iterator[str]:
    if old != new:
        yield f"{path}: {_format(old)} -> {_format(new)}"


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or "(none)"
