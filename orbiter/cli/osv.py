"""``orbiter osv``: the vulnerability database on this machine."""

from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import format_option, quiet_option

if TYPE_CHECKING:
    from orbiter.advisories.index import Database
    from orbiter.advisories.update import Update
    from orbiter.tasks import StartTask

# Copied from orbiter.advisories.ecosystems: importing it would slow down every --help.
ECOSYSTEMS = ("Alpine", "Debian", "PyPI", "npm")


@click.group()
def osv() -> None:
    """Fetch security advisories for `audit` and `diff-locks`."""


@osv.command()
@click.argument("ecosystems", nargs=-1, type=click.Choice(ECOSYSTEMS), metavar="[ECOSYSTEM]...")
@format_option
@quiet_option
@guarded
def update(ecosystems: tuple[str, ...], output_format: str, quiet: bool) -> None:
    """Fetch the advisories of osv.dev into the cache.

    Fetches Alpine, Debian, PyPI and npm, or only each ECOSYSTEM, and skips what has not changed.
    An interrupted download continues. ORBITER_OSV_URL names a mirror.
    """
    from orbiter.cli.board import Board

    with Board(quiet=quiet) as board:
        updates = []
        for ecosystem in ecosystems or ECOSYSTEMS:
            updates.append(_update(ecosystem, board))
            if output_format == "text":
                click.echo(_line(updates[-1]))
        database = _index(board)
    if output_format == "json":
        _print_json(updates, database)
    else:
        _print_database(database)


def _print_json(updates: "list[Update]", database: "Database") -> None:
    from orbiter.cli.results import OneExport, OsvResult, print_json

    print_json(
        OsvResult(
            exports=tuple(OneExport(**each._asdict()) for each in updates),
            digest=database.digest,
            newest=database.newest,
            records=database.records,
        )
    )


def _print_database(database: "Database") -> None:
    counts = ", ".join(f"{name} {number:,}" for name, number in database.records.items())
    newest = database.newest.partition("T")[0]
    click.echo(f"{database.digest}\nnewest advisory {newest}, advisories: {counts}")


def _update(ecosystem: str, board: "StartTask") -> "Update":
    from orbiter.advisories import update
    from orbiter.sizes import format_size

    report = board(ecosystem)

    def progress(received: int, total: int) -> None:
        of_total = f" of {format_size(total)}" if total else ""
        report(f"{format_size(received)}{of_total}")

    result = update.update(ecosystem, progress)
    report("")
    return result


def _index(board: "StartTask") -> "Database":
    """Make the index now, so that the first answer is as fast as later ones."""
    from orbiter.advisories import update
    from orbiter.advisories.index import open_index

    report = board("index")
    index = open_index(update.folder(), report)
    index.close()
    report("")
    return index.database


def _line(result: "Update") -> str:
    from orbiter.sizes import format_size

    state = "new" if result.is_new else "unchanged"
    return f"{result.ecosystem}: {state}, {format_size(result.size)}"
