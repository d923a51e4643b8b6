"""Shows mistakes in the command line like all other errors: ``error:``, then ``hint:``."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from orbiter.cli.errors import fail
from resolvers.errors import ExpectedError

ALIASES = {
    "diff": "diff-locks",
    "licenses": "licences",
    "ls": "list",
    "rm": "remove",
    "upgrade": "update",
}
"""Names that other tools use for commands; help shows the names of Orbiter."""

PHRASES = {
    re.compile(r"(?:Directory|Path) ('.*') is a file"): r"\1 is a file, not a folder",
    re.compile(r"(?:File|Path) ('.*') is a directory"): r"\1 is a folder, not a file",
    re.compile(r"('.*') is not a valid integer(?: range)?"): r"\1 is not a whole number",
    re.compile(r"(-?\d+) is not in the range (-?\d+)<=x<=(-?\d+)"): r"\1 is not from \2 to \3",
}
"""Phrases of click, and those of Orbiter for the same mistakes."""

CHOICES = " Choose from:"
"""The beginning of the choices in a message of click."""


class CommandGroup(click.Group):
    """A group of commands whose usage errors look like the errors of the commands.

    Commands also have the names in ``ALIASES``. Help lists them in sections.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sections: dict[str, list[click.Command]] = {}

    def add_to_section(self, title: str, command: click.Command) -> None:
        """Add a command that help lists in a section."""
        self.add_command(command)
        self._sections.setdefault(title, []).append(command)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help, in sections with one width of the names."""
        width = max(len(name) for name in self.commands)
        columns = formatter.width - 2 - width - 2
        for title, commands in self._sections.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        ((command.name or "").ljust(width), command.get_short_help_str(columns))
                        for command in commands
                    ]
                )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name or alias."""
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the options before the command."""
        with _usage_errors(lambda: "orbiter"):
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse the command with its options, and run it."""
        with _usage_errors(lambda: _command_path(ctx)):
            return super().invoke(ctx)


@contextmanager
def _usage_errors(command: Callable[[], str]) -> Iterator[None]:
    """Show a usage error of the command whose name ``command`` returns."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise  # click shows the help
    except click.UsageError as error:
        fail(_expected(error, command()))


def _command_path(ctx: click.Context) -> str:
    """Return the name of the command that a group runs, or of the group if it does not exist."""
    name = ctx.invoked_subcommand
    is_known = isinstance(ctx.command, click.Group) and name in ctx.command.commands
    return f"{ctx.command_path} {name}" if is_known else ctx.command_path


def _expected(error: click.UsageError, command: str) -> ExpectedError:
    """Return a usage error with near names and the command that lists the right ones."""
    hints = [f"run {command} --help"]
    possible = getattr(error, "possibilities", None) or _near_choices(error)
    if possible:
        hints.insert(0, f"did you mean {' or '.join(sorted(possible))}?")
    elif isinstance(error, click.MissingParameter) and (choices := _choices(error)):
        hints.insert(0, f"choose one of {', '.join(choices)}")
    if names := _extra_words(error):
        hints.insert(0, "images are named with --image: " + " ".join(names))
    return ExpectedError(_as_message(_text(error)), "\n  ".join(hints))


def _text(error: click.UsageError) -> str:
    """Return the message of click without the names that are hints here."""
    if isinstance(error, click.BadParameter):
        return error.format_message().partition(CHOICES)[0]
    # click adds near names of options and commands to the formatted message.
    is_near = bool(getattr(error, "possibilities", None))
    return error.message if is_near else error.format_message()


def _choices(error: click.BadParameter) -> tuple[str, ...]:
    """Return the values of the parameter, if it has only certain ones."""
    kind = error.param.type if error.param else None
    return tuple(map(str, kind.choices)) if isinstance(kind, click.Choice) else ()


def _near_choices(error: click.UsageError) -> list[str]:
    """Return the values of a parameter that are near to the invalid one."""
    if not isinstance(error, click.BadParameter):
        return []
    from difflib import get_close_matches  # imported if there is a mistake only

    match = re.match("'(.*)' is not one of ", error.message or "")
    return get_close_matches(match[1], _choices(error)) if match else []


def _extra_words(error: click.UsageError) -> list[str]:
    """Return words after a command that takes none, as the values of its option --image."""
    extra, bracket, words = error.message.partition("(")
    command = error.ctx.command if error.ctx else None
    if not command or not bracket or "unexpected extra argument" not in extra:
        return []
    options = {name for parameter in command.params for name in parameter.opts}
    takes_words = any(isinstance(parameter, click.Argument) for parameter in command.params)
    if takes_words or "--image" not in options:
        return []
    return [f"--image {word}" for word in words.removesuffix(")").split()]


def _as_message(text: str) -> str:
    """Return a sentence of click in the style of other errors: no capital letter, no full stop."""
    for phrase, replacement in PHRASES.items():
        text = phrase.sub(replacement, text)
    return text[:1].lower() + text[1:].removesuffix(".")
