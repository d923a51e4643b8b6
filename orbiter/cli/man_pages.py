"""Manual pages in the language of man, made from the help of the commands. Pure."""

from collections.abc import Iterator
from inspect import cleandoc

import click

from orbiter import __version__

UNWRAPPED = "\b"
"""First line of a paragraph whose lines click does not join."""
NO_HYPHENS = ".nh\n.ad l"
"""Requests that keep names whole: no hyphens, and lines of unequal length."""
EXIT_CODES = (
    ("0", "success"),
    ("1", "findings: something to look at"),
    ("2", "a usage error or an expected error, with its reason on stderr"),
)


def man_pages(group: click.Group) -> dict[str, str]:
    """Return the pages of a group and all its commands, by the names of their files."""
    root = click.Context(group, info_name="orbiter", **group.context_settings)
    return {
        f"{'-'.join(context.command_path.split())}.1": "\n".join(_page(context)) + "\n"
        for context in _contexts(root)
    }


def _contexts(context: click.Context) -> Iterator[click.Context]:
    """Yield the context of a command and those of the commands below it."""
    yield context
    if isinstance(context.command, click.Group):
        for name, command in sorted(context.command.commands.items()):
            if not command.hidden:
                yield from _contexts(click.Context(command, info_name=name, parent=context))


def _page(context: click.Context) -> Iterator[str]:
    command, name = context.command, "-".join(context.command_path.split())
    yield f'.TH {_text(name.upper())} 1 "" "orbiter {__version__}" "Orbiter manual"'
    yield NO_HYPHENS
    yield f".SH NAME\n{_text(name)} \\- {_text(command.get_short_help_str(200).rstrip('.'))}"
    pieces = (_text(piece) for piece in command.collect_usage_pieces(context))
    yield f".SH SYNOPSIS\n\\fB{_text(context.command_path)}\\fR {' '.join(pieces)}"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help or "")
    yield from _list("OPTIONS", _options(context))
    if command.epilog:
        yield f".PP\n{_text(command.epilog)}"
    if isinstance(command, click.Group):
        yield from _list("COMMANDS", _commands(command))
    yield from _list("EXIT STATUS", EXIT_CODES)
    if context.parent:
        yield ".SH SEE ALSO\n\\fBorbiter\\fR(1)"


def _options(context: click.Context) -> Iterator[tuple[str, str]]:
    for param in context.command.get_params(context):
        record = param.get_help_record(context)
        if record and isinstance(param, click.Option):
            yield record


def _commands(group: click.Group) -> Iterator[tuple[str, str]]:
    for name, command in sorted(group.commands.items()):
        yield name, command.get_short_help_str(200)


def _list(
    title: str, entries: "Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]"
) -> Iterator[str]:
    yield f".SH {title}"
    for term, text in entries:
        yield f".TP\n\\fB{_text(term)}\\fR\n{_text(text)}"


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text."""
    for number, paragraph in enumerate(cleandoc(text).split("\n\n")):
        if number:
            yield ".PP"
        if paragraph.startswith(UNWRAPPED):
            lines = paragraph.removeprefix(UNWRAPPED).strip("\n").splitlines()
            yield "\n".join([".nf", *map(_text, lines), ".fi"])
        else:
            yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Return a text on one line as man prints it; the first character never starts a request."""
    escaped = " ".join(text.splitlines()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
