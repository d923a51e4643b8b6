"""``orbiter diff-locks``: report what changed between two releases or lock files."""

import gc
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.answers import (
    DENIED,
    LINT,
    Answers,
    licences_of,
    licences_option,
    lint_of,
    lint_option,
    with_licences,
)
from orbiter.cli.completion import complete_image, complete_platform
from orbiter.cli.directory import LockName
from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import IMAGES, formats_option, managers_option
from orbiter.cli.usage import refuse_without
from orbiter.cli.vulnerabilities import (
    SEVERITIES,
    Filter,
    Source,
    database_option,
    fails_on,
    look_up,
    max_age_option,
    vulnerabilities_option,
)

if TYPE_CHECKING:
    from orbiter.advisories.ignore import Remainder
    from orbiter.diff.types import Diff
    from orbiter.lockfiles.types import Lock
    from orbiter.report.vulnerabilities.view import View

    Pair = tuple[Remainder, Remainder]

# Copied from orbiter.diff.types: importing it would slow down every --help by a seventh.
KINDS = ("added", "removed", "upgraded", "downgraded", "changed", "rebuilt", "moved")
FAILURES = ("added", "removed", "major", "downgraded", "moved", "rebuilt", "files", "any")
# Those about vulnerabilities; also copied, from orbiter.advisories.thresholds.
NEW = "new"
VULNERABILITIES = (NEW, *SEVERITIES)
PIPED_WIDTH = 120
"""Columns of the text report if standard output is not a terminal."""


@click.command("diff-locks")
@click.argument("old", type=LockName())
@click.argument("new", type=LockName(), required=False)
@formats_option("text", "markdown", "json", "html")
@click.option("--all", "show_all", is_flag=True, help="Do not shorten long lists.")
@click.option(
    "--image",
    "images",
    shell_complete=complete_image,
    multiple=True,
    metavar="NAME",
    help="Only this image or environment; repeatable.",
)
@click.option(
    "--platform",
    "platforms",
    shell_complete=complete_platform,
    multiple=True,
    metavar="NAME",
    help="Only this platform, named as in the lock files; repeatable.",
)
@managers_option
@click.option("--direct", is_flag=True, help="Only packages that are direct requirements.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS),
    help="Only changes of this kind; repeatable. A package is 'moved' if it comes from another "
    "index or channel.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
@click.option(
    "--fail-on",
    "failures",
    multiple=True,
    type=click.Choice((*FAILURES, *VULNERABILITIES, DENIED, LINT)),
    metavar="KIND",
    help=f"Exit with 1 on changes of this kind: {', '.join(FAILURES)}; repeatable. 'files' are "
    "those that build the images. A changed hash of the same version always counts, and so does "
    "a build file that does not follow from the lock files. With --vulnerabilities, also on a "
    "'new' vulnerability, or on one in NEW of at least this severity. With --licences, also if "
    "a package is now 'denied'; with --lint, also on a new finding.",
)
@vulnerabilities_option
@database_option
@max_age_option
@licences_option
@lint_option
@guarded
def diff_locks(
    old: str,
    new: str | None,
    output_format: str,
    show_all: bool,
    images: tuple[str, ...],
    platforms: tuple[str, ...],
    managers: tuple[str, ...],
    direct: bool,
    kinds: tuple[str, ...],
    exit_code: bool,
    failures: tuple[str, ...],
    vulnerabilities: bool,
    database: Path | None,
    max_age: int,
    licences: bool,
    lint: bool,
) -> None:
    """Report what changed between two releases or lock files.

    OLD and NEW are each a release (0.1.0), the folder of a lock set, a lock file in any supported
    format, or a file or folder at a git revision (v1.0:conda-lock.yml, main:locks/0.1.0). NEW
    defaults to the release in images.toml.
    """
    gc.disable()  # a short process: scanning 100,000 packages for cycles takes a tenth of its time
    from orbiter.diff.compare import diff
    from orbiter.diff.filter import check_names, filter_changes, matches_any, restrict_lock
    from orbiter.diff.scopes import align_scopes
    from orbiter.lockfiles.named import load_lock

    if not vulnerabilities:
        refuse_without("--vulnerabilities", "max_age")
    if not (vulnerabilities or lint):
        refuse_without("--vulnerabilities or --lint", "database")
    _check_failures(failures, vulnerabilities=vulnerabilities, licences=licences, lint=lint)
    new = _current_release() if new is None else new
    locks = (load_lock(old), load_lock(new))
    sides = align_scopes(*(with_licences(locks) if licences else locks))
    check_names(sides, images=images, platforms=platforms)
    before, after = (
        restrict_lock(side, images=images, platforms=platforms, managers=managers) for side in sides
    )
    changes = filter_changes(diff(before, after), direct=direct, kinds=kinds)
    found = None
    if vulnerabilities:
        found = _look_up(sides, Source(database, max_age), Filter(images, platforms, managers))
    answers = Answers(
        vulnerabilities=found,
        licences=licences_of(before, after) if licences else None,
        lint=lint_of(old, new, database) if lint else None,
    )
    click.echo(_rendered(changes, answers, output_format, show_all=show_all), nl=False)
    conditions = failures or (("any",) if exit_code else ())
    if conditions and (
        matches_any(changes, conditions)
        or _fails(found, conditions)
        or answers.fails_on(conditions)
    ):
        sys.exit(FINDINGS)


def _check_failures(failures: tuple[str, ...], **answers: bool) -> None:
    """Raise UsageError for a condition about an answer that was not asked for."""
    needed = dict.fromkeys(VULNERABILITIES, "vulnerabilities") | {DENIED: "licences", LINT: "lint"}
    for failure in failures:
        if failure in needed and not answers[needed[failure]]:
            raise click.UsageError(f"--fail-on {failure} needs --{needed[failure]}")


def _look_up(sides: "tuple[Lock, Lock]", source: Source, only: Filter) -> "Pair":
    old, new = look_up(sides, source, only)
    return old, new


def _fails(found: "Pair | None", conditions: tuple[str, ...]) -> bool:
    """Return whether vulnerabilities meet one of the conditions."""
    if found is None:
        return False
    from orbiter.advisories.compare import compare
    from orbiter.advisories.thresholds import new_findings

    old, new = (side.assessment for side in found)
    severities = tuple(each for each in conditions if each in SEVERITIES)
    is_severe = fails_on((*new.affected, *new.undecided), severities)
    return is_severe or (NEW in conditions and bool(new_findings(compare(old, new))))


def _current_release() -> str:
    from orbiter.config.read import read_image_set

    return read_image_set(IMAGES).version


def _rendered(changes: "Diff", answers: Answers, output_format: str, *, show_all: bool) -> str:
    if output_format == "json":
        return _as_json(changes, answers)
    from orbiter.report.extras import extras_of

    view = _view(changes, answers.vulnerabilities) if answers.vulnerabilities else None
    extras = extras_of(answers.licences, answers.lint)
    if output_format == "markdown":
        from orbiter.report import markdown

        return markdown.render(changes, vulnerabilities=view, extras=extras)
    if output_format == "html":
        from orbiter.report import html

        return html.render(changes, view, extras)
    from orbiter.report import text

    return text.render(
        changes,
        width=_width(),
        colour=_colour(),
        everything=show_all,
        vulnerabilities=view,
        extras=extras,
    )


def _as_json(changes: "Diff", answers: Answers) -> str:
    from msgspec import UNSET

    from orbiter.report import json
    from orbiter.report.vulnerabilities import json as findings

    pair = answers.vulnerabilities
    return json.render(
        changes,
        findings.changes(*pair) if pair else UNSET,
        answers.licences or UNSET,
        answers.lint or UNSET,
    )


def _view(changes: "Diff", found: "Pair") -> "View":
    from orbiter.report import phrases
    from orbiter.report.vulnerabilities.view import view_of_changes

    return view_of_changes(phrases.title(changes), *found)


def _width() -> int:
    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
