"""``orbiter bump``: write the next release into images.toml."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES, quiet_option

if TYPE_CHECKING:
    from orbiter.config.image_set import ImageSet
    from orbiter.diff.types import Suggestion


@click.command()
@click.argument("step", type=click.Choice(["patch", "minor", "major", "auto"]))
@quiet_option
@guarded
def bump(step: Literal["patch", "minor", "major", "auto"], quiet: bool) -> None:
    """Write the next version into images.toml.

    Comments are kept. "auto" resolves without writing a lock set, compares the result with the
    locked release, and takes the step that diff-locks suggests.
    """
    from orbiter.config.read import read_image_set
    from orbiter.release.bump import next_release, write_version

    image_set = read_image_set(IMAGES)
    if step == "auto":
        suggestion = _suggestion(image_set, quiet=quiet)
        version = suggestion.release
        reason = f" ({suggestion.step}: {suggestion.reason})"
        if not version:
            click.echo(f"{IMAGES} stays at {image_set.version}: nothing would change")
            return
    else:
        version = next_release(image_set.version, step)
        reason = ""
    write_version(IMAGES, version)
    click.echo(f"{IMAGES}: {image_set.version} → {version}{reason}")


def _suggestion(image_set: "ImageSet", *, quiet: bool) -> "Suggestion":
    from orbiter.cli.board import Board
    from orbiter.locking.environment import LocalEnvironment
    from orbiter.locking.options import lock_options
    from orbiter.release.bump import suggest_release

    now = datetime.now(UTC)
    options = lock_options(image_set, upgrade=False, packages=(), as_of=None, only=None, now=now)
    with Board(quiet=quiet) as board:
        return suggest_release(image_set, options, LocalEnvironment(), board)
