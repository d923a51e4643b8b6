"""``orbiter log``: the history of a package."""

from typing import TYPE_CHECKING

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import format_option, managers_option
from orbiter.cli.terminal import print_lines
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.cli.results import VersionEvent
    from orbiter.diff.history import HistoryEvent


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
@format_option
@guarded
def log(name: str, path: str | None, managers: tuple[str, ...], output_format: str) -> None:
    """Show in which release each version of NAME appeared."""
    from orbiter.diff.history import history, release_revisions, tag_revisions
    from orbiter.report.log import render

    if path:
        revisions, searched = tag_revisions(path), "tags"
    else:
        revisions, searched = release_revisions(), "releases"
    unreadable: list[ExpectedError] = []
    events = list(history(name, revisions, managers, unreadable.append))
    for error in unreadable:
        print_lines(f"skipped: {error.message}", err=True)
    if not events:
        raise ExpectedError(
            f"package '{name}' not found in any of the {searched}", "check its spelling"
        )
    if output_format == "json":
        _print_json(events, unreadable)
    else:
        click.echo(render(events), nl=False)


def _print_json(events: "list[HistoryEvent]", unreadable: "list[ExpectedError]") -> None:
    from orbiter.cli.results import LogResult, print_json

    skipped = tuple(error.message for error in unreadable)
    print_json(LogResult(events=tuple(map(_event, events)), skipped=skipped))


def _event(event: "HistoryEvent") -> "VersionEvent":
    from orbiter.cli.results import VersionEvent

    change = event.change
    places = (" ".join(filter(None, where.scope)) for where in change.where)
    return VersionEvent(
        name=change.name,
        manager=change.manager,
        release=event.release,
        date=event.date,
        kind=change.kind,
        old=change.old,
        new=change.new,
        images=() if change.everywhere else tuple(places),
        altered=change.altered,
    )
