"""YAML as lock files use it: every scalar is text, no anchors, no keys that are there twice. Pure.

``yaml12`` does the reading; it types scalars (``3.10`` becomes 3.1), keeps the last of two equal keys without a word,
and copies what an alias stands for. So numbers and the like are quoted beforehand, and what no lock has is refused.
"""

import re
from typing import Any

from orbiter.lockfiles.document import DAMAGED, line_of
from resolvers.errors import ExpectedError

KEY = r"""(?:'[^'\n]*+' *|"[^"\n]*+" *|(?:[^\s'"#\[\]{}&*!|>%@`?,-]|-(?=[^\s:]))[^:\n]*+)"""
NUMBER = r"[-+]?(?:0o[0-7]++|0x[0-9a-fA-F]++|(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?|\.(?:inf|Inf|INF))"
WORD = r"true|True|TRUE|false|False|FALSE|null|Null|NULL|~|\.nan|\.NaN|\.NAN"
TYPED_VALUE = re.compile(rf": ({NUMBER}|{WORD})(?= *(?:\n|\Z))")
TYPED_ITEM = re.compile(rf"(\n *(?:- +)*)({NUMBER}|{WORD})(?= *(?:\n|\Z)| +#|:[ \n])")
TYPED_BEFORE_COMMENT = re.compile(rf"(\n *(?:- +)*{KEY}: +)({NUMBER}|{WORD})(?= +#)")
"""Values, items and keys that YAML 1.2's core schema takes for something else than text. Patterns that begin with a
character to look for are fast."""
MAPPED = re.compile(
    rf"^( *)((?:- +)*)({KEY}):(?=[ \n]|\Z)(?: +([|>])[-+0-9]*(?= |$))?", re.MULTILINE
)
"""A key: its indentation, the dashes before it, and the sign of a block scalar after it."""
FLOW = re.compile(r": \{([^{}\n]+)\}")
"""A mapping on one line."""
MARKED = re.compile(r"[&*!](?=[^\s&])")
VALUE = re.compile(rf" *(?:[-?:] +)*(?:{KEY}: +)?")
"""All that may stand before a value on its line."""
LINE = 500
"""Characters of a line beyond which no value of a lock begins."""
IN_FLOW = re.compile(r"(?:^|\n *|[:?-] +)[\[{](?![\]}])")
"""A list or mapping in brackets, other than an empty one."""
DEEP = re.compile(r"\n[-?: ]{120}")
"""Deeper than any lock; the parser itself runs out of stack at some thousand levels of blocks."""
DOCUMENT = re.compile(r"\n---(?=\s|\Z)")


def load_yaml(name: str, text: str) -> dict[str, Any]:
    """A YAML mapping of text, lists and mappings; what has no value at all is None.

    Raises ExpectedError, with the line, for broken YAML, keys that are there twice, anchors, aliases and tags, several
    documents, and what is no mapping.
    """
    import yaml12

    _refuse(name, text)
    try:
        data: Any = yaml12.parse_yaml(_quoted(text))
    except ValueError as error:
        raise _broken(name, str(error)) from error
    if not isinstance(data, dict):
        raise ExpectedError(f"{name}: this is no YAML mapping", DAMAGED)
    _each_key_once(name, text)
    return data


def _quoted(text: str) -> str:
    """The same lines with quotes around all that is no text without them."""
    text = "\n" + TYPED_VALUE.sub(r": '\1'", text)
    if " #" in text:
        text = TYPED_BEFORE_COMMENT.sub(r"\1'\2'", text)
    return TYPED_ITEM.sub(r"\1'\2'", text)[1:]


def _broken(name: str, message: str) -> ExpectedError:
    found = re.search(r"line (\d+)", message)
    words = re.sub(r" at byte .*$", "", message.removeprefix("YAML parse error: "))
    return ExpectedError(f"{name}:{found[1]}: {words}" if found else f"{name}: {words}", DAMAGED)


def _refuse(name: str, text: str) -> None:
    in_flow = "&" in text and IN_FLOW.search(text) is not None
    for found in MARKED.finditer(text):
        mark, position = found[0], found.start()
        if position and text[position - 1] not in " \n[{,":
            continue
        start = text.rfind("\n", max(0, position - LINE), position) + 1
        if position - start > LINE:  # an anchor is refused in any case, as aliases need one
            is_marker = mark == "&"
        else:
            is_marker = VALUE.fullmatch(text, start, position) is not None or (
                mark == "&" and in_flow
            )
        if is_marker:
            what = {"&": "an anchor", "*": "an alias", "!": "a tag"}[mark]
            raise _no_lock(name, text, position, f"{what} of YAML")
    if deep := DEEP.search(f"\n{text}"):
        raise _no_lock(name, text, deep.start(), "nesting so deep")
    for found in DOCUMENT.finditer(text):
        if re.search(r"^[^\s#%]", text[: found.start()], re.MULTILINE):
            raise _no_lock(name, text, found.end(), "a second document")


def _no_lock(name: str, text: str, position: int, what: str) -> ExpectedError:
    return ExpectedError(
        f"{name}:{line_of(text, position)}: {what}; no lock file has that", DAMAGED
    )


def _each_key_once(name: str, text: str) -> None:
    """By indentation alone, which is all that tells mappings apart in the block style that locks are written in."""
    open_mappings: list[tuple[int, set[str]]] = [(0, set())]
    scalar_ends = 0
    for found in MAPPED.finditer(text):
        if found.start() < scalar_ends:
            continue
        indent, dashes, key, scalar = found.groups()
        column = len(indent) + len(dashes)
        if dashes:  # an item begins: what was open inside of the last one is done
            while open_mappings[-1][0] > len(indent):
                open_mappings.pop()
        while open_mappings[-1][0] > column:
            open_mappings.pop()
        if open_mappings[-1][0] < column:
            open_mappings.append((column, set()))
        _add(name, text, found.start(), open_mappings[-1][1], key)
        if scalar:
            scalar_ends = _end_of_block(text, found.end(), column)
    for flow in FLOW.finditer(text):
        keys: set[str] = set()
        for pair in flow[1].split(", "):
            _add(name, text, flow.start(), keys, pair.partition(":")[0])


def _add(name: str, text: str, position: int, keys: set[str], key: str) -> None:
    key = key.strip(" '\"")
    if key in keys:
        raise ExpectedError(
            f"{name}:{line_of(text, position)}: the key '{key}' is there twice", DAMAGED
        )
    keys.add(key)


def _end_of_block(text: str, position: int, column: int) -> int:
    """Where the lines that are indented deeper than a column end."""
    found = re.compile(rf"^ {{0,{column}}}[^\s]", re.MULTILINE).search(
        text, text.find("\n", position) + 1
    )
    return found.start() if found else len(text)


def line_of_item(text: str, key: str, number: int) -> int:
    """The line of an item, counted from 0, of a list in block style under a key at the left margin; 1 if not found."""
    head = re.search(rf"^{key}:.*\n(?:\s*#.*\n|\s*\n)*( *)- ", text, re.MULTILINE)
    if not head:
        return 1
    items = re.compile(rf"^{head[1]}- ", re.MULTILINE).finditer(text, head.end() - 2 - len(head[1]))
    positions = [item.start() for item, _ in zip(items, range(number + 1), strict=False)]
    return line_of(text, positions[-1]) if len(positions) > number else 1
