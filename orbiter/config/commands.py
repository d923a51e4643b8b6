"""Shell commands and scripts in images.toml."""

from collections.abc import Iterator
from pathlib import Path

from orbiter.config.command_keys import ScriptTable
from orbiter.config.image_set import Command, Script, Stage
from orbiter.config.mistakes import Mistakes
from orbiter.config.own_files import FileMistakeError, relative_path, small_file
from orbiter.config.sets import Sets, expand_entry, without_indexes

SHELL = ("sh",)
"""The interpreter of scripts that name none. As in Docker and Binder, it is not always bash."""


def commands(
    entries: tuple[str | ScriptTable, ...], path: str, sets: Sets, root: Path, mistakes: Mistakes
) -> tuple[Command, ...]:
    """Return the commands and scripts of the list at ``path`` in their order.

    ``root`` is the folder of images.toml, to which scripts are relative.
    """
    found: list[Command] = []
    for index, entry in enumerate(entries):
        entry_path = f"{path}[{index}]"
        if isinstance(entry, str):
            expanded = expand_entry(entry, entry_path, sets, mistakes)
            found += [command.text for command in without_indexes(expanded, mistakes)]
            continue
        try:
            found.append(_script(entry.script, root))
        except FileMistakeError as error:
            mistakes.add(f"{entry_path}.script", error.problem, hint=error.hint)
    return tuple(found)


def scripts_of(stage: Stage) -> Iterator[Script]:
    """Yield the scripts that a stage runs."""
    for command in (*(stage.prebuild or ()), *stage.postbuild):
        if isinstance(command, Script):
            yield command


def brief(command: Command) -> str:
    """Return a command on one line: its first line, with a sign if there are more."""
    if isinstance(command, Script):
        return f"script {command.source}"
    first, newline, _ = command.partition("\n")
    return f"{first} …" if newline else first


def _script(source: str, root: Path) -> Script:
    """Read and check a script. Raises FileMistakeError."""
    remedy = "split it, or add its data with files"
    file, content = small_file(relative_path(source), root, remedy)
    if b"\0" in content:
        hint = "name a script; files can add a program, which a command can run"
        raise FileMistakeError(f"'{file.source}' is a binary file", hint)
    return Script(
        source=file.source,
        interpreter=_interpreter(content, source),
        sha256=file.sha256,
        size=file.size,
    )


def _interpreter(content: bytes, source: str) -> tuple[str, ...]:
    """Return the words before a script's path: its ``#!`` line as Linux reads it, or ``sh``."""
    first = content.partition(b"\n")[0]
    if not first.startswith(b"#!"):
        return SHELL
    if first.endswith(b"\r"):
        problem = f"the first line of '{source}' has the line end of Windows"
        raise FileMistakeError(problem, "save it with the line ends of Unix (LF)")
    line = first.removeprefix(b"#!").strip(b" \t").decode(errors="replace").replace("\t", " ")
    # Linux passes everything after the program as one argument.
    program, _, argument = line.partition(" ")
    if not program.startswith("/") or not line.isprintable() or "\ufffd" in line:
        problem = f"the first line of '{source}' does not name an interpreter by an absolute path"
        raise FileMistakeError(problem, "write it as in #!/usr/bin/env python3")
    return tuple(word for word in (program, argument.strip()) if word)
