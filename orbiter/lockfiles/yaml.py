"""YAML as lock files use it: all scalars are text; no anchors, aliases, tags or duplicate keys.

``yaml12`` parses quickly but converts scalars (``3.10`` becomes 3.1), silently keeps the last of
two duplicate keys, and expands aliases. So this module quotes such scalars before it parses, and
rejects everything that no lock file contains. A parser that returns events would need none of these
expressions, but PyYAML's takes four times as long on a large lock file.
"""

import re
from typing import Any

from orbiter.lockfiles.document import DAMAGED, line_of
from resolvers.errors import ExpectedError
from resolvers.yaml_depth import deep_position

# The possessive quantifiers (*+ and ++) keep the expressions linear on damaged files. Expressions
# that start with a literal character are fast, because the engine searches for it first.

KEY = r"""(?:
    '[^'\n]*+'[ ]*                              # in single quotes
    | "[^"\n]*+"[ ]*                            # in double quotes
    | (?: [^\s'"\#\[\]{}&*!|>%@`?,-] | -(?=[^\s:]) ) [^:\n]*+   # plain
)"""

TYPED = r"""(?:
    [-+]?(?:
        0o[0-7]++
        | 0x[0-9a-fA-F]++
        | (?: [0-9]++ (?:\.[0-9]*+)? | \.[0-9]++ ) (?:[eE][-+]?[0-9]++)?
        | \.(?:inf|Inf|INF)
    )
    | true|True|TRUE | false|False|FALSE | null|Null|NULL | ~ | \.nan|\.NaN|\.NAN
)"""
"""Scalar that is not text in the core schema of YAML 1.2."""

TYPED_VALUE = re.compile(rf":[ ]({TYPED})(?=[ ]*(?:\n|\Z))", re.VERBOSE)
TYPED_VALUE_BEFORE_COMMENT = re.compile(
    rf"(\n[ ]*(?:-[ ]+)*{KEY}:[ ]+)({TYPED})(?=[ ]+\#)", re.VERBOSE
)
TYPED_ITEM_OR_KEY = re.compile(
    rf"(\n[ ]*(?:-[ ]+)*)({TYPED})(?=[ ]*(?:\n|\Z)|[ ]+\#|:[ \n])", re.VERBOSE
)

FLOW_LINE = re.compile(r"^.*[\]}] *$", re.MULTILINE)
FLOW_START = re.compile(r"[:-] (?=[\[{])")
FLOW_SCALAR = re.compile(
    rf"""'[^'\n]*' | "[^"\n]*" | (?<=[\[{{,: ]) ({TYPED}) (?=[ ]*[,\]}}:])""", re.VERBOSE
)
"""Scalar in brackets that is not text; texts in quotes match, too, without a group."""

BLOCK_KEY = re.compile(
    rf"""
    ^(?P<indent>[ ]*)
    (?P<dashes>(?:-[ ]+)*)
    (?P<key>{KEY}):(?=[ \n]|\Z)
    (?:[ ]+(?P<block_scalar>[|>])[-+0-9]*(?=[ ]|$))?
    """,
    re.MULTILINE | re.VERBOSE,
)
"""Key of a mapping in block style."""

FLOW_MAPPING = re.compile(r": \{([^{}\n]+)\}")
"""Mapping in braces on one line."""

INDICATORS = {"&": "anchors", "*": "aliases", "!": "tags"}
INDICATOR = re.compile(r"[&*!](?=[^\s&])")

BEFORE_VALUE = re.compile(rf"[ ]*(?:[-?:][ ]+)*(?:{KEY}:[ ]+)?", re.VERBOSE)
"""Everything that may precede a value on its line."""

MAX_COLUMN = 500
"""Column after which no value of a lock file starts."""

FLOW_COLLECTION = re.compile(r"(?:^|\n *|[:?-] +)[\[{](?![\]}])")
"""Start of a list or mapping in brackets that is not empty."""

DOCUMENT_START = re.compile(r"\n---(?=\s|\Z)")


def load_yaml(name: str, text: str) -> dict[str, Any]:
    """Parse a YAML mapping of strings, lists and mappings; an empty value is None.

    Raises ExpectedError with the line for invalid YAML, duplicate keys, anchors, aliases, tags,
    several documents, and a document that is not a mapping.
    """
    import yaml12

    _check_features(name, text)
    try:
        data: Any = yaml12.parse_yaml(_quote_scalars(text))
    except ValueError as error:
        raise _syntax_error(name, str(error)) from error
    if not isinstance(data, dict):
        raise ExpectedError(f"{name}: the file is not a YAML mapping", DAMAGED)
    _check_duplicate_keys(name, text)
    return data


def _quote_scalars(text: str) -> str:
    """Quote all scalars that are not text without quotes; lines keep their numbers."""
    # With a line break before it, the first line matches the patterns of items, too.
    quoted = "\n" + TYPED_VALUE.sub(r": '\1'", text)
    if " #" in quoted:
        quoted = TYPED_VALUE_BEFORE_COMMENT.sub(r"\1'\2'", quoted)
    quoted = FLOW_LINE.sub(_quote_flow, quoted)
    return TYPED_ITEM_OR_KEY.sub(r"\1'\2'", quoted)[1:]


def _quote_flow(line: re.Match[str]) -> str:
    start = FLOW_START.search(line[0])
    if not start:
        return line[0]
    flow = FLOW_SCALAR.sub(_quote, line[0][start.end() :])
    return line[0][: start.end()] + flow


def _quote(scalar: re.Match[str]) -> str:
    return f"'{scalar[1]}'" if scalar[1] else scalar[0]


def _syntax_error(name: str, message: str) -> ExpectedError:
    line = re.search(r"line (\d+)", message)
    where = f"{name}:{line[1]}" if line else name
    reason = re.sub(r" at byte .*$", "", message.removeprefix("YAML parse error: "))
    return ExpectedError(f"{where}: {reason}", DAMAGED)


def _check_features(name: str, text: str) -> None:
    """Raise ExpectedError for features of YAML that no lock file uses."""
    has_flow = "&" in text and FLOW_COLLECTION.search(text) is not None
    for match in INDICATOR.finditer(text):
        if _is_indicator(text, match.start(), match[0], has_flow=has_flow):
            raise _unsupported(name, text, match.start(), INDICATORS[match[0]])
    position = deep_position(text)
    if position is not None:
        raise _unsupported(name, text, position, "blocks nested this deeply")
    for start in DOCUMENT_START.finditer(text):
        if re.search(r"^[^\s#%]", text[: start.start()], re.MULTILINE):
            raise _unsupported(name, text, start.end(), "streams of several documents")


def _is_indicator(text: str, position: int, character: str, *, has_flow: bool) -> bool:
    """Return whether a character starts an anchor, alias or tag rather than being part of text."""
    if position and text[position - 1] not in " \n[{,":
        return False
    line = text.rfind("\n", max(0, position - MAX_COLUMN), position) + 1
    is_anchor = character == "&"
    if position - line > MAX_COLUMN:
        # No alias can exist without an anchor, so rejecting anchors is enough here.
        return is_anchor
    return BEFORE_VALUE.fullmatch(text, line, position) is not None or (is_anchor and has_flow)


def _unsupported(name: str, text: str, position: int, feature: str) -> ExpectedError:
    line = line_of(text, position)
    return ExpectedError(f"{name}:{line}: YAML {feature} are not supported in lock files", DAMAGED)


def _check_duplicate_keys(name: str, text: str) -> None:
    """Raise ExpectedError for a key that a mapping has twice.

    Lock files use block style, in which indentation separates mappings.
    """
    mappings: list[tuple[int, set[str]]] = [(0, set())]  # open at this line: columns and keys
    scalar_end = 0
    for match in BLOCK_KEY.finditer(text):
        if match.start() < scalar_end:
            continue  # part of the text of a block scalar
        indent, dashes, key, block_scalar = match.groups()
        column = len(indent) + len(dashes)
        keys = _keys_at(mappings, len(indent) if dashes else column, column)
        _add_key(name, text, match.start(), keys, key)
        if block_scalar:
            scalar_end = _end_of_block(text, match.end(), column)
    # Mappings in braces have no indentation to compare.
    for flow in FLOW_MAPPING.finditer(text):
        keys = set()
        for pair in flow[1].split(", "):
            _add_key(name, text, flow.start(), keys, pair.partition(":")[0])


def _keys_at(mappings: list[tuple[int, set[str]]], item: int, column: int) -> set[str]:
    """Close the mappings that end before a key; return the keys of the mapping that has it.

    ``item`` is the column of the first dash before the key, which starts a new list item: that
    closes all mappings of the previous item.
    """
    while mappings[-1][0] > min(item, column):
        mappings.pop()
    if mappings[-1][0] < column:
        mappings.append((column, set()))
    return mappings[-1][1]


def _add_key(name: str, text: str, position: int, keys: set[str], key: str) -> None:
    key = key.strip(" '\"")
    if key in keys:
        raise ExpectedError(f"{name}:{line_of(text, position)}: duplicate key '{key}'", DAMAGED)
    keys.add(key)


def _end_of_block(text: str, position: int, column: int) -> int:
    """Return the position of the next line that is not indented deeper than a column."""
    next_line = re.compile(rf"^ {{0,{column}}}[^\s]", re.MULTILINE)
    end = next_line.search(text, text.find("\n", position) + 1)
    return end.start() if end else len(text)


def line_of_item(text: str, key: str, index: int) -> int:
    """Return the line of an item of the list under a top-level key; 1 if it is not found."""
    head = re.search(rf"^{key}:.*\n(?:[^\S\n]*+(?:#.*)?\n)*+( *)- ", text, re.MULTILINE)
    if not head:
        return 1
    first_item = head.end() - len(f"{head[1]}- ")
    items = re.compile(rf"^{head[1]}- ", re.MULTILINE).finditer(text, first_item)
    positions = [item.start() for item, _ in zip(items, range(index + 1), strict=False)]
    return line_of(text, positions[-1]) if len(positions) > index else 1
