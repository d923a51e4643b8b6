"""``orbiter log``."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import managers_option


@click.command()
@click.argument("name")
@click.option(
    "--git",
    "path",
    metavar="PATH",
    help="Over the tags of this git repository, for the lock file at PATH.",
)
@managers_option
@guarded
def log(name: str, path: str | None, managers: tuple[str, ...]) -> None:
    """Say in which release each version of the package NAME appeared."""
    from orbiter.diff.history import history, release_revisions, tag_revisions
    from orbiter.report.log import render
    from resolvers.errors import ExpectedError

    revisions = tag_revisions(path) if path else release_revisions()
    left_out: list[ExpectedError] = []
    told = render(history(name, revisions, managers, left_out.append))
    for error in left_out:
        click.echo(f"left out: {error.message}", err=True)
    if not told:
        raise ExpectedError(
            f"none of {len(revisions)} {'tags' if path else 'releases'} has a package '{name}'",
            "look at how it is spelled",
        )
    click.echo(told, nl=False)
