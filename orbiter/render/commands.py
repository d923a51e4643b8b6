"""The commands of a stage, as its Dockerfile has them. Pure."""

from collections.abc import Iterable

import msgspec

from orbiter.config.commands import brief


class Step(msgspec.Struct, frozen=True):
    """Shell commands and the text that an error shows for them, with its quotes escaped."""

    label: str
    text: str


def steps(commands: Iterable[str]) -> tuple[Step, ...]:
    """Return the steps of commands from images.toml."""
    return tuple(Step(_escape(brief(command)), command) for command in commands)


def script_end(word: str, commands: Iterable[str]) -> str:
    """Return the word that ends the here-document of commands: none of their lines equals it.

    BuildKit ends a here-document at the first line that equals the word. The template writes a
    blank before the first line of each command.
    """
    lines = {line for command in commands for line in f" {command}".split("\n")}
    while word in lines:
        word += "X"
    return word


def _escape(text: str) -> str:
    return text.replace("'", "'\\''")
