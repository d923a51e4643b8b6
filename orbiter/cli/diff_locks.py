"""``orbiter diff-locks``: report what changed between two releases or lock files."""

import gc
import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import IMAGES, managers_option

if TYPE_CHECKING:
    from orbiter.diff.types import Diff

# Copied from orbiter.diff.types: importing it would slow down every --help by a seventh.
KINDS = ("added", "removed", "upgraded", "downgraded", "changed", "rebuilt", "moved")
FAILURES = ("added", "removed", "major", "downgraded", "moved", "rebuilt", "files", "any")
PIPED_WIDTH = 120
"""Columns of the text report if standard output is not a terminal."""


@click.command("diff-locks")
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "markdown", "json", "html"]),
    default="text",
    show_default=True,
    help="The output format.",
)
@click.option("--all", "show_all", is_flag=True, help="Do not shorten long lists.")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME",
    help="Only this image or environment; repeatable.",
)
@click.option(
    "--platform",
    "platforms",
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
    type=click.Choice(FAILURES),
    help="Exit with 1 on changes of this kind; repeatable. 'files' are those that build the "
    "images. A changed hash of the same version always counts, and so does a build file that does "
    "not follow from the lock files.",
)
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

    sides = align_scopes(load_lock(old), load_lock(_current_release() if new is None else new))
    check_names(sides, images=images, platforms=platforms)
    before, after = (
        restrict_lock(side, images=images, platforms=platforms, managers=managers) for side in sides
    )
    changes = filter_changes(diff(before, after), direct=direct, kinds=kinds)
    click.echo(_rendered(changes, output_format, show_all=show_all), nl=False)
    conditions = failures or (("any",) if exit_code else ())
    if conditions and matches_any(changes, conditions):
        sys.exit(FINDINGS)


def _current_release() -> str:
    from orbiter.config.read import read_image_set

    return read_image_set(IMAGES).version


def _rendered(changes: "Diff", output_format: str, *, show_all: bool) -> str:
    if output_format == "markdown":
        from orbiter.report import markdown

        return markdown.render(changes)
    if output_format == "json":
        from orbiter.report import json

        return json.render(changes)
    if output_format == "html":
        from orbiter.report import html

        return html.render(changes)
    from orbiter.report import text

    return text.render(changes, width=_width(), colour=_colour(), everything=show_all)


def _width() -> int:
    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
