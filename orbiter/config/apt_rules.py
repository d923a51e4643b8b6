"""The rules for the keys that change how apt installs packages: ``debconf`` and ``recommends``."""

import re

from msgspec import UNSET, UnsetType

from orbiter.config.mistakes import Mistakes
from orbiter.config.schema import Build
from orbiter.config.secret_values import secret_reason
from orbiter.config.sets import Sets, expand, without_indexes

TYPES = ("boolean", "multiselect", "select", "string", "text")
"""The types of debconf's questions that can be answered."""
ANSWER = re.compile(
    rf"(?P<package>[a-z0-9][a-z0-9+.-]*) (?P<question>[^\s#]+) (?P<type>{'|'.join(TYPES)})"
    r"(?: (?P<value>[^\x00-\x1f\x7f-\x9f]*))?"
)
"""A line of debconf-set-selections(1)."""
EXPECTED = f"package question type value, with the type {', '.join(TYPES[:-1])} or {TYPES[-1]}"
EXAMPLE = 'for example "locales locales/default_environment_locale select C.UTF-8"'
NO_PASSWORD = "remove it: everybody can read the answers in the lock set"


def debconf_answers(
    table: Build, path: str, sets: Sets, mistakes: Mistakes
) -> tuple[str, ...] | UnsetType:
    """Return the answers to debconf's questions in their order, unset for none.

    ``path`` is the key path of the stage.
    """
    expanded = expand(table.debconf, f"{path}.debconf", sets, mistakes)
    entries = without_indexes(expanded, mistakes)
    for entry in entries:
        match = ANSWER.fullmatch(entry.text)
        # The messages never repeat the answer, because it may be a password.
        if " password " in entry.text:
            mistakes.add(entry.path, "answers a question for a password", hint=NO_PASSWORD)
        elif not match:
            problem = "is not an answer to a question of debconf"
            mistakes.add(entry.path, problem, expected=EXPECTED, hint=EXAMPLE)
        elif reason := secret_reason("", match["value"] or ""):
            problem = f"looks like a secret, because {reason}"
            mistakes.add(entry.path, problem, hint=NO_PASSWORD)
    check_effect(bool(entries), "debconf", table, path, mistakes)
    return tuple(entry.text for entry in entries) or UNSET


def recommends(table: Build, path: str, mistakes: Mistakes) -> bool | UnsetType:
    """Return True if apt also installs recommended packages of the stage, unset if not."""
    check_effect(table.recommends, "recommends", table, path, mistakes)
    return table.recommends or UNSET


def check_effect(is_set: bool, key: str, table: Build, path: str, mistakes: Mistakes) -> None:
    """Add a mistake for a key that is set, although apt installs no package in the stage."""
    # Downloads without a target are packages; others are a mistake of their own.
    has_packages = table.apt or any(not each.to for each in table.downloads)
    if is_set and not has_packages:
        problem = "has no effect: the stage has no apt requirements"
        hint = "move it to the stage that lists the packages in apt"
        mistakes.add(f"{path}.{key}", problem, hint=hint)
