"""The named lists of [sets], which ``@name`` in any list inserts."""

from collections.abc import Mapping

import msgspec

from orbiter.config.mistakes import Mistakes, key_path, suggest
from orbiter.config.order import parents_first

Sets = Mapping[str, tuple[str, ...]]


class ExpandedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of an expanded list.

    ``path`` is the key path of the entry itself, ``via`` the one of the entry in the expanded list
    that inserted it: the two differ for the entries of a set.
    """

    text: str
    path: str
    via: str


def expand(
    entries: tuple[str, ...],
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
        entry_path = f"{path}[{index}]"
        text = entry.strip()
        name = _set_name(text)
        if not text:
            mistakes.add(entry_path, "is empty", hint="remove the entry")
        elif not _is_set(text):
            expanded.append(ExpandedEntry(text=text, path=entry_path, via=via or entry_path))
        elif name not in sets:
            _add_unknown_set(name, entry_path, sets, mistakes)
        elif name not in inside:
            expanded += expand(
                sets[name],
                key_path("sets", name),
                sets,
                mistakes,
                via=via or entry_path,
                inside=(*inside, name),
            )
    return expanded


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
        included = (_set_name(entry.strip()) for entry in entries)
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
