"""The commands and scripts of a stage, as its Dockerfile has them. Pure."""

import shlex
from collections.abc import Iterable

import msgspec

from orbiter.config.commands import brief
from orbiter.config.image_set import Command, Script
from orbiter.lockset.own_files import kept_path


class Step(msgspec.Struct, frozen=True):
    """Shell commands and the text that an error shows for them, with its quotes escaped."""

    label: str
    text: str


class CommandStep(msgspec.Struct, frozen=True):
    """The commands of one key.

    ``end`` is the word that ends their here-document, and ``files`` are the scripts that they run.
    """

    steps: tuple[Step, ...]
    end: str
    files: tuple[str, ...]


def command_step(key: str, commands: tuple[Command, ...]) -> CommandStep:
    """Return the step of the commands of a key of images.toml."""
    steps = tuple(Step(_escape(brief(command)), _text(command)) for command in commands)
    files = dict.fromkeys(kept_path(each) for each in commands if isinstance(each, Script))
    return CommandStep(steps, script_end(key.upper(), (step.text for step in steps)), tuple(files))


def script_end(word: str, commands: Iterable[str]) -> str:
    """Return the word that ends the here-document of commands: none of their lines equals it.

    BuildKit ends a here-document at the first line that equals the word. The template writes a
    blank before the first line of each command.
    """
    lines = {line for command in commands for line in f" {command}".split("\n")}
    while word in lines:
        word += "X"
    return word


def _text(command: Command) -> str:
    """Return a command, or the one that runs a script."""
    if isinstance(command, str):
        return command
    return shlex.join((*command.interpreter, f"/lock/{kept_path(command)}"))


def _escape(text: str) -> str:
    return text.replace("'", "'\\''")
