"""Shows mistakes in the command line like all other errors: ``error:``, then ``hint:``."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from orbiter.cli.directory import LockName
from orbiter.cli.errors import SIGNALLED, fail
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

MANY = 12
"""The number of values that a hint lists at most."""

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
        with _closed_pipe(), _usage_errors(lambda: "orbiter"):
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse the command with its options, and run it."""
        with _closed_pipe(), _usage_errors(lambda: _command_path(ctx)):
            return super().invoke(ctx)


def refuse_without(needed: str, *parameters: str) -> None:
    """Refuse options that have no effect without another one, which is missing.

    Raises UsageError with the first of the ``parameters`` that the command line has.
    """
    context = click.get_current_context()
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in parameters and source == ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{max(parameter.opts, key=len)} needs {needed}")


@contextmanager
def _closed_pipe() -> Iterator[None]:
    """End as SIGPIPE ends other programs if the reader of the output, such as head, has ended."""
    try:
        yield
    except BrokenPipeError:
        with Path(os.devnull).open("wb") as nowhere:
            # Python writes what is left when it ends, and would report the closed pipe again.
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        sys.exit(SIGNALLED + signal.SIGPIPE)


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
    elif values := _missing_values(error):
        hints.insert(0, values)
    if named := _extra_words(error):
        hints.insert(0, named)
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


def _missing_values(error: click.UsageError) -> str:
    """Return a hint with the values that a missing parameter may have; "" if these are files only.

    Many values are not listed.
    """
    if not isinstance(error, click.MissingParameter) or not error.param or not error.ctx:
        return ""
    items = error.param.shell_complete(error.ctx, "")
    values = [str(item.value) for item in items if item.type == "plain"]
    listed = f"choose one of {', '.join(values)}" if 0 < len(values) <= MANY else ""
    others = error.param.type.others if isinstance(error.param.type, LockName) else ""
    return ", or ".join(filter(None, (listed, others and f"name {others}")))


def _near_choices(error: click.UsageError) -> list[str]:
    """Return the values of a parameter that are near to the invalid one."""
    if not isinstance(error, click.BadParameter):
        return []
    from difflib import get_close_matches  # imported if there is a mistake only

    match = re.match("'(.*)' is not one of ", error.message or "")
    return get_close_matches(match[1], _choices(error)) if match else []


def _extra_words(error: click.UsageError) -> str:
    """Return a hint for words after a command that takes none but has an option for them."""
    extra, bracket, words = error.message.partition("(")
    command = error.ctx.command if error.ctx else None
    if not command or not bracket or "unexpected extra argument" not in extra:
        return ""
    options = {name for parameter in command.params for name in parameter.opts}
    takes_words = any(isinstance(parameter, click.Argument) for parameter in command.params)
    named = _named(words.removesuffix(")").split())
    if takes_words or not named or not {option for option, _ in named} <= options:
        return ""
    things = {"--release": "releases", "--image": "images"}
    kinds = [f"{things[option]} are named with {option}" for option in dict(named)]
    return f"{' and '.join(kinds)}: {' '.join(f'{option} {word}' for option, word in named)}"


def _named(words: list[str]) -> list[tuple[str, str]]:
    """Return each word with the option that takes it."""
    from orbiter.lockset.versions import SEMVER, release_name

    is_release = {word: bool(SEMVER.fullmatch(release_name(word))) for word in words}
    return [("--release" if is_release[word] else "--image", word) for word in words]


def _as_message(text: str) -> str:
    """Return a sentence of click in the style of other errors: no capital letter, no full stop."""
    for phrase, replacement in PHRASES.items():
        text = phrase.sub(replacement, text)
    return text[:1].lower() + text[1:].removesuffix(".")
