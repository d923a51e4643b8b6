"""``orbiter man``: write the manual pages."""

from pathlib import Path

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded


@click.command()
@click.argument("folder", type=UserPath(file_okay=False))
@click.pass_context
@guarded
def man(ctx: click.Context, folder: Path) -> None:
    """Write the manual pages to FOLDER.

    One page for each command, with the text of its help, such as orbiter-build.1. In
    ~/.local/share/man/man1, `man orbiter-build` finds them.
    """
    from orbiter.cli.man_pages import man_pages
    from orbiter.files import write_text

    group = ctx.find_root().command
    assert isinstance(group, click.Group)
    pages = man_pages(group)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        write_text(folder / name, text)
    click.echo(f"wrote {len(pages)} pages to {folder}")
