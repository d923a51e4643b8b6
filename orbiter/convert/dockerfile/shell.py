"""Split shell code into simple commands, and find those that certainly run once."""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from orbiter.convert.dockerfile.installs import PREFIXES
from orbiter.convert.dockerfile.words import ANSI, BOTH, Word, words

ENDS = frozenset({";", "\n", "&"})
"""Operators that end a list."""
CONNECTORS = frozenset({"&&", "||", "|", "|&"})
"""Operators that a line break may follow."""
FUNCTION = "()"
UNCLEAR = frozenset({ANSI, BOTH, FUNCTION})
"""Code with these has another meaning in each shell, or redefines commands."""
CONTROL = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac"}
    | {"function", "{", "}", "!", "eval", "exec", "source", ".", "test", "[", "[[", "command"}
    | {"which", "return", "exit", "alias", "trap", "builtin", "coproc", "select", "break"}
    | {"continue"}
)
"""Commands that make it uncertain whether, how often or where others run."""
ASSIGNING = frozenset(
    {"declare", "export", "getopts", "let", "local", "mapfile", "printf", "read", "readarray"}
    | {"readonly", "typeset", "unset"}
)
"""Commands that change variables whose names are among their arguments."""
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*+)(?:\[[^\]]*+\])?+\+?=", re.ASCII)
DEFAULT = re.compile(r"\$\{([A-Za-z_]\w*+):?=", re.ASCII)
IDENTIFIER = re.compile(r"[A-Za-z_]\w*+", re.ASCII)
SET_OPTIONS = re.compile(r"[-+][aefuvxCE]*+o?|pipefail|errexit|nounset|xtrace")
"""Options of ``set`` that do not keep commands from running."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A simple command. ``is_certain`` says that it runs once, with exactly these words."""

    words: tuple[str, ...]
    is_certain: bool


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A simple command with the operators around it, and the depth of subshells."""

    words: tuple[Word, ...]
    before: str
    after: str
    depth: int


class _List(msgspec.Struct, frozen=True, kw_only=True):
    """Commands between ``;``, ``&`` and line breaks."""

    parts: tuple[_Part, ...]
    operators: frozenset[str]


def commands(code: str, variables: Mapping[str, str]) -> tuple[Command, ...]:
    """Return the simple commands of shell code. Variables that it changes count as unknown."""
    known = variables
    for _ in range(2):
        lists = tuple(_lists(words(code, known)))
        changed = _changed(code, lists, known)
        if not changed:
            break
        known = {name: value for name, value in known.items() if name not in changed}
    else:  # names of changed variables depend on other changed variables
        lists = tuple(_lists(words(code, {})))
    is_conditional = any(map(_is_conditional, lists))
    return tuple(
        Command(
            words=tuple(word.text for word in part.words),
            is_certain=not is_conditional and _is_certain(part, each, is_last=each is lists[-1]),
        )
        for each in lists
        for part in each.parts
    )


def _is_certain(part: _Part, each: _List, *, is_last: bool) -> bool:
    """Return whether a command runs once, if the code as a whole succeeds.

    A command after ``&&`` is skipped when one before it fails. Then only the last list makes the
    code fail. ``set -e`` does not change this: it ignores failures before ``&&``.
    """
    is_first = part.before not in CONNECTORS
    is_simple = part.depth == 0 and part.before != ")" and part.after in {"&&", ";", "\n"}
    return (
        is_simple
        and part.before not in {"|", "|&"}
        and not each.operators & {"||", "&"}
        and (is_first or is_last)
        and all(word.is_certain for word in part.words)
    )


def _is_conditional(each: _List) -> bool:
    """Return whether a list makes it uncertain which commands of the code run."""
    if each.operators & UNCLEAR:
        return True
    for part in each.parts:
        program, *arguments = _without_prefixes(part) or [Word(text="")]
        if program.text in CONTROL:
            return True
        is_set = program.text == "set"
        if is_set and not all(SET_OPTIONS.fullmatch(word.text) for word in arguments):
            return True
    return False


def _without_prefixes(part: _Part) -> tuple[Word, ...]:
    for number, word in enumerate(part.words):
        if word.text not in PREFIXES and not ASSIGNMENT.match(word.text):
            return part.words[number:]
    return ()


def _changed(code: str, lists: tuple[_List, ...], known: Mapping[str, str]) -> set[str]:
    """Return the known variables that code may change."""
    if not known:
        return set()
    if "((" in code:
        return set(known)
    changed = {match[1] for match in DEFAULT.finditer(code)}
    for part in (part for each in lists for part in each.parts):
        rest = _without_prefixes(part)
        for word in part.words[: len(part.words) - len(rest)]:
            changed |= set(IDENTIFIER.findall(word.text.partition("=")[0]))
        if not rest or rest[0].text not in ASSIGNING:
            continue
        for word in rest[1:]:
            if not word.is_certain and set("$`") & set(word.text.partition("=")[0]):
                return set(known)
            changed |= set(IDENTIFIER.findall(word.text))
    return changed & known.keys()


def _lists(found: Iterable[Word]) -> Iterator[_List]:
    parts: list[_Part] = []
    current: list[Word] = []
    operators: set[str] = set()
    before, depth = "", 0
    for word in (*found, Word(text="\n", is_operator=True)):
        if not word.is_operator:
            current.append(word)
            continue
        after = FUNCTION if word.text == "(" and current else word.text
        if current:
            part = _Part(words=tuple(current), before=before, after=after, depth=depth)
            parts.append(part)
        elif after == "\n" and before in {*CONNECTORS, "\n", ";"}:
            continue
        current, before = [], word.text
        operators.add(after)
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if depth == 0 and word.text in ENDS and parts:
            yield _List(parts=tuple(parts), operators=frozenset(operators))
            parts, operators = [], set()
    if parts:
        yield _List(parts=tuple(parts), operators=frozenset(operators))
