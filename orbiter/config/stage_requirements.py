"""The requirements of a stage, and the packages that may run code of their own."""

from orbiter.config.builders import APK_BUILDER, CONDA_BUILDER, SYSTEM_MANAGERS, system_manager
from orbiter.config.drafts import Draft
from orbiter.config.mistakes import Mistakes
from orbiter.config.requirements import SOURCE_KEYS, SYNTAXES
from orbiter.config.sets import ExpandedEntry, Sets, add_duplicate, expand, without_indexes


def requirement_entries(
    manager: str, draft: Draft, sets: Sets, mistakes: Mistakes
) -> dict[str, ExpandedEntry]:
    """Return the entries of a stage's list for a manager, by package name."""
    syntax = SYNTAXES[manager]
    path = f"{draft.path}.{manager}"
    entries = expand(getattr(draft.table, manager), path, sets, mistakes)
    if manager != "pip":
        entries = without_indexes(entries, mistakes)
    hint = _unsupported_hint(manager, draft.builder)
    if entries and hint:
        problem = f"the builder '{draft.builder}' does not support {manager}"
        mistakes.add(path, problem, hint=hint)
    # Two requirements for one package could contradict each other, so each package counts once.
    by_name: dict[str, ExpandedEntry] = {}
    for entry in entries:
        name = syntax.name(entry.text)
        if name is None:
            problem = f"'{entry.text}' is not a valid {manager} requirement"
            hint = syntax.hint(entry.text)
            mistakes.add(entry.path, problem, expected=syntax.expected, hint=hint)
        elif name in by_name:
            add_duplicate(entry, by_name[name], mistakes)
        else:
            by_name[name] = entry
    return by_name


def _unsupported_hint(manager: str, builder: str) -> str:
    """Return the alternative to a manager that a builder does not support, "" for all others."""
    if manager == "conda" and builder != CONDA_BUILDER:
        return f"move the image to the builder {CONDA_BUILDER}, or the packages to another manager"
    supported = system_manager(builder)
    if manager in SYSTEM_MANAGERS and manager != supported:
        distribution = "Alpine" if builder == APK_BUILDER else "Debian"
        return f"list them under {supported}, by the names that {distribution} uses"
    return ""


def source_packages(manager: str, draft: Draft, sets: Sets, mistakes: Mistakes) -> tuple[str, ...]:
    """Return the packages of a manager that may run code of their own, sorted."""
    key = SOURCE_KEYS[manager]
    path = f"{draft.path}.{key}"
    listed = expand(getattr(draft.table, key.replace("-", "_")), path, sets, mistakes)
    entries = without_indexes(listed, mistakes)
    if entries and not getattr(draft.table, manager):
        problem = f"has no effect: the stage has no {manager} requirements"
        hint = f"move it to the stage that lists the packages in {manager}"
        mistakes.add(path, problem, hint=hint)
    names = set()
    for entry in entries:
        name = SYNTAXES[manager].package(entry.text)
        if name is None:
            problem = f"'{entry.text}' is not a valid {manager} package name"
            mistakes.add(entry.path, problem, hint="write the name only, without a version")
        else:
            names.add(name)
    return tuple(sorted(names))
