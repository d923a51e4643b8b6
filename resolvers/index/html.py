"""The links of an HTML page of an index.

The parser of the standard library takes quadratic time on unclosed tags, and fails on some
declarations. This one moves forward only. It drops what is not closed at the end of the page.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

TAG = re.compile(r"<([a-zA-Z][^\s/>]*+)")
SPACE = re.compile(r"[\s/]*+")
ATTRIBUTE = re.compile(
    r"""
    ([^\s/>][^\s/>=]*+)                   # the name
    (?:\s*+=\s*+(?:
        "([^"]*+)("?)                     # a value, and its end unless the page ends first
        | '([^']*+)('?)
        | ([^\s>]*+)
    ))?+
    """,
    re.VERBOSE,
)
RAW_ENDS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
"""Ends of elements that contain no tags."""

Tag = tuple[str, dict[str, str]]
"""Name and attributes of a start tag."""


class LinkPage(NamedTuple):
    """The attributes of each link of a page.

    ``base`` is the address in the page's ``<base>`` tag, or empty; ``version`` is the version of
    the page's format (PEP 629).
    """

    links: tuple[dict[str, str], ...]
    base: str
    version: str


def parse_page(text: str) -> LinkPage:
    """Read the links of a page, in linear time and without errors for any text. Pure."""
    links: list[dict[str, str]] = []
    base, version = "", "1.0"
    for name, attributes in _start_tags(text):
        if name == "a":
            links.append(attributes)
        elif name == "base":
            base = base or attributes.get("href", "")
        elif name == "meta" and attributes.get("name") == "pypi:repository-version":
            version = attributes.get("content", "")
    return LinkPage(tuple(links), base, version)


def _start_tags(text: str) -> Iterator[Tag]:
    position = text.find("<")
    while position >= 0:
        end = position + 1
        if found := TAG.match(text, position):
            name = found[1].lower()
            attributes, end = _attributes(text, found.end())
            if end < 0:
                return
            yield name, attributes
            end = _end_of_raw_text(text, name, end)
        elif text.startswith(("<!", "<?", "</"), position):
            end = _end_of_markup(text, position)
        position = text.find("<", end) if end >= 0 else end


def _attributes(text: str, position: int) -> tuple[dict[str, str], int]:
    """Return the attributes of a tag and the position behind it; -1 if the page ends before."""
    attributes: dict[str, str] = {}
    while True:
        space = SPACE.match(text, position)
        assert space  # the pattern matches the empty text, too
        position = space.end()
        if text.startswith(">", position):
            return attributes, position + 1
        found = ATTRIBUTE.match(text, position)
        if not found or "" in found.group(3, 5):
            return attributes, -1
        value = found[2] or found[4] or found[6] or ""
        attributes[found[1].lower()] = _unescaped(value)
        position = found.end()


def _unescaped(value: str) -> str:
    try:
        return unescape(value)
    except ValueError:  # a number with thousands of digits
        return value


def _end_of_raw_text(text: str, name: str, position: int) -> int:
    if name not in RAW_ENDS:
        return position
    found = RAW_ENDS[name].search(text, position)
    return found.start() if found else -1


def _end_of_markup(text: str, position: int) -> int:
    """Return the position of the end of a comment, a declaration or an end tag, or -1."""
    if text.startswith("<!--", position):
        return text.find("-->", position + len("<!--"))
    return text.find(">", position)
