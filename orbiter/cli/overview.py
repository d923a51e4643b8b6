"""The README as the overview of a repository on Docker Hub, for ``orbiter push --readme``."""

from pathlib import Path

import click

from orbiter.cli.errors import warn
from resolvers.errors import ExpectedError, read_problem

README = Path("README.md")

readme_option = click.option(
    "--readme",
    is_flag=True,
    help="Then make README.md the overview of the repository on Docker Hub.",
)


def read_overview(repository: str) -> str:
    """Return the text of the README; raise ExpectedError if it cannot be sent."""
    from orbiter.docker.client import credentials
    from orbiter.oci.hub import check_overview, relative_links

    try:
        text = README.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ExpectedError(f"{README} not found", "create it, or push without --readme") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ExpectedError(
            f"cannot read {README}: {read_problem(error)}", "use a text file in UTF-8"
        ) from error
    check_overview(repository, text, credentials)
    if number := relative_links(text):
        links = "1 relative link" if number == 1 else f"{number} relative links"
        warn(f"{README} has {links}, which Docker Hub cannot resolve", "write complete addresses")
    return text


def publish_overview(repository: str, text: str) -> None:
    """Send the README after the images; raise ExpectedError if Docker Hub refuses it."""
    from orbiter.docker.client import credentials
    from orbiter.oci import hub

    try:
        hub.send_overview(repository, text, credentials, hub.API)
    except ExpectedError as error:
        raise ExpectedError(
            f"the images are pushed, but not {README}: {error.message}", error.hint
        ) from error
