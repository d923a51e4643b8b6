"""The rules in ``trim`` of an image, which remove files that it does not need when it runs."""

from msgspec import UNSET, UnsetType

from orbiter.config.layer_keys import TRIM_RULES, TrimRule
from orbiter.config.mistakes import Mistakes, suggest
from orbiter.config.schema import Build, Image
from orbiter.config.sets import ExpandedEntry, Sets, add_duplicate, expand, without_indexes


def trim_rules(
    table: Build, path: str, sets: Sets, mistakes: Mistakes
) -> tuple[TrimRule, ...] | UnsetType:
    """Return the rules of an image, sorted; unset for none, and for build stages.

    ``path`` is the key path of the stage.
    """
    if not isinstance(table, Image):
        return UNSET
    expanded = expand(table.trim, f"{path}.trim", sets, mistakes)
    found: dict[str, ExpandedEntry] = {}
    for entry in without_indexes(expanded, mistakes):
        if entry.text not in TRIM_RULES:
            _add_unknown_rule(entry, mistakes)
        elif entry.text in found:
            add_duplicate(entry, found[entry.text], mistakes)
        else:
            found[entry.text] = entry
    return tuple(rule for rule in TRIM_RULES if rule in found) or UNSET


def _add_unknown_rule(entry: ExpandedEntry, mistakes: Mistakes) -> None:
    """Add a mistake for an entry of a set; ``decode`` has found those in the list itself."""
    names = ", ".join(TRIM_RULES)
    hint = suggest(entry.text, TRIM_RULES, f"use one of {names}")
    mistakes.add(entry.path, f"unknown rule '{entry.text}'", expected=f"one of {names}", hint=hint)
