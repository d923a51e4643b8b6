"""Options that several commands share, and the lock set that a command works on."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orbiter.cli.completion import complete_platform, complete_release, complete_stage
from orbiter.cli.errors import warn
from orbiter.cli.verbosity import be_quiet
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.config.image_set import ImageSet
    from orbiter.lockset.model import LockSet

F = TypeVar("F", bound=Callable[..., Any])

IMAGES = Path("images.toml")
SHOWN_CHANGES = 5
"""Number of changed keys in a warning."""
MANAGERS = ("apk", "apt", "conda", "npm", "pip")
COMPARED_MANAGERS = (*MANAGERS, "cargo", "r")
"""The managers whose lock files can be compared."""

release_option = click.option(
    "--release",
    metavar="VERSION",
    shell_complete=complete_release,
    help="A locked release (default: the version in images.toml).",
)
locked_option = click.option(
    "--locked", is_flag=True, help="Fail if images.toml has changed since it was locked."
)
builder_option = click.option("--builder", metavar="NAME", help="Use this buildx builder.")
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, callback=be_quiet, help="Do not show progress."
)


def formats_option(*formats: str) -> Callable[[F], F]:
    """Return the option ``--format`` for some formats; the first one is the default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="The output format.",
    )


format_option = formats_option("text", "json")
platform_option = click.option(
    "--platform",
    "platforms",
    shell_complete=complete_platform,
    multiple=True,
    metavar="OS/ARCH",
    help="Only this platform; repeatable.",
)
stages_option = click.option(
    "--image",
    "stages",
    shell_complete=complete_stage,
    multiple=True,
    metavar="NAME",
    help="Only this image or stage; repeatable.",
)
managers_option = click.option(
    "--manager",
    "managers",
    multiple=True,
    type=click.Choice(COMPARED_MANAGERS),
    help="Only packages of this manager; repeatable.",
)

locked_managers_option = click.option(
    "--manager",
    "managers",
    multiple=True,
    type=click.Choice(MANAGERS),
    help="Only packages of this manager; repeatable.",
)
MIN_WIDTH = 40
PIPED_WIDTH = 80
"""Columns of text if standard output is not a terminal."""


def text_width() -> int:
    """Return the number of columns of the terminal."""
    import shutil

    return max(shutil.get_terminal_size((PIPED_WIDTH, 24)).columns, MIN_WIDTH)


def read_lock_set(release: str | None, *, locked: bool = False) -> "LockSet":
    """Read and check the lock set of a release (default: the version in images.toml).

    Warns if images.toml describes the release and has changed since it was locked; with ``locked``
    this is an error.
    """
    from orbiter.lockset import exchange, folder
    from orbiter.lockset.versions import SEMVER, release_name

    exchange.recover(folder.LOCKS)
    image_set = _image_set(required=release is None)
    if release is None and image_set:
        release = image_set.version
    name = release_name(release or "")
    existing = folder.releases()
    if existing and name not in existing:
        is_release = SEMVER.fullmatch(name)
        raise ExpectedError(
            f"release {name} is not locked" if is_release else f"'{name}' is not a release",
            f"choose a locked release ({', '.join(existing)}), or run orbiter lock",
        )
    lock_set = folder.read(folder.release_folder(name))
    if image_set and image_set.version == name:
        _report_changes(lock_set, image_set, locked=locked)
    return lock_set


def read_derived_lock_set(release: str | None) -> "LockSet":
    """Read the lock set of a release; refuse it if build/ does not follow from its lock files.

    The lists in build/ name the files to download and, for conda, their hosts.
    """
    from orbiter.render.derived import derive

    lock_set = read_lock_set(release)
    derive(lock_set)
    return lock_set


def _image_set(*, required: bool) -> "ImageSet | None":
    """Return the image set; None if it is not required and images.toml cannot be read."""
    from orbiter.config.mistakes import ConfigError
    from orbiter.config.read import read_image_set

    try:
        return read_image_set(IMAGES)
    except ConfigError:
        if required:
            raise
        return None


def _report_changes(lock_set: "LockSet", image_set: "ImageSet", *, locked: bool) -> None:
    from orbiter.config.changes import changed_keys

    changes = changed_keys(lock_set.image_set, image_set)
    if not changes:
        return
    lines = [f"\n  {change}" for change in changes[:SHOWN_CHANGES]]
    if len(changes) > SHOWN_CHANGES:
        lines.append(f"\n  and {len(changes) - SHOWN_CHANGES} more")
    problem = f"{IMAGES} has changed since release {image_set.version} was locked:{''.join(lines)}"
    hint = "run orbiter lock to include the changes"
    if locked:
        raise ExpectedError(problem, hint)
    warn(problem, hint)
