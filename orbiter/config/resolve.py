"""From the file images.toml to the image set: sets expanded, names resolved, stages in their order."""

from collections.abc import Callable, Mapping

import msgspec

from orbiter.config import builders
from orbiter.config import image_set as config_image_set
from orbiter.config.builders import APK_BUILDER, CONDA_BUILDER, SYSTEM_MANAGERS, system_manager
from orbiter.config.image_set import BASE, ImageSet, Kind, Stage
from orbiter.config.mistakes import Mistakes, key_path, suggest
from orbiter.config.requirements import SOURCE_KEYS, SYNTAXES, sort_requirements
from orbiter.config.schema import Build, ConfigFile

Sets = Mapping[str, tuple[str, ...]]


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


def image_set(file: ConfigFile, mistakes: Mistakes) -> ImageSet:
    """The image set that a file describes; what is wrong with it is noted and left out."""
    builders.check(file, mistakes)
    _check_sets(file.sets, mistakes)
    if len(set(file.platforms)) < len(file.platforms):
        mistakes.add("platforms", "names a platform twice", hint="leave one out")
    drafts = _drafts(file, mistakes)
    known = {name: builders.builder(name, file) for name in sorted(file.builder)}
    stages = {name: _base(name) for name, builder in known.items() if builder.suite}
    for draft in drafts.values():
        base = draft.builder if draft.builder in stages else ""
        stages[draft.name] = _stage(draft, drafts, file.sets, mistakes, base)
    before = {
        stage.name: tuple(filter(None, (stage.parent, stage.build))) for stage in stages.values()
    }
    order = parents_first(before, lambda cycle: _circular(cycle, stages, drafts, mistakes))
    return ImageSet(
        version=file.version,
        repository=file.repository,
        maintainer=file.maintainer,
        source=file.source,
        platforms=tuple(sorted(file.platforms)),
        user=config_image_set.NotebookUser(
            name=file.user.name, uid=file.user.uid, gid=file.user.gid
        ),
        builders=known,
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


def _base(builder: str) -> Stage:
    """The stage that makes a builder's base of packages."""
    return Stage(name=builder, builder=builder, image="", kind="base", requirements={"apt": BASE})


def _check_sets(sets: Sets, mistakes: Mistakes) -> None:
    """Also those that no list uses."""

    def circular(cycle: tuple[str, ...]) -> None:
        circle = " -> ".join([*cycle, cycle[0]])
        hint = f"take '@{cycle[0]}' out of '{cycle[-1]}'"
        mistakes.add(key_path("sets", cycle[-1]), f"sets stand in a circle: {circle}", hint=hint)

    for name, items in sets.items():
        _expand(items, key_path("sets", name), sets, mistakes, (name,))
    used = {name: tuple(_set_name(item) for item in items) for name, items in sets.items()}
    parents_first(
        {name: tuple(each for each in names if each in sets) for name, names in used.items()},
        circular,
    )


def _set_name(item: str) -> str:
    """The set that an entry asks for, or "": ``@name`` is a set, ``@scope/name`` a package of npm."""
    text = item.strip()
    return text[1:] if text.startswith("@") and "/" not in text else ""


def _expand(
    items: tuple[str, ...],
    path: str,
    sets: Sets,
    mistakes: Mistakes,
    trail: tuple[str, ...] = (),
    entry: str = "",
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
            hint = suggest(name, sets, f'declare it in [sets], as in {name or "name"} = ["git"]')
            mistakes.add(
                origin, f"unknown set '{name}'", expected="the name of a set of [sets]", hint=hint
            )
        elif name not in trail:
            inner = key_path("sets", name)
            found += _expand(sets[name], inner, sets, mistakes, (*trail, name), entry or origin)
    return found


def _drafts(file: ConfigFile, mistakes: Mistakes) -> dict[str, _Draft]:
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


def _of_image(file: ConfigFile, builder: str, image: str) -> tuple[_Draft, ...]:
    """An image's own stage and, where it has one, its build stage."""
    table = file.image[builder][image]
    final = _Draft(
        name=f"{builder}-{image}",
        path=key_path(key_path("image", builder), image),
        builder=builder,
        image=image,
        kind="final",
        table=table,
    )
    if not isinstance(table.build, Build):
        return (final,)
    name, path = f"{final.name}-build", f"{final.path}.build"
    build = _Draft(
        name=name, path=path, builder=builder, image=image, kind="build", table=table.build
    )
    return msgspec.structs.replace(final, build=name), build


def _stage(
    draft: _Draft, drafts: Mapping[str, _Draft], sets: Sets, mistakes: Mistakes, base: str
) -> Stage:
    """A stage as its builder makes it; one that names no other stands on ``base``, if its builder makes one."""
    table = draft.table
    parent = _parent(draft, drafts, mistakes) or base
    requirements = {manager: _asked(manager, draft, sets, mistakes) for manager in SYNTAXES}
    sources = {manager: _sources(manager, draft, sets, mistakes) for manager in SOURCE_KEYS}
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
    known = [
        each.name.removeprefix(f"{draft.builder}-")
        for each in drafts.values()
        if each.builder == draft.builder
    ]
    hint = suggest(wanted, known, f"declare [image.{draft.builder}.{wanted}]")
    mistakes.add(
        f"{draft.path}.from",
        f"'{wanted}' leads nowhere",
        expected=f"one of {', '.join(known)}",
        hint=hint,
    )
    return ""


def _circular(
    cycle: tuple[str, ...],
    stages: Mapping[str, Stage],
    drafts: Mapping[str, _Draft],
    mistakes: Mistakes,
) -> None:
    culprit = next(name for name in reversed(cycle) if stages[name].parent in cycle)
    circle = " -> ".join([*cycle, cycle[0]])
    hint = "let one of them stand on another image, or on none: the builder's base image"
    mistakes.add(f"{drafts[culprit].path}.from", f"stages stand in a circle: {circle}", hint=hint)


def _asked(manager: str, draft: _Draft, sets: Sets, mistakes: Mistakes) -> tuple[str, ...]:
    syntax = SYNTAXES[manager]
    found: dict[str, _Item] = {}
    items = _expand(getattr(draft.table, manager), f"{draft.path}.{manager}", sets, mistakes)
    if items and (hint := _elsewhere(manager, draft.builder)):
        mistakes.add(
            f"{draft.path}.{manager}", f"the builder '{draft.builder}' has no {manager}", hint=hint
        )
    for item in items:
        name = syntax.name(item.text)
        if name is None:
            problem = f"'{item.text}' is no requirement of {manager}"
            mistakes.add(
                item.origin, problem, expected=syntax.expected, hint=syntax.hint(item.text)
            )
        elif name in found:
            _twice(item, found[name], mistakes)
        else:
            found[name] = item
    return sort_requirements(manager, (item.text for item in found.values()))


def _elsewhere(manager: str, builder: str) -> str:
    """What to do about packages of a manager that a builder does not have; "" where it has it."""
    if manager == "conda" and builder != CONDA_BUILDER:
        return f"move the image to the builder {CONDA_BUILDER}, or the packages to another manager"
    if manager in SYSTEM_MANAGERS and manager != system_manager(builder):
        there = "Alpine" if builder == APK_BUILDER else "Debian"
        return f"write the names that {there} has for them in {system_manager(builder)}"
    return ""


def _twice(item: _Item, other: _Item, mistakes: Mistakes) -> None:
    inside_one_set = item.entry == other.entry and item.origin != other.origin
    through = (
        f" (through {item.origin})" if item.origin != item.entry and not inside_one_set else ""
    )
    problem = f"'{item.text}'{through} is asked for twice: also by {other.origin}"
    mistakes.add(item.origin if inside_one_set else item.entry, problem, hint="leave one out")


def _sources(manager: str, draft: _Draft, sets: Sets, mistakes: Mistakes) -> tuple[str, ...]:
    key = SOURCE_KEYS[manager]
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
