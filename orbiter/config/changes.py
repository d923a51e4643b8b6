"""What changed between two image sets, by the key paths of images.toml. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from orbiter.config.image_set import Builder, CondaSettings, ImageSet, Stage
from orbiter.config.mistakes import key_path
from orbiter.config.requirements import SOURCE_KEYS, SYNTAXES, package_name


def changed_keys(old: ImageSet, new: ImageSet) -> tuple[str, ...]:
    """A line for each thing that changed, such as ``image.debian.base.build.pip: polars added``.

    The version is left out: a new release changes it, and nothing else need change with it.
    """
    return tuple(_changes(old, new))


def _changes(old: ImageSet, new: ImageSet) -> Iterator[str]:
    for key in ("repository", "maintainer", "source"):
        yield from _moved(key, getattr(old, key), getattr(new, key))
    yield from _listed("platforms", old.platforms, new.platforms)
    for key in ("name", "uid", "gid"):
        yield from _moved(f"user.{key}", getattr(old.user, key), getattr(new.user, key))
    yield from _there("builder", old.builders, new.builders)
    for name in sorted(old.builders.keys() & new.builders.keys()):
        yield from _builder(key_path("builder", name), old.builders[name], new.builders[name])
    before, after = _by_path(old), _by_path(new)
    yield from _there("", before, after)
    for path in sorted(before.keys() & after.keys()):
        yield from _stage(path, before[path], after[path])


def _by_path(image_set: ImageSet) -> dict[str, Stage]:
    """The stages that stand in images.toml by their key path; a base is a matter of its builder."""
    return {_path(stage): stage for stage in image_set.stages if stage.kind != "base"}


def _path(stage: Stage) -> str:
    image = key_path(key_path("image", stage.builder), stage.image)
    return f"{image}.build" if stage.kind == "build" else image


def _there(path: str, old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    """What is in one mapping only, each with its own line."""
    for name in sorted({*old} ^ {*new}):
        yield f"{key_path(path, name) if path else name}: {'added' if name in new else 'removed'}"


def _builder(path: str, old: Builder, new: Builder) -> Iterator[str]:
    yield from _moved(f"{path}.from", _base(old), _base(new))
    yield from _moved(f"{path}.python", old.python, new.python)
    yield from _moved(f"{path}.pip-engine", old.pip_engine, new.pip_engine)
    if old.conda and new.conda:
        yield from _conda(path, old.conda, new.conda)


def _conda(path: str, old: CondaSettings, new: CondaSettings) -> Iterator[str]:
    if set(old.channels) == set(new.channels):
        yield from _moved(f"{path}.channels", ", ".join(old.channels), ", ".join(new.channels))
    yield from _listed(f"{path}.channels", old.channels, new.channels)
    yield from _moved(f"{path}.channel-priority", old.priority, new.priority)
    yield from _moved(f"{path}.conda-engine", old.engine, new.engine)
    yield from _moved(f"{path}.installer", old.installer, new.installer)
    yield from _moved(f"{path}.keep-installer", old.keep_installer, new.keep_installer)
    for name in sorted({*old.virtual, *new.virtual}):
        yield from _moved(
            f"{path}.virtual.{name}", old.virtual.get(name, ""), new.virtual.get(name, "")
        )


def _base(builder: Builder) -> str:
    return builder.base or f'{{ debian = "{builder.suite}" }}'


def _stage(path: str, old: Stage, new: Stage) -> Iterator[str]:
    yield from _moved(f"{path}.from", _from(old), _from(new))
    for manager in SYNTAXES:
        asked = old.requirements.get(manager, ()), new.requirements.get(manager, ())
        yield from _requirements(f"{path}.{manager}", *(_named(manager, each) for each in asked))
    for manager, key in SOURCE_KEYS.items():
        yield from _listed(
            f"{path}.{key}", old.sources.get(manager, ()), new.sources.get(manager, ())
        )
    yield from _commands(f"{path}.postbuild", old.postbuild, new.postbuild)
    yield from _moved(f"{path}.network", old.network, new.network)


def _from(stage: Stage) -> str:
    return "" if stage.parent == stage.builder else stage.parent.removeprefix(f"{stage.builder}-")


def _named(manager: str, requirements: Iterable[str]) -> dict[str, str]:
    return {package_name(manager, each): each for each in requirements}


def _requirements(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"{path}: {new[name]} added"
        elif name not in new:
            yield f"{path}: {old[name]} removed"
        else:
            yield from _moved(path, old[name], new[name])


def _commands(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    lines = tuple(_listed(path, old, new))
    yield from lines if lines or old == new else (f"{path}: order changed",)


def _listed(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{path}: {each} added" for each in new if each not in old)
    yield from (f"{path}: {each} removed" for each in old if each not in new)


def _moved(path: str, old: object, new: object) -> Iterator[str]:
    if old != new:
        yield f"{path}: {_shown(old)} -> {_shown(new)}"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "(none)"
