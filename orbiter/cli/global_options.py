"""Options that people may write before the command or after it, as with uv and git."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import click

from orbiter.cli.directory import change_directory, enter_project
from orbiter.cli.usage import ALIASES
from orbiter.cli.verbosity import be_quiet, be_verbose

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
"""The folder of ``-C``; the only path that is not a UserPath, because it precedes the search."""
Callback = Callable[[click.Context, click.Parameter, Any], Any]


def group_options() -> list[click.Parameter]:
    """Return the options before the command, which also have environment variables."""
    return [
        _directory(change_directory, envvar="ORBITER_DIRECTORY", show_envvar=True),
        _flag("-q", "--quiet", be_quiet, "Do not show progress.", envvar="ORBITER_QUIET"),
        _flag(
            "-v",
            "--verbose",
            be_verbose,
            "Show the programs that run and the requests that are made.",
            envvar="ORBITER_VERBOSE",
        ),
    ]


def add_global_options(command: click.Command) -> None:
    """Let a command accept the global options too, unless it has an option of that name."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            add_global_options(each)
        return
    command.epilog = command.epilog or _epilog(command.name or "")
    taken = {name for param in command.params for name in param.opts}
    command.params = [
        *(each for each in _hidden_options() if not taken.intersection(each.opts)),
        *command.params,
    ]


def _epilog(name: str) -> str:
    """Return the last line of the help of a command."""
    aliases = [f"orbiter {alias}" for alias, command in ALIASES.items() if command == name]
    names = f"Also available as {', '.join(aliases)}. " if aliases else ""
    return f"{names}-C, -q and -v: see orbiter --help."


@cache
def _hidden_options() -> tuple[click.Option, ...]:
    """Return the options after a command, which all commands share: making them takes time."""
    return (
        _directory(enter_project, hidden=True, is_eager=True),
        _flag("-q", "--quiet", be_quiet, "Do not show progress.", hidden=True),
        _flag("-v", "--verbose", be_verbose, "Show programs and requests.", hidden=True),
    )


def _directory(callback: Callback, **settings: Any) -> click.Option:
    return click.Option(
        ["-C", "--directory"],
        type=FOLDER,
        metavar="DIR",
        expose_value=False,
        callback=callback,
        help="Work in this folder, as if orbiter had been started there.",
        **settings,
    )


def _flag(short: str, long: str, callback: Callback, text: str, **settings: Any) -> click.Option:
    return click.Option(
        [short, long],
        is_flag=True,
        expose_value=False,
        callback=callback,
        help=text,
        show_envvar="envvar" in settings,
        **settings,
    )
