"""The vulnerabilities of locks, for ``orbiter audit`` and ``orbiter diff-locks``."""

import gc
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import FINDINGS, warn
from orbiter.cli.options import IMAGES, read_lock_set
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.advisories.assess import Finding
    from orbiter.advisories.ignore import Remainder
    from orbiter.lockfiles.types import Lock
    from orbiter.lockset.model import LockSet

# Copied from orbiter.advisories.thresholds: importing it would slow down every --help.
SEVERITIES = ("low", "medium", "high", "critical")
MAX_AGE = 30
"""Days after which a database is too old, unless an option says otherwise."""
WIDTH = 80
"""Columns of the text report; a narrower terminal gets fewer."""

vulnerabilities_option = click.option(
    "--vulnerabilities", is_flag=True, help="Report security advisories about the locked packages."
)
database_option = click.option(
    "--database",
    type=UserPath(),
    metavar="PATH",
    help="OSV exports: a folder with <ecosystem>/all.zip, or one zip file (default: what `orbiter "
    "osv update` fetched).",
)
max_age_option = click.option(
    "--max-age",
    type=click.IntRange(min=0),
    default=MAX_AGE,
    show_default=True,
    metavar="DAYS",
    help="Refuse a database whose newest advisory is older.",
)


class Source(NamedTuple):
    """The database to use (None for the one in the cache), and its highest age in days."""

    database: Path | None
    max_age: int


class Filter(NamedTuple):
    """The images, platforms and managers to look at; all if empty."""

    images: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()


def look_up(locks: Iterable["Lock"], source: Source, only: Filter) -> "list[Remainder]":
    """Return the vulnerabilities of locks, without those that images.toml ignores.

    Raises ExpectedError without a complete and current database for all their ecosystems.
    """
    from datetime import UTC, datetime, timedelta

    from orbiter.advisories.age import require_recent
    from orbiter.advisories.assess import assess
    from orbiter.advisories.ignore import without_ignored
    from orbiter.advisories.index import open_index
    from orbiter.advisories.subjects import restrict, subjects_of
    from orbiter.cli.board import Board
    from orbiter.config.read import read_ignored_advisories

    decisions = read_ignored_advisories(IMAGES)
    now = datetime.now(UTC)
    with Board() as board:
        index = open_index(_place(source.database), board("vulnerability database"))
    with closing(index):
        require_recent(index.database, now, timedelta(days=source.max_age))
        answers = [
            assess(subjects_of(restrict(lock, **only._asdict())), index.database, index.lookup)
            for lock in locks
        ]
    found = [without_ignored(answer, decisions, now.date()) for answer in answers]
    return [_without_unused(each) for each in found] if any(only) else found


def audit_release(
    release: str | None,
    images: tuple[str, ...],
    source: Source,
    *,
    output_format: str,
    show_all: bool,
    severity: str | None,
) -> None:
    """Print the vulnerabilities of a release, and exit with 1 if there are any.

    With a ``severity``, only those count that reach it.
    """
    gc.disable()  # a short process: scanning for cycles takes a tenth of its time
    from orbiter.lockfiles.lock_set import as_lock

    lock_set = read_lock_set(release)
    lock = as_lock(lock_set, lock_set.manifest.release)
    if lock.notes:
        problem = f"the lock set of release {lock.name} is partial"
        raise ExpectedError(problem, "run orbiter lock without --only")
    only = Filter(images=_image_names(lock_set, lock, images))
    (found,) = look_up([lock], source, only)
    click.echo(_rendered(lock.name, found, output_format, show_all=show_all), nl=False)
    findings = (*found.assessment.affected, *found.assessment.undecided)
    if (severity and fails_on(findings, (severity,))) or (findings and not severity):
        sys.exit(FINDINGS)


def fails_on(findings: "tuple[Finding, ...]", severities: tuple[str, ...]) -> bool:
    """Return whether findings reach a severity; warn about those whose severity is unknown."""
    from orbiter.advisories.thresholds import reaching, unrated

    if severities and (unknown := unrated(findings)):
        number = len(unknown)
        noun = "vulnerability has" if number == 1 else "vulnerabilities have"
        warn(f"{number} {noun} no known severity and cannot fail this check")
    return bool(reaching(findings, severities))


def _without_unused(remainder: "Remainder") -> "Remainder":
    """Return an answer about a part of a lock, which cannot show that a decision is unused."""
    from msgspec.structs import replace

    return replace(remainder, unused=())


def _place(database: Path | None) -> Path:
    place = database or fetched_database()
    if place is None:
        raise ExpectedError(
            "there is no vulnerability database on this machine",
            "run orbiter osv update, or name OSV exports with --database",
        )
    return place


def fetched_database() -> Path | None:
    """Return the database in the cache, None if nothing was fetched."""
    from orbiter.advisories.update import folder

    place = folder()
    return place if any(place.glob("*/all.zip")) else None


def _image_names(lock_set: "LockSet", lock: "Lock", names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the full names of images; raise ExpectedError for one whose packages are not listed.

    The packages of a build stage are those of its image.
    """
    from orbiter.lockset.names import resolve_stages

    resolved = resolve_stages(lock_set, names)
    images = sorted({scope.environment for scope in lock.packages})
    if unknown := [name for name in resolved if name not in images]:
        problem = f"'{unknown[0]}' is a stage, not an image that users pull"
        raise ExpectedError(problem, f"choose one of {', '.join(images)}")
    return resolved


def _rendered(name: str, found: "Remainder", output_format: str, *, show_all: bool) -> str:
    if output_format == "json":
        from orbiter.report.vulnerabilities import json

        return json.render(name, found)
    from orbiter.report.vulnerabilities.view import view_of

    view = view_of(name, found)
    if output_format == "markdown":
        from orbiter.report.vulnerabilities import markdown

        return markdown.render(view)
    if output_format == "html":
        from orbiter.report.vulnerabilities import html

        return html.render(view)
    from orbiter.report.vulnerabilities import text

    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return text.render(view, width=width, colour=has_colour, everything=show_all)
