"""Split shell code into simple commands. A word that only a shell can know is not certain."""

import re
from collections.abc import Iterator, Mapping

import msgspec

OPERATOR = re.compile(r"&&|\|\||;;|[;|&()\n]")
IN_ORDER = frozenset({"&&", ";", "\n"})
"""Operators between commands that run one after the other."""
REDIRECT = re.compile(r"\d*(?:>>|>&|<&|&>|>\||<<-?|<|>)")
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
PLAIN = re.compile(r"[^\s\\'\"$`;|&()<>#\n]+")
SPACE = re.compile(r"[ \t\r]+")
CONTROL = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac"}
    | {"function", "{", "}", "!", "eval", "exec", "source", ".", "test", "[", "[[", "command"}
    | {"which", "return", "exit", "alias"}
)
"""Commands that make it uncertain whether, how often or where others run."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word after the expansion of variables, or an operator."""

    text: str
    is_certain: bool = True
    is_operator: bool = False


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A simple command. ``is_certain`` says that it runs once, with exactly these words."""

    words: tuple[str, ...]
    is_certain: bool


def commands(code: str, variables: Mapping[str, str]) -> tuple[Command, ...]:
    """Return the simple commands of shell code."""
    simple = tuple(_simple_commands(code, variables))
    is_conditional = any(each.words[0] in CONTROL for each in simple)
    return tuple(
        msgspec.structs.replace(each, is_certain=each.is_certain and not is_conditional)
        for each in simple
    )


def _simple_commands(code: str, variables: Mapping[str, str]) -> Iterator[Command]:
    current: list[Word] = []
    before = ""
    for word in (*_words(code, variables), Word(text="\n", is_operator=True)):
        if not word.is_operator:
            current.append(word)
            continue
        if current:
            in_order = before in {"", *IN_ORDER} and word.text in IN_ORDER
            is_certain = in_order and all(each.is_certain for each in current)
            yield Command(words=tuple(each.text for each in current), is_certain=is_certain)
        if current or word.text not in {"\n", ";"}:
            before = word.text
        current = []


def _words(code: str, variables: Mapping[str, str]) -> Iterator[Word]:
    """Yield words and operators; redirections of output are dropped with their files."""
    position, is_target = 0, False
    while position < len(code):
        if match := SPACE.match(code, position):
            position = match.end()
        elif code[position] == "#":
            position = _end_of_line(code, position)
        elif match := REDIRECT.match(code, position):
            position, is_target = match.end(), True
            if "<" in match[0]:
                yield Word(text=match[0], is_certain=False)
        elif match := OPERATOR.match(code, position):
            yield Word(text=match[0], is_operator=True)
            position = match.end()
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
        elif letter in "$`":
            text, position, known = _expansion(code, position, variables)
            parts.append(text)
            is_certain &= known and not SPACE.search(text)
        elif letter == "\\" and position + 1 < len(code):
            parts.append(code[position + 1].replace("\n", ""))
            position += 2
        elif letter == "#":
            parts.append(letter)
            position += 1
        else:
            break
    if position < len(code) and code[position] == "\\" and not parts:
        position += 1
    return Word(text="".join(parts), is_certain=is_certain), position


def _quoted(code: str, position: int, variables: Mapping[str, str]) -> tuple[str, int, bool]:
    """Return a text in double quotes, the position after it, and whether it is certain."""
    parts: list[str] = []
    is_certain = True
    while position < len(code) and code[position] != '"':
        letter = code[position]
        if letter in "$`":
            text, position, known = _expansion(code, position, variables)
            parts.append(text)
            is_certain &= known
        elif letter == "\\" and position + 1 < len(code):
            parts.append(code[position + 1])
            position += 2
        else:
            end = _next_special(code, position)
            parts.append(code[position:end])
            position = end
    return "".join(parts), position + 1, is_certain and position < len(code)


_SPECIAL = re.compile(r'["$`\\]')


def _next_special(code: str, position: int) -> int:
    match = _SPECIAL.search(code, position)
    return match.start() if match else len(code)


def _expansion(code: str, position: int, variables: Mapping[str, str]) -> tuple[str, int, bool]:
    """Return the value of a variable; other expansions stay as they are and are not certain."""
    match = VARIABLE.match(code, position)
    if match:
        name = match[1] or match[2]
        return variables.get(name, match[0]), match.end(), name in variables
    return code[position], position + 1, False
