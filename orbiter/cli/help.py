"""``orbiter help``: show the help of a command."""

import click

from orbiter.cli.errors import guarded


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
@guarded
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of COMMAND, or of orbiter.

    `orbiter help osv update` is the same as `orbiter osv update --help`.
    """
    place = ctx.find_root()
    for word in words:
        group = place.command
        found = group.get_command(place, word) if isinstance(group, click.Group) else None
        if found is None:
            names = group.commands if isinstance(group, click.Group) else ()
            raise click.NoSuchCommand(word, possibilities=names, ctx=place)
        place = click.Context(found, info_name=found.name, parent=place)
    click.echo(place.get_help())
