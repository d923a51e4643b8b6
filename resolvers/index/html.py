"""The links of an HTML page with their attributes."""

import re
from html import unescape
from html.parser import HTMLParser

PLAIN = re.compile(
    r'<a((?: [a-z-]+="[^"&\x00-\x1f]*(?:&[gl]t;[^"&\x00-\x1f]*)*")+)>[^<]*</a>\s*(?:<br ?/?>\s*)?'
)
"""A link as indexes write it; what is written otherwise is left to the parser."""
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


class Anchors(HTMLParser):
    """The attributes of a page's links, the address that its ``<base>`` gives, and the version of its format."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[dict[str, str]] = []
        self.base = ""
        self.version = "1.0"
        self.feed(text[self._read_plain(text) :])
        self.close()

    def _read_plain(self, text: str) -> int:
        """Read up to and with a run of plain links: a project has thousands, and the parser takes long for them."""
        end = len(text.partition("<a ")[0])
        self.feed(text[:end])
        outside = not self.rawdata and not self.cdata_elem  # of comments, scripts and the like
        while outside and (link := PLAIN.match(text, end)):
            self.links.append({name: unescape(value) for name, value in ATTRIBUTE.findall(link[1])})
            end = link.end()
        return end

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what counts of a tag that the parser met."""
        if tag == "a":
            self.links.append({name: value or "" for name, value in attrs})
        elif tag == "base" and not self.base:
            self.base = dict(attrs).get("href") or ""
        elif tag == "meta" and dict(attrs).get("name") == "pypi:repository-version":
            self.version = dict(attrs).get("content") or ""
