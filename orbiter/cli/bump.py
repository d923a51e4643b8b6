"""``orbiter bump``: write the next release into images.toml."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES, format_option, quiet_option

if TYPE_CHECKING:
    from orbiter.config.image_set import ImageSet
    from orbiter.diff.types import Suggestion


@click.command()
@click.argument("step", type=click.Choice(["patch", "minor", "major", "auto"]))
@format_option
@quiet_option
@guarded
def bump(step: Literal["patch", "minor", "major", "auto"], output_format: str, quiet: bool) -> None:
    """Write the next version into images.toml.

    Comments are kept. "auto" resolves without writing a lock set, compares the result with the
    locked release, and takes the step that diff-locks suggests.
    """
    from orbiter.config.read import read_image_set
    from orbiter.release.bump import next_release, write_version

    image_set = read_image_set(IMAGES)
    old, taken, reason = image_set.version, str(step), ""
    if step == "auto":
        suggestion = _suggestion(image_set, quiet=quiet)
        version, taken, reason = suggestion.release, suggestion.step, suggestion.reason
    else:
        version = next_release(old, step)
    if version:
        write_version(IMAGES, version)
    if output_format == "json":
        _print_json(old, version or old, taken, reason)
    elif version:
        explanation = f" ({taken}: {reason})" if reason else ""
        click.echo(f"{IMAGES}: {old} → {version}{explanation}")
    else:
        click.echo(f"{IMAGES} stays at {old}: nothing would change")


def _print_json(old: str, new: str, step: str, reason: str) -> None:
    from orbiter.cli.results import BumpResult, print_json

    print_json(BumpResult(old=old, new=new, step=step, reason=reason))


def _suggestion(image_set: "ImageSet", *, quiet: bool) -> "Suggestion":
    from orbiter.cli.board import Board
    from orbiter.locking.environment import LocalEnvironment
    from orbiter.locking.options import lock_options
    from orbiter.release.bump import suggest_release

    now = datetime.now(UTC)
    options = lock_options(image_set, upgrade=False, packages=(), as_of=None, only=None, now=now)
    with Board(quiet=quiet) as board:
        return suggest_release(image_set, options, LocalEnvironment(), board)
