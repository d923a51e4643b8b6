"""The named lists of [sets], which ``@name`` in any list inserts."""

from collections.abc import Mapping

import msgspec

from orbiter.config.mistakes import Mistakes, key_path, suggest
from orbiter.config.order import parents_first
from orbiter.config.package_keys import PipRequirement

Entries = tuple[str | PipRequirement, ...]
Sets = Mapping[str, Entries]


class ExpandedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of an expanded list.

    ``path`` is the key path of the entry itself, ``via`` the one of the entry in the expanded list
    that inserted it: the two differ for the entries of a set. ``index`` is the index of a
    requirement of pip that names one.
    """

    text: str
    path: str
    via: str
    index: str = ""


def expand(
    entries: Entries,
    path: str,
    sets: Sets,
    mistakes: Mistakes,
    *,
    via: str = "",
    inside: tuple[str, ...] = (),
) -> list[ExpandedEntry]:
    """Return the entries of the list at ``path``, with its sets expanded.

    ``inside`` names the sets that are being expanded. A set inside itself is skipped here, because
    ``check_sets`` reports it.
    """
    expanded = []
    for index, entry in enumerate(entries):
        expanded += expand_entry(entry, f"{path}[{index}]", sets, mistakes, via=via, inside=inside)
    return expanded


def expand_entry(
    entry: str | PipRequirement,
    path: str,
    sets: Sets,
    mistakes: Mistakes,
    *,
    via: str = "",
    inside: tuple[str, ...] = (),
) -> list[ExpandedEntry]:
    """Return the entries that the one at ``path`` stands for; see ``expand``."""
    text, place = _text(entry), via or path
    name = _set_name(text)
    if not text:
        key = ".requirement" if isinstance(entry, PipRequirement) else ""
        mistakes.add(f"{path}{key}", "is empty", hint="remove the entry")
    elif isinstance(entry, PipRequirement):
        return [ExpandedEntry(text=text, path=path, via=place, index=entry.index)]
    elif not _is_set(text):
        return [ExpandedEntry(text=text, path=path, via=place)]
    elif name not in sets:
        _add_unknown_set(name, path, sets, mistakes)
    elif name not in inside:
        table, within = key_path("sets", name), (*inside, name)
        return expand(sets[name], table, sets, mistakes, via=place, inside=within)
    return []


def _text(entry: str | PipRequirement) -> str:
    return (entry if isinstance(entry, str) else entry.requirement).strip()


def without_indexes(entries: list[ExpandedEntry], mistakes: Mistakes) -> list[ExpandedEntry]:
    """Return the entries of a list that is not pip's; add a mistake for those with an index."""
    for entry in entries:
        if entry.index:
            problem = f"'{entry.text}' names an index, as only a pip list can"
            mistakes.add(entry.via, problem, hint="move it to a pip list")
    return [entry for entry in entries if not entry.index]


def add_duplicate(entry: ExpandedEntry, other: ExpandedEntry, mistakes: Mistakes) -> None:
    """Add a duplicate at the entry to remove: in the set if both are in one, else in the list."""
    is_inside_one_set = entry.via == other.via and entry.path != other.path
    path, through = entry.via, ""
    if is_inside_one_set:
        path = entry.path
    elif entry.path != entry.via:
        through = f" (through {entry.path})"
    problem = f"'{entry.text}'{through} is listed twice: also in {other.path}"
    mistakes.add(path, problem, hint="remove one of them")


def check_sets(sets: Sets, mistakes: Mistakes) -> None:
    """Add the mistakes in all sets, including unused ones."""

    def on_cycle(cycle: tuple[str, ...]) -> None:
        path = key_path("sets", cycle[-1])
        names = " -> ".join([*cycle, cycle[0]])
        hint = f"remove '@{cycle[0]}' from '{cycle[-1]}'"
        mistakes.add(path, f"circular sets: {names}", hint=hint)

    parents = {}
    for name, entries in sets.items():
        expand(entries, key_path("sets", name), sets, mistakes, inside=(name,))
        included = (_set_name(entry) for entry in map(_text, entries) if isinstance(entry, str))
        parents[name] = tuple(other for other in included if other in sets)
    parents_first(parents, on_cycle)


def _is_set(text: str) -> bool:
    """Return whether an entry names a set: ``@scope/name`` is an npm package."""
    return text.startswith("@") and "/" not in text


def _set_name(text: str) -> str:
    return text[1:] if _is_set(text) else ""


def _add_unknown_set(name: str, path: str, sets: Sets, mistakes: Mistakes) -> None:
    declaration = f'declare it in [sets], as in {name or "name"} = ["git"]'
    mistakes.add(
        path,
        f"unknown set '{name}'",
        expected="a set declared in [sets]",
        hint=suggest(name, sets, declaration),
    )
