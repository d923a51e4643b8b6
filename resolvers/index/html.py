"""The links of an HTML page of an index."""

import re
from html import unescape
from html.parser import HTMLParser

PLAIN_LINK = re.compile(
    r"""
    <a(                                  # attributes in double quotes, in lower case
        (?:\ [a-z-]+="[^"&\x00-\x1f]*    # a value without entities ...
            (?:&[gl]t;[^"&\x00-\x1f]*)*  # ... except for the &gt; and &lt; of requires-python
        ")+
    )>
    [^<]*</a>\s*                         # a text without other tags
    (?:<br\ ?/?>\s*)?
    """,
    re.VERBOSE,
)
"""A link in the form that nearly all indexes write. The HTML parser reads all other links."""
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


class LinkParser(HTMLParser):
    """Reads a page into ``links`` (the attributes of each link), ``base`` and ``version``.

    ``base`` is the address in the page's ``<base>`` tag, or empty; ``version`` is the version of
    the page's format (PEP 629).
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[dict[str, str]] = []
        self.base = ""
        self.version = "1.0"
        self.feed(text[self._read_plain_links(text) :])
        self.close()

    def _read_plain_links(self, text: str) -> int:
        """Read the page up to the end of the first run of plain links, and return that position.

        A project may have thousands of links; the HTML parser takes three times as long for them.
        """
        end = len(text.partition("<a ")[0])
        self.feed(text[:end])
        # The parser holds unread text inside a comment, a script and the like.
        is_between_tags = not self.rawdata and not self.cdata_elem
        while is_between_tags and (link := PLAIN_LINK.match(text, end)):
            attributes = ATTRIBUTE.findall(link[1])
            self.links.append({name: unescape(value) for name, value in attributes})
            end = link.end()
        return end

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the attributes of the tags that matter; HTMLParser calls this for each tag."""
        if tag == "a":
            self.links.append({name: value or "" for name, value in attrs})
        elif tag == "base" and not self.base:
            self.base = dict(attrs).get("href") or ""
        elif tag == "meta" and dict(attrs).get("name") == "pypi:repository-version":
            self.version = dict(attrs).get("content") or ""
