"""From the file images.toml to the image set: sets expanded, names resolved, stages in their order."""

from collections.abc import Callable, Iterator, Mapping

import msgspec
from msgspec.structs import fields

from orbiter import image_set as typed
from orbiter.config_file import BASES, BUILDERS, Build, File, Packages
from orbiter.config_file import Builder as Table
from orbiter.image_set import BASE, ImageSet, Kind, Stage
from orbiter.mistakes import Mistakes, closest, join
from orbiter.requirements import SOURCES, SYNTAXES, ordered

Sets = Mapping[str, tuple[str, ...]]
CONDA_BUILDER = "micromamba"
"""The builder of images with conda packages."""
CONDA_KEYS = frozenset({"channels", "channel_priority", "conda_engine", "installer", "keep_installer", "virtual"})
"""The fields of a builder's table that are its alone."""


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A stage as written, with the path of its table."""

    name: str
    path: str
    builder: str
    image: str
    kind: Kind
    table: Build
    build: str = ""


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a list: where it stands, and through which entry of the stage's own list it came."""

    text: str
    origin: str
    entry: str


def image_set(file: File, mistakes: Mistakes) -> ImageSet:
    """The image set that a file describes; what is wrong with it is noted and left out."""
    _check_builders(file, mistakes)
    _check_sets(file.sets, mistakes)
    if len(set(file.platforms)) < len(file.platforms):
        mistakes.add("platforms", "names a platform twice", hint="leave one out")
    drafts = _drafts(file, mistakes)
    builders = {name: _builder(name, file) for name in sorted(file.builder)}
    stages = {name: _base(name) for name, builder in builders.items() if builder.suite}
    for draft in drafts.values():
        base = draft.builder if draft.builder in stages else ""
        stages[draft.name] = _stage(draft, drafts, file.sets, mistakes, base)
    before = {stage.name: tuple(filter(None, (stage.parent, stage.build))) for stage in stages.values()}
    order = parents_first(before, lambda cycle: _circular(cycle, stages, drafts, mistakes))
    return ImageSet(
        version=file.version,
        repository=file.repository,
        maintainer=file.maintainer,
        source=file.source,
        platforms=tuple(sorted(file.platforms)),
        user=typed.User(name=file.user.name, uid=file.user.uid, gid=file.user.gid),
        builders=builders,
        stages=tuple(stages[name] for name in order),
    )


def parents_first(
    before: Mapping[str, tuple[str, ...]], on_cycle: Callable[[tuple[str, ...]], None]
) -> tuple[str, ...]:
    """The names so that each follows those it needs, otherwise sorted; circles are reported and cut."""
    done: dict[str, None] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            on_cycle(trail[trail.index(name) :])
        elif name not in done:
            for each in before[name]:
                visit(each, (*trail, name))
            done[name] = None

    for name in sorted(before):
        visit(name, ())
    return tuple(done)


def _builder(name: str, file: File) -> typed.Builder:
    table = file.builder[name]
    suite = table.from_.debian if isinstance(table.from_, Packages) else ""
    base = table.from_ if isinstance(table.from_, str) else ""
    return typed.Builder(
        name=name,
        base=base or ("" if suite else BASES.get(name, "")),
        suite=suite,
        python=table.python,
        pip_engine=table.pip_engine,
        conda=_conda(table) if name == CONDA_BUILDER else msgspec.UNSET,
    )


def _conda(table: Table) -> typed.Conda:
    return typed.Conda(
        channels=table.channels,
        priority=table.channel_priority,
        virtual=dict(sorted(table.virtual.items())),
        engine=table.conda_engine,
        installer=table.installer,
        keep_installer=table.keep_installer,
    )


def _base(builder: str) -> Stage:
    """The stage that makes a builder's base of packages."""
    return Stage(name=builder, builder=builder, image="", kind="base", requirements={"apt": BASE})


def _check_builders(file: File, mistakes: Mistakes) -> None:
    for name in file.builder:
        if not file.image.get(name):
            hint = f"declare an image, such as [image.{name}.core], or remove the builder"
            mistakes.add(join("builder", name), "has no images", hint=hint)
        _check_builder(name, file.builder[name], mistakes)
    for name in file.image:
        if name in BUILDERS and name not in file.builder:
            hint = f'add [builder.{name}] with from = "debian:trixie-slim"'
            mistakes.add(join("image", name), f"the builder '{name}' is not declared", hint=hint)


def _check_builder(name: str, table: Table, mistakes: Mistakes) -> None:
    path = join("builder", name)
    if table.from_ == "" and name not in BASES:
        expected = 'an image and its tag, without digest (the lock set pins that), or { debian = "trixie" }'
        mistakes.add(join(path, "from"), "is missing", expected=expected, hint='add from = "debian:trixie-slim"')
    if name != CONDA_BUILDER:
        for key in _conda_keys(table):
            mistakes.add(join(path, key), "has no effect", hint=f"it belongs to [builder.{CONDA_BUILDER}]")
    elif table.keep_installer and table.installer != "micromamba":
        hint = 'leave it out, or write installer = "micromamba"'
        mistakes.add(join(path, "keep-installer"), f"{table.installer} is no program that could stay", hint=hint)


def _conda_keys(table: Table) -> Iterator[str]:
    """The keys of conda that a builder's table sets."""
    unset = Table()
    for each in fields(Table):
        if each.name in CONDA_KEYS and getattr(table, each.name) != getattr(unset, each.name):
            yield each.encode_name


def _check_sets(sets: Sets, mistakes: Mistakes) -> None:
    """Also those that no list uses."""

    def circular(cycle: tuple[str, ...]) -> None:
        circle = " -> ".join([*cycle, cycle[0]])
        hint = f"take '@{cycle[0]}' out of '{cycle[-1]}'"
        mistakes.add(join("sets", cycle[-1]), f"sets stand in a circle: {circle}", hint=hint)

    for name, items in sets.items():
        _expand(items, join("sets", name), sets, mistakes, (name,))
    used = {name: tuple(_set_name(item) for item in items) for name, items in sets.items()}
    parents_first({name: tuple(each for each in names if each in sets) for name, names in used.items()}, circular)


def _set_name(item: str) -> str:
    """The set that an entry asks for, or "": ``@name`` is a set, ``@scope/name`` a package of npm."""
    text = item.strip()
    return text[1:] if text.startswith("@") and "/" not in text else ""


def _expand(
    items: tuple[str, ...], path: str, sets: Sets, mistakes: Mistakes, trail: tuple[str, ...] = (), entry: str = ""
) -> list[_Item]:
    """The entries of a list with its sets expanded; circles of sets are noted elsewhere."""
    found = []
    for index, item in enumerate(items):
        origin = f"{path}[{index}]"
        name = _set_name(item)
        if not item.strip():
            mistakes.add(origin, "is empty", hint="leave the entry out")
        elif not item.strip().startswith("@") or "/" in item:
            found.append(_Item(text=item.strip(), origin=origin, entry=entry or origin))
        elif name not in sets:
            hint = closest(name, sets, f'declare it in [sets], as in {name or "name"} = ["git"]')
            mistakes.add(origin, f"unknown set '{name}'", expected="the name of a set of [sets]", hint=hint)
        elif name not in trail:
            inner = join("sets", name)
            found += _expand(sets[name], inner, sets, mistakes, (*trail, name), entry or origin)
    return found


def _drafts(file: File, mistakes: Mistakes) -> dict[str, _Draft]:
    """Every stage by its name."""
    found: dict[str, _Draft] = {}
    for builder, images in file.image.items():
        for image in sorted(images):
            for draft in _of_image(file, builder, image):
                if draft.name in found:
                    problem = f"the stage '{draft.name}' is there twice: {found[draft.name].path} makes it too"
                    mistakes.add(draft.path, problem, hint="give the image another name")
                found.setdefault(draft.name, draft)
    return found


def _of_image(file: File, builder: str, image: str) -> tuple[_Draft, ...]:
    """An image's own stage and, where it has one, its build stage."""
    table = file.image[builder][image]
    final = _Draft(
        name=f"{builder}-{image}",
        path=join(join("image", builder), image),
        builder=builder,
        image=image,
        kind="final",
        table=table,
    )
    if not isinstance(table.build, Build):
        return (final,)
    name, path = f"{final.name}-build", f"{final.path}.build"
    build = _Draft(name=name, path=path, builder=builder, image=image, kind="build", table=table.build)
    return msgspec.structs.replace(final, build=name), build


def _stage(draft: _Draft, drafts: Mapping[str, _Draft], sets: Sets, mistakes: Mistakes, base: str) -> Stage:
    """A stage as its builder makes it; one that names no other stands on ``base``, if its builder makes one."""
    table = draft.table
    parent = _parent(draft, drafts, mistakes) or base
    requirements = {manager: _asked(manager, draft, sets, mistakes) for manager in SYNTAXES}
    sources = {manager: _sources(manager, draft, sets, mistakes) for manager in SOURCES}
    commands = _expand(table.postbuild, f"{draft.path}.postbuild", sets, mistakes)
    return Stage(
        name=draft.name,
        builder=draft.builder,
        image=draft.image,
        kind=draft.kind,
        parent=parent,
        build=draft.build,
        requirements={manager: asked for manager, asked in requirements.items() if asked},
        sources={manager: names for manager, names in sources.items() if names},
        postbuild=tuple(command.text for command in commands),
        network=table.network,
    )


def _parent(draft: _Draft, drafts: Mapping[str, _Draft], mistakes: Mistakes) -> str:
    wanted = draft.table.from_
    name = f"{draft.builder}-{wanted}" if wanted else ""
    if not wanted or name in drafts:
        return name
    known = [each.name.removeprefix(f"{draft.builder}-") for each in drafts.values() if each.builder == draft.builder]
    hint = closest(wanted, known, f"declare [image.{draft.builder}.{wanted}]")
    mistakes.add(f"{draft.path}.from", f"'{wanted}' leads nowhere", expected=f"one of {', '.join(known)}", hint=hint)
    return ""


def _circular(
    cycle: tuple[str, ...], stages: Mapping[str, Stage], drafts: Mapping[str, _Draft], mistakes: Mistakes
) -> None:
    culprit = next(name for name in reversed(cycle) if stages[name].parent in cycle)
    circle = " -> ".join([*cycle, cycle[0]])
    hint = "let one of them stand on another image, or on none: the builder's base image"
    mistakes.add(f"{drafts[culprit].path}.from", f"stages stand in a circle: {circle}", hint=hint)


def _asked(manager: str, draft: _Draft, sets: Sets, mistakes: Mistakes) -> tuple[str, ...]:
    syntax = SYNTAXES[manager]
    found: dict[str, _Item] = {}
    items = _expand(getattr(draft.table, manager), f"{draft.path}.{manager}", sets, mistakes)
    if items and manager == "conda" and draft.builder != CONDA_BUILDER:
        hint = f"move the image to the builder {CONDA_BUILDER}, or the packages to another manager"
        mistakes.add(f"{draft.path}.conda", f"the builder '{draft.builder}' installs no conda packages", hint=hint)
    for item in items:
        name = syntax.name(item.text)
        if name is None:
            problem = f"'{item.text}' is no requirement of {manager}"
            mistakes.add(item.origin, problem, expected=syntax.expected, hint=syntax.hint(item.text))
        elif name in found:
            _twice(item, found[name], mistakes)
        else:
            found[name] = item
    return ordered(manager, (item.text for item in found.values()))


def _twice(item: _Item, other: _Item, mistakes: Mistakes) -> None:
    inside_one_set = item.entry == other.entry and item.origin != other.origin
    through = f" (through {item.origin})" if item.origin != item.entry and not inside_one_set else ""
    problem = f"'{item.text}'{through} is asked for twice: also by {other.origin}"
    mistakes.add(item.origin if inside_one_set else item.entry, problem, hint="leave one out")


def _sources(manager: str, draft: _Draft, sets: Sets, mistakes: Mistakes) -> tuple[str, ...]:
    key = SOURCES[manager]
    path = f"{draft.path}.{key}"
    items = _expand(getattr(draft.table, key.replace("-", "_")), path, sets, mistakes)
    if items and not getattr(draft.table, manager):
        hint = f"write it in the stage whose {manager} list needs it"
        mistakes.add(path, f"has no effect: the stage asks nothing of {manager}", hint=hint)
    names = {item.origin: SYNTAXES[manager].package(item.text) for item in items}
    for item in items:
        if names[item.origin] is None:
            hint = "write the name alone, without version"
            mistakes.add(item.origin, f"'{item.text}' is no package name of {manager}", hint=hint)
    return tuple(sorted({name for name in names.values() if name}))
