"""``orbiter lint``: find faults in lock files."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.directory import LockName
from orbiter.cli.errors import EXPECTED_ERROR, FINDINGS, guarded, print_error
from orbiter.cli.options import IMAGES, formats_option
from orbiter.cli.vulnerabilities import database_option, fetched_database
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.lint.types import LintResult, Settings

WIDTH = 80
"""Columns of the text report; a narrower terminal gets fewer."""
COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command()
@click.argument("files", nargs=-1, type=LockName(), metavar="[FILE]...")
@formats_option("text", "json", "sarif", "github")
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="ID",
    help="Ignore the findings of this rule; repeatable.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="HOST",
    help="Report all other hosts; repeatable. A pattern such as *.example.org is allowed.",
)
@database_option
@click.option("--all", "show_all", is_flag=True, help="Do not shorten long lists.")
@guarded
def lint(
    files: tuple[str, ...],
    output_format: str,
    ignored: tuple[str, ...],
    allowed_hosts: tuple[str, ...],
    database: Path | None,
    show_all: bool,
) -> None:
    """Find faults in lock sets and lock files.

    FILE is a release (0.1.0), the folder of a lock set, or a lock file in any supported format. By
    default, Orbiter checks the lock set of the release in images.toml, or all lock sets if that
    release is not locked. No network is used. Exits with 1 if there are findings.
    """
    from orbiter.lint.targets import check_targets

    _check_rules("--ignore", ignored)
    with lint_settings(database, ignored, allowed_hosts) as settings:
        result = check_targets(files or _default_files(), settings)
    click.echo(_rendered(result, output_format, show_all=show_all), nl=False)
    for error in result.errors:
        print_error(error.message, error.hint)
    if result.errors:
        sys.exit(EXPECTED_ERROR)
    if any(file.findings for file in result.files):
        sys.exit(FINDINGS)


@contextmanager
def lint_settings(
    database: Path | None, ignored: tuple[str, ...] = (), allowed_hosts: tuple[str, ...] = ()
) -> "Iterator[Settings]":
    """Yield the settings of a run: options, images.toml, and the database if there is one."""
    from orbiter.config.read import read_lint_keys
    from orbiter.lint.types import Settings

    keys = read_lint_keys(IMAGES)
    _check_rules(f"{IMAGES}: lint.ignore:", keys.ignore)
    settings = Settings(
        ignored=frozenset((*ignored, *keys.ignore)),
        allowed_hosts=(*allowed_hosts, *keys.allowed_hosts),
        known_names=frozenset(keys.known_names),
    )
    place = database or fetched_database()
    if place is None:
        yield settings
        return
    from msgspec.structs import replace

    from orbiter.advisories.index import open_index
    from orbiter.advisories.malicious import malicious_lookup

    with closing(open_index(place)) as index:
        newest = index.database.newest.partition("T")[0]
        yield replace(
            settings,
            malicious=malicious_lookup(index),
            database=f"{index.database.digest}, newest advisory {newest}",
        )


def _check_rules(place: str, ignored: tuple[str, ...]) -> None:
    from orbiter.lint.rules import RULES

    for rule in ignored:
        if rule not in RULES:
            raise ExpectedError(f"{place} {rule}: no such rule", f"rules: {', '.join(RULES)}")
        if not RULES[rule].can_be_ignored:
            raise ExpectedError(
                f"{place} {rule}: this rule cannot be ignored",
                "the entries of such a file cannot be checked, so repair it",
            )


def _default_files() -> tuple[str, ...]:
    """Return the lock set of the release in images.toml, otherwise all lock sets."""
    from orbiter.config.mistakes import ConfigError
    from orbiter.config.read import read_image_set
    from orbiter.lockset import folder

    releases = folder.releases()
    try:
        current = read_image_set(IMAGES).version
    except ConfigError:
        current = ""
    if current in releases:
        return (current,)
    if not releases:
        raise ExpectedError(f"no lock set in {folder.LOCKS}/", "run orbiter lock, or name a file")
    return releases


def _rendered(result: "LintResult", output_format: str, *, show_all: bool) -> str:
    if output_format == "json":
        from orbiter.lint.report import json

        return json.render(result)
    if output_format == "sarif":
        from orbiter.lint.report import sarif

        return sarif.render(result)
    if output_format == "github":
        from orbiter.lint.report import github

        return github.render(result)
    from orbiter.lint.report import text

    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    return text.render(result, width=width, style=_style, everything=show_all)


def _style(text: str, severity: str) -> str:
    has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return click.style(text, fg=COLOURS[severity], bold=True) if has_colour else text
