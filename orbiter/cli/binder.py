"""``orbiter binder``: publish a released image on Binder or JupyterHub."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from orbiter.cli.completion import complete_image
from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded, warn
from orbiter.cli.options import format_option
from orbiter.cli.released import read_released, recorded_release_option
from orbiter.cli.usage import refuse_without
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.cli.results import BinderResult
    from orbiter.lockset.model import LockSet
    from orbiter.platforms.binder import Content, Interface

DOCKERFILE = Path("binder/Dockerfile")
PULLER = "nbgitpuller"
SERVERS = frozenset({"jupyterlab", "notebook"})
"""Packages with an interface that Binder starts."""


@click.command()
@click.argument("image", shell_complete=complete_image)
@recorded_release_option
@click.option(
    "--folder",
    type=UserPath(file_okay=False, exists=True),
    help="The environment repository (default: the folder of images.toml).",
)
@click.option(
    "--environment", metavar="URL", help="The address of the environment repository, for Binder."
)
@click.option(
    "--ref",
    metavar="REF",
    default="HEAD",
    show_default=True,
    help="Its branch, tag or commit that Binder starts.",
)
@click.option("--content", metavar="URL", help="A repository with notebooks to pull at the start.")
@click.option("--branch", metavar="NAME", default="", help="The branch of the content.")
@click.option(
    "--path", metavar="PATH", default="", help="The file or folder of the content that opens."
)
@click.option(
    "--interface",
    type=click.Choice(["lab", "notebook"]),
    default="lab",
    show_default=True,
    help="The interface that opens the content.",
)
@click.option(
    "--hub", metavar="URL", help="Also print the link to the content for this JupyterHub."
)
@click.option(
    "--binder",
    "server",
    metavar="URL",
    default="https://mybinder.org",
    show_default=True,
    help="The BinderHub.",
)
@format_option
@guarded
def binder(
    image: str,
    release: str | None,
    folder: Path | None,
    environment: str | None,
    ref: str,
    content: str | None,
    branch: str,
    path: str,
    interface: str,
    hub: str | None,
    server: str,
    output_format: str,
) -> None:
    """Publish a released IMAGE on Binder or JupyterHub.

    Writes binder/Dockerfile, which starts from the tag and digest of the image.
    With --environment, prints the link and the badge that start it on Binder.

    With --content, nbgitpuller pulls another repository at the start and opens
    a path of it, so notebooks change without building an image. Otherwise the
    image gets the files of the environment repository itself.
    """
    from orbiter.cli.results import BinderResult, print_json
    from orbiter.platforms import binder as platform

    if not content:
        refuse_without("--content", "branch", "path", "interface", "hub")
    if not environment:
        refuse_without("--environment", "ref", "server")
    lock_set, recorded = read_released(release)
    stage = _image(lock_set, image)
    pulled = _content(lock_set, stage, content, branch, path, interface) if content else None
    link = platform.binder_link(server, environment, ref, pulled) if environment else ""
    hub_link = platform.hub_link(hub, pulled) if hub and pulled else ""
    _warn(lock_set, stage)
    file = (folder or Path()) / DOCKERFILE
    text = platform.dockerfile(lock_set, recorded, stage, copy=pulled is None)
    platform.write_dockerfile(file, text)
    result = BinderResult(
        file=str(file),
        image=f"{stage}-{recorded.release}",
        binder=link,
        badge=platform.badge(server, link) if link else "",
        hub=hub_link,
    )
    if output_format == "json":
        print_json(result)
    else:
        _print(result)


def _image(lock_set: "LockSet", name: str) -> str:
    """Return the full name of an image that users pull."""
    from orbiter.lockset.names import resolve_stage
    from orbiter.lockset.record import image_stages

    stage = resolve_stage(lock_set, name)
    images = image_stages(lock_set)
    if stage not in images:
        raise ExpectedError(
            f"{stage} is a build stage, not an image", f"choose one of {', '.join(images)}"
        )
    return stage


def _warn(lock_set: "LockSet", stage: str) -> None:
    """Warn about an image that Binder may not pull or start."""
    from orbiter.platforms.binder import is_on_this_machine

    repository = lock_set.image_set.repository
    if is_on_this_machine(repository):
        warn(
            f"other machines cannot pull {repository}",
            "set 'repository' in images.toml to a public one for the next release",
        )
    if not _packages(lock_set, stage) & SERVERS:
        warn(
            f"no lock file of {stage} has JupyterLab or Jupyter Notebook, which Binder starts",
            f"choose an image that has one, or add it: orbiter add jupyterlab --image {stage}",
        )
    warn_of_user(lock_set, stage)


def warn_of_user(lock_set: "LockSet", stage: str) -> None:
    """Warn about an image whose user is not that of Binder."""
    from orbiter.platforms.binder import UID, other_user

    if user := other_user(lock_set, stage):
        warn(
            f"{stage} runs as the user {user}, but Binder runs containers with the uid {UID}",
            f"use the uid {UID} in images.toml for the next release",
        )


def _packages(lock_set: "LockSet", stage: str) -> set[str]:
    """Return the names of the packages of an image."""
    from orbiter.query.packages import Selection, listing

    (listed,) = listing(lock_set, Selection(images=(stage,))).images
    return {package.name for package in listed.packages}


def _content(
    lock_set: "LockSet", stage: str, url: str, branch: str, path: str, interface: str
) -> "Content":
    """Return the content after checking that the image can pull it."""
    from orbiter.platforms.binder import Content, check_content

    content = Content(
        url=url, branch=branch, path=path.strip("/"), interface=cast("Interface", interface)
    )
    check_content(content)
    if PULLER not in _packages(lock_set, stage):
        raise ExpectedError(
            f"{stage}-{lock_set.manifest.release} does not contain {PULLER}, which pulls content",
            f"add {PULLER} to its packages and release it: orbiter add {PULLER}",
        )
    return content


def _print(result: "BinderResult") -> None:
    click.echo(f"wrote {result.file}: {result.image}")
    if result.binder:
        click.echo(f"\nBinder: {result.binder}\n\nbadge:  {result.badge}")
    else:
        click.echo("for its link and badge on Binder, add --environment URL")
    if result.hub:
        click.echo(f"\nhub:    {result.hub}")
