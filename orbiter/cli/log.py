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
    from orbiter.diff.history import history, of_releases, of_tags
    from orbiter.report.log import render
    from resolvers.errors import ExpectedError

    moments = of_tags(path) if path else of_releases()
    left_out: list[ExpectedError] = []
    told = render(history(name, moments, managers, left_out.append))
    for error in left_out:
        click.echo(f"left out: {error.message}", err=True)
    if not told:
        raise ExpectedError(
            f"none of {len(moments)} {'tags' if path else 'releases'} has a package '{name}'",
            "look at how it is spelled",
        )
    click.echo(told, nl=False)
