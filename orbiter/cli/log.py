"""``orbiter log``: the history of a package."""

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import managers_option


@click.command()
@click.argument("name")
@click.option(
    "--git",
    "path",
    type=UserPath(path_type=str),
    metavar="PATH",
    help="Search the lock file at PATH in all tags of this git repository.",
)
@managers_option
@guarded
def log(name: str, path: str | None, managers: tuple[str, ...]) -> None:
    """Show in which release each version of NAME appeared."""
    from orbiter.diff.history import history, release_revisions, tag_revisions
    from orbiter.report.log import render
    from resolvers.errors import ExpectedError

    if path:
        revisions, searched = tag_revisions(path), "tags"
    else:
        revisions, searched = release_revisions(), "releases"
    unreadable: list[ExpectedError] = []
    lines = render(history(name, revisions, managers, unreadable.append))
    for error in unreadable:
        click.echo(f"skipped: {error.message}", err=True)
    if not lines:
        raise ExpectedError(
            f"package '{name}' not found in {len(revisions)} {searched}", "check its spelling"
        )
    click.echo(lines, nl=False)
