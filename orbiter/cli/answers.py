"""The answers that ``orbiter diff-locks`` gives besides the changes of packages."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from orbiter.cli.errors import warn
from orbiter.cli.lint import lint_settings
from orbiter.cli.options import IMAGES

if TYPE_CHECKING:
    from orbiter.advisories.ignore import Remainder
    from orbiter.licences.model import LicenceChanges
    from orbiter.lint.compare import LintChanges
    from orbiter.lint.types import LintResult, Settings
    from orbiter.lockfiles.types import Lock

    Pair = tuple[Remainder, Remainder]

DENIED = "denied"
LINT = "lint"

licences_option = click.option(
    "--licences",
    is_flag=True,
    help="Report changes of licences. Those of lock sets are also read from the packages in the "
    "store.",
)
lint_option = click.option(
    "--lint", is_flag=True, help="Report the findings of `orbiter lint` that are new."
)


class Answers(NamedTuple):
    """The answers that were asked for; None for others."""

    vulnerabilities: "Pair | None" = None
    licences: "LicenceChanges | None" = None
    lint: "LintChanges | None" = None

    def fails_on(self, conditions: tuple[str, ...]) -> bool:
        """Return whether a package is denied now, or a finding of lint is new."""
        is_denied = bool(self.licences and self.licences.denied)
        has_findings = bool(self.lint and self.lint.new)
        return (is_denied and DENIED in conditions) or (has_findings and LINT in conditions)


def with_licences(locks: "tuple[Lock, Lock]") -> "tuple[Lock, Lock]":
    """Return locks with the licences of their packages."""
    from orbiter.config.read import read_licence_keys
    from orbiter.licences import locks as of_locks
    from orbiter.licences.policy import check_records
    from orbiter.licences.records import records_of
    from orbiter.store.store import Store

    keys = read_licence_keys(IMAGES)
    check_records(f"{IMAGES}: licences.known:", keys.known)
    old, new = (of_locks.with_licences(lock, Store(), records_of(keys)) for lock in locks)
    return old, new


def licences_of(old: "Lock", new: "Lock") -> "LicenceChanges":
    """Return the changes of licences between two locks that have licences."""
    from orbiter.config.read import read_licence_keys
    from orbiter.licences.compare import licence_changes
    from orbiter.licences.policy import check_entries

    denied = read_licence_keys(IMAGES).deny
    check_entries(f"{IMAGES}: licences.deny:", denied)
    return licence_changes(old, new, denied)


def lint_of(old: str, new: str, database: Path | None) -> "LintChanges":
    """Return the findings that differ between two locks, named as on the command line."""
    from orbiter.lint.compare import compare

    with lint_settings(database) as settings:
        return compare(_lint_result(old, settings), _lint_result(new, settings))


def _lint_result(name: str, settings: "Settings") -> "LintResult":
    from orbiter.lint.targets import check_targets

    result = check_targets([name], settings)
    for error in result.errors:
        warn(f"not checked by lint: {error.message}", error.hint)
    return result
