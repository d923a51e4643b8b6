"""``orbiter run``: start JupyterLab in an image."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from orbiter.cli.binder import warn_of_user
from orbiter.cli.completion import complete_image
from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import locked_option, read_lock_set, release_option
from orbiter.cli.terminal import print_lines

F = TypeVar("F", bound=Callable[..., Any])


def run_options(command: F) -> F:
    """Add the argument and the options of ``run`` and ``r2d``."""
    options = (
        click.argument("image", shell_complete=complete_image),
        release_option,
        locked_option,
        click.option(
            "--port",
            type=click.IntRange(1, 65535),
            help="The port on this machine (default: 8888, or a free one).",
        ),
        click.option(
            "--mount",
            type=UserPath(exists=True, file_okay=False),
            help="Mount this folder at ~/work.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@run_options
@click.option("--repo2docker", is_flag=True, help="Start it with repo2docker, as Binder does.")
@guarded
def run(
    image: str,
    release: str | None,
    locked: bool,
    port: int | None,
    mount: Path | None,
    repo2docker: bool,
) -> None:
    """Start JupyterLab in IMAGE and print its URL.

    IMAGE is a name such as debian-base. Ctrl-C stops the container.
    """
    if repo2docker:
        start_with_repo2docker(image, release, locked, port, mount)
        return
    from orbiter.images.start import run_image

    run_image(read_lock_set(release, locked=locked), image, port=port, mount=mount)


def start_with_repo2docker(
    image: str, release: str | None, locked: bool, port: int | None, mount: Path | None
) -> None:
    """Run an image of a lock set with repo2docker."""
    from orbiter.lockset.names import resolve_stage
    from orbiter.platforms.repo2docker import run_with_repo2docker

    def progress(text: str) -> None:
        print_lines(text, err=True)

    lock_set = read_lock_set(release, locked=locked)
    # Here the container runs with the uid of the image, which would hide the difference.
    warn_of_user(lock_set, resolve_stage(lock_set, image))
    run_with_repo2docker(lock_set, image, progress, port=port, mount=mount)
