"""Split a Dockerfile into instructions: https://docs.docker.com/reference/dockerfile/."""

import re
from collections.abc import Iterator

import msgspec

ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)", re.IGNORECASE)
DIRECTIVE = re.compile(r"#\s*\w+\s*=")
HEREDOC = re.compile(r"<<(-?)(['\"]?)([A-Za-z_]\w*)\2")
INSTRUCTION = re.compile(r"\s*+([A-Za-z]++)(?:\s++|$)(.*)", re.DOTALL)


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction, the number of its first line, and its here-documents."""

    line: int
    name: str
    text: str
    documents: tuple[str, ...] = ()


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions of a Dockerfile, without comments and empty lines."""
    lines = text.split("\n")
    escape = _escape(lines)
    number = 0
    while number < len(lines):
        first = number
        parts: list[str] = []
        is_continued = True
        while is_continued and number < len(lines):
            line = lines[number].rstrip("\r")
            number += 1
            stripped = line.strip()
            if stripped.startswith("#") or (parts and not stripped):
                continue
            is_continued = stripped.endswith(escape)
            text = line.rstrip()
            parts.append(text.removesuffix(escape) if is_continued else text)
            if not stripped:
                break
        match = INSTRUCTION.fullmatch("".join(parts))
        if not match:
            continue
        documents, number = _documents(match[1], match[2], lines, number)
        first = _first_line(lines, first)
        yield Instruction(
            line=first + 1, name=match[1].upper(), text=match[2].strip(), documents=documents
        )


def _first_line(lines: list[str], number: int) -> int:
    """Return the first line that is not a comment and not empty."""
    while not lines[number].strip() or lines[number].strip().startswith("#"):
        number += 1
    return number


def _escape(lines: list[str]) -> str:
    """Return the character that continues a line: that of a directive, or a backslash."""
    for line in lines:
        if not DIRECTIVE.match(line.strip()):
            break
        if match := ESCAPE.match(line.strip()):
            return match[1]
    return "\\"


def _documents(name: str, text: str, lines: list[str], number: int) -> tuple[tuple[str, ...], int]:
    """Return the here-documents of an instruction, and the number of the line after them."""
    found = []
    for match in HEREDOC.finditer(text) if name.upper() in {"RUN", "COPY", "ADD"} else ():
        body = []
        while number < len(lines):
            line = lines[number].rstrip("\r")
            number += 1
            if (line.lstrip("\t") if match[1] else line) == match[3]:
                break
            body.append(line)
        found.append("\n".join(body))
    return tuple(found), number
