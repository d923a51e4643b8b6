"""``orbiter clean``: remove images and containers that Orbiter made."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.completion import complete_release
from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES, format_option
from orbiter.cli.terminal import print_lines
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.images.clean import CleanupPlan


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="List what would be removed; remove nothing.")
@click.option("--all", "everything", is_flag=True, help="Also remove fresh and released images.")
@click.option(
    "--stale", is_flag=True, help="Only remove images that were built from another lock set."
)
@click.option(
    "--release",
    metavar="VERSION",
    shell_complete=complete_release,
    help="Only remove the images of this release.",
)
@click.option("--containers", is_flag=True, help="Only remove containers that Orbiter left behind.")
@click.option("--dangling", is_flag=True, help="Only remove images without a tag.")
@click.option(
    "--build-cache",
    is_flag=True,
    help="Only remove records of the Docker engine's build cache that lock sets explain.",
)
@format_option
@guarded
def clean(
    yes: bool,
    dry_run: bool,
    everything: bool,
    stale: bool,
    release: str | None,
    containers: bool,
    dangling: bool,
    build_cache: bool,
    output_format: str,
) -> None:
    """Remove old images, unused containers and partial files.

    Removes only what Orbiter made and what no other container uses. Containers
    of killed commands may still run; those of running commands stay. Fresh
    images, images of recorded releases, complete files in the store, lock sets
    and the build cache are kept. --containers, --dangling and --build-cache may
    be combined; then nothing else is removed.
    """
    from orbiter.config.read import read_image_set
    from orbiter.images import clean as images_clean
    from orbiter.lockset.versions import release_name

    chosen = zip(images_clean.KINDS, (containers, dangling, build_cache), strict=True)
    kinds = frozenset(kind for kind, is_chosen in chosen if is_chosen)
    choices = everything + stale + (release is not None)
    if choices > 1 or (choices and kinds):
        raise click.UsageError(
            "--all, --stale and --release cannot be combined"
            " with each other or with --containers, --dangling and --build-cache"
        )
    scope = images_clean.CleanupScope(
        everything=everything, stale=stale, release=release_name(release or ""), kinds=kinds
    )
    found = images_clean.plan_cleanup(read_image_set(IMAGES), scope)
    for line in found.notes:
        print_lines(line, err=True)
    is_text = output_format == "text"
    if found.leftovers:
        click.echo(images_clean.format_table(found.leftovers), err=not is_text)
    agreed = bool(found.leftovers) and not dry_run and (yes or _confirmed(found))
    freed = images_clean.remove(found.leftovers) if agreed else 0
    if is_text:
        click.echo(_outcome(found, freed, agreed=agreed, dry_run=dry_run))
    else:
        _print_json(found, freed, agreed=agreed)


def _outcome(found: "CleanupPlan", freed: int, *, agreed: bool, dry_run: bool) -> str:
    """Return the last line for people."""
    from orbiter.sizes import format_size

    if not found.leftovers:
        return "nothing to remove"
    if not agreed:
        return "dry run: nothing was removed" if dry_run else "nothing was removed"
    has_cache = any(leftover.records for leftover in found.leftovers)
    cache = f"; BuildKit freed {format_size(freed)}" if has_cache else ""
    return f"removed {len(found.leftovers)}{cache}"


def _print_json(found: "CleanupPlan", freed: int, *, agreed: bool) -> None:
    from msgspec import convert

    from orbiter.cli.results import CleanResult, OneLeftover, print_json

    leftovers = convert(found.leftovers, tuple[OneLeftover, ...], from_attributes=True)
    print_json(
        CleanResult(removed=agreed, leftovers=leftovers, cache_freed=freed, notes=found.notes)
    )


def _confirmed(found: "CleanupPlan") -> bool:
    if not sys.stdin.isatty():
        raise ExpectedError(
            "nothing was removed: confirmation needs a terminal", "run orbiter clean --yes"
        )
    return click.confirm(f"Remove these {len(found.leftovers)}?", err=True)
