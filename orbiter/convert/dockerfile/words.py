"""Split shell code into words and operators."""

import re
from collections.abc import Iterator, Mapping

import msgspec

OPERATOR = re.compile(r"&&|\|\||\|&|;;|[;|&()\n]")
REDIRECT = re.compile(r"\d*+(?:>>|>&|<&|>\||<<-?|<|>)")
BOTH = "&>"
"""Redirects all output in Bash. In other shells, it starts the command in the background."""
ANSI = "$'"
"""Begins a text with escape sequences in Bash. Other shells end this text elsewhere."""
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*+)\}|([A-Za-z_]\w*+))", re.ASCII)
PLAIN = re.compile(r"[^ \t\r\\'\"$`;|&()<>#\n]++")
SPACE = re.compile(r"[ \t\r]++")
BACKTICKS = re.compile(r"`(?:[^`\\]++|\\.)*+`?", re.DOTALL)
_SPECIAL = re.compile(r'["$`\\]')
_NESTED_PLAIN = re.compile(r"[^\\'\"`$(){}#]++")


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word after the expansion of variables, or an operator.

    A word that only a shell can know is not certain.
    """

    text: str
    is_certain: bool = True
    is_operator: bool = False


def words(code: str, variables: Mapping[str, str]) -> Iterator[Word]:
    """Yield words and operators; redirections of output are dropped with their files."""
    position, is_target = 0, False
    while position < len(code):
        if match := SPACE.match(code, position):
            position = match.end()
        elif code[position] == "#":
            position = _end_of_line(code, position)
        elif code.startswith((BOTH, ANSI), position):
            yield Word(text=code[position : position + 2], is_operator=True)
            position += 2
        elif match := REDIRECT.match(code, position):
            position, is_target = match.end(), True
            if "<" in match[0]:
                yield Word(text=match[0], is_certain=False)
        elif match := OPERATOR.match(code, position):
            yield Word(text=match[0], is_operator=True)
            position, is_target = match.end(), False
        else:
            word, position = _word(code, position, variables)
            if not is_target:
                yield word
            is_target = False


def _end_of_line(code: str, position: int) -> int:
    end = code.find("\n", position)
    return len(code) if end < 0 else end


def _word(code: str, position: int, variables: Mapping[str, str]) -> tuple[Word, int]:
    """Return the word at a position, and the position after it."""
    parts: list[str] = []
    is_certain = True
    while position < len(code):
        letter = code[position]
        if match := PLAIN.match(code, position):
            parts.append(match[0])
            position = match.end()
        elif letter == "'":
            end = code.find("'", position + 1)
            is_certain &= end >= 0
            end = len(code) if end < 0 else end
            parts.append(code[position + 1 : end])
            position = end + 1
        elif letter == '"':
            text, position, known = _quoted(code, position + 1, variables)
            parts.append(text)
            is_certain &= known
        elif letter in "$`" and not code.startswith(ANSI, position):
            text, position, known = _expansion(code, position, variables, is_quoted=False)
            parts.append(text)
            is_certain &= known and not any(map(str.isspace, text))
        elif letter == "\\":
            parts.append(code[position + 1 : position + 2].replace("\n", ""))
            position += 2
        elif letter == "#":
            parts.append(letter)
            position += 1
        else:
            break
    return Word(text="".join(parts), is_certain=is_certain), position


def _quoted(code: str, position: int, variables: Mapping[str, str]) -> tuple[str, int, bool]:
    """Return a text in double quotes, the position after it, and whether it is certain."""
    parts: list[str] = []
    is_certain = True
    while position < len(code) and code[position] != '"':
        letter = code[position]
        if letter in "$`":
            text, position, known = _expansion(code, position, variables, is_quoted=True)
            parts.append(text)
            is_certain &= known
        elif letter == "\\":
            escaped = code[position + 1 : position + 2]
            parts.append(escaped if escaped in '"$`\\' else f"\\{escaped}".replace("\\\n", ""))
            position += 2
        else:
            end = _next_special(code, position)
            parts.append(code[position:end])
            position = end
    return "".join(parts), position + 1, is_certain and position < len(code)


def _next_special(code: str, position: int) -> int:
    match = _SPECIAL.search(code, position)
    return match.start() if match else len(code)


def _expansion(
    code: str, position: int, variables: Mapping[str, str], *, is_quoted: bool
) -> tuple[str, int, bool]:
    """Return the value of a variable; other expansions stay as they are and are not certain."""
    if match := VARIABLE.match(code, position):
        name = match[1] or match[2]
        return variables.get(name, match[0]), match.end(), name in variables
    end = position + 1
    if match := BACKTICKS.match(code, position):
        end = match.end()
    elif code.startswith(("$(", "${"), position):
        end = _nested_end(code, position, is_quoted=is_quoted)
    return code[position:end], end, False


def _nested_end(code: str, position: int, *, is_quoted: bool) -> int:
    """Return the position after the ``$(…)`` or ``${…}`` at a position."""
    stack: list[tuple[str, bool]] = []  # what ends each level; whether quotes surround it
    while position < len(code):
        closer, is_quoted = stack[-1] if stack else ("", is_quoted)
        letter = code[position]
        if letter == closer:
            stack.pop()
            position += 1
            if not stack:
                return position
        elif match := _NESTED_PLAIN.match(code, position) or BACKTICKS.match(code, position):
            position = match.end()
        elif code.startswith(("$(", "${"), position):
            stack.append((")", False) if code[position + 1] == "(" else ("}", is_quoted))
            position += 2
        elif letter == '"' or (letter == "(" and closer == ")"):
            stack.append((letter.replace("(", ")"), letter == '"'))
            position += 1
        else:
            position = _after_literal(code, position, is_code=closer == ")", is_quoted=is_quoted)
    return len(code)


def _after_literal(code: str, position: int, *, is_code: bool, is_quoted: bool) -> int:
    """Return the position after an escaped character, a quoted text, a comment, or a character."""
    letter = code[position]
    if letter == "\\":
        return position + 2
    if letter == "'" and not is_quoted:
        end = code.find("'", position + 1)
        return len(code) if end < 0 else end + 1
    if letter == "#" and is_code and code[position - 1] in " \t\n;&|(":
        return _end_of_line(code, position)
    return position + 1
