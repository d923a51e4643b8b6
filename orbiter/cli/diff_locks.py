"""The commands that compare: ``orbiter diff-locks`` and ``orbiter log``."""

import gc
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import SOMETHING_TO_SEE, guarded

if TYPE_CHECKING:
    from orbiter.diff.types import Diff

from orbiter.cli.options import managers_option

IMAGES = Path("images.toml")
# Written out here: to import them from where they are typed would cost every --help a seventh of its time.
KINDS = ("added", "removed", "upgraded", "downgraded", "changed", "rebuilt", "moved")
FAILURES = ("added", "removed", "major", "downgraded", "moved", "rebuilt", "any")
PIPED_WIDTH = 120


@click.command("diff-locks")
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json", "html"]),
    default="text",
    show_default=True,
)
@click.option("--all", "everything", is_flag=True, help="Unfold long lists.")
@click.option(
    "--image", "images", multiple=True, metavar="NAME", help="Only this image (or environment)."
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="NAME",
    help="Only this platform, as the locks name it.",
)
@managers_option
@click.option("--direct", is_flag=True, help="Only packages that a person asked for.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only changes of this kind."
)
@click.option("--exit-code", is_flag=True, help="End with code 1 when anything differs.")
@click.option(
    "--fail-on",
    "failures",
    multiple=True,
    type=click.Choice(FAILURES),
    help="End with code 1 when there is such a change; may be repeated. Altered packages always count.",
)
@guarded
def diff_locks(
    old: str,
    new: str | None,
    form: str,
    everything: bool,
    images: tuple[str, ...],
    platforms: tuple[str, ...],
    managers: tuple[str, ...],
    direct: bool,
    kinds: tuple[str, ...],
    exit_code: bool,
    failures: tuple[str, ...],
) -> None:
    """Say what changed from OLD to NEW; without NEW to the release of images.toml now.

    Each is a release (0.1.0), a lock file of any kind that Orbiter reads, or one at a git revision
    (v1.0:conda-lock.yml).
    """
    gc.disable()  # this process is short, and looking for circles in 100,000 packages takes a tenth of its time
    from orbiter.diff.compare import diff
    from orbiter.diff.filter import check_names, filter_changes, matches_any, restrict_lock
    from orbiter.diff.scopes import align_scopes
    from orbiter.lockfiles.named import load_lock

    sides = align_scopes(load_lock(old), load_lock(_release_now() if new is None else new))
    check_names(sides, images=images, platforms=platforms)
    before, after = (
        restrict_lock(side, images=images, platforms=platforms, managers=managers) for side in sides
    )
    found = filter_changes(diff(before, after), direct=direct, kinds=kinds)
    click.echo(_rendered(found, form, everything=everything), nl=False)
    wanted = failures or (("any",) if exit_code else ())
    if wanted and matches_any(found, wanted):
        sys.exit(SOMETHING_TO_SEE)


def _release_now() -> str:
    from orbiter.config.read import read_image_set

    return read_image_set(IMAGES).version


def _rendered(found: "Diff", form: str, *, everything: bool) -> str:
    if form == "markdown":
        from orbiter.report import markdown

        return markdown.render(found)
    if form == "json":
        from orbiter.report import json

        return json.render(found)
    if form == "html":
        from orbiter.report import html

        return html.render(found)
    from orbiter.report import text

    return text.render(found, width=_width(), colour=_colour(), everything=everything)


def _width() -> int:
    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns


def _colour() -> bool:
    import os

    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
