"""The links of pages, read as the HTML parser of the standard library reads them."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.index.html import parse_page

DOCUMENT = (
    "<!DOCTYPE html><html><head><title>Links</title></head><body>",
    "</body>",
    "<br/>\n",
    '<base href="/x/">',
    '<base target="y">',
    '<meta name="pypi:repository-version" content="1.3">',
    '<!-- <a href="b-1.tar.gz">b</a> -->',
    "<script>if (a < b) \"<a href='b-1.tar.gz'>\"</script>",
    "<STYLE><a></Style>",
    "<?php a ?>",
)
CHARACTERS = (" ", "&amp;", "&gt", "a < b", "text", '"', "'")
LINKS = (
    '<a href="https://x.test/a-1.tar.gz#sha256=0123" data-requires-python="&gt;=3, &lt;4">'
    "a-1.tar.gz</a><br/>\n",
    '<a href="b-1.tar.gz">b</a>\n',
    '<a href="c" href="d">c &amp; d</a>',
    '<a href="c" data-yanked>c</a>',
    '<a data-yanked href = "c"/>',
    "<a href=e>e</a>",
    "<a href=e/f?g='h'>e</a>",
    "<A HREF='f'>f</A>",
    '<a href="g&amp;h&copy">g</a>',
    '<a  href="i"\n>i</a>',
    '<a title="2 > 1 </a>" href="i">i</a>',
    "<a>j</a>",
    '<a href="k"><b>k</b></a>',
)
PIECES = st.sampled_from([*DOCUMENT, *CHARACTERS, *LINKS])


class StandardParser(HTMLParser):
    """Collects start tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, tag: str, attribute: str) -> list[str]:
        return [each[attribute] for name, each in self.tags if name == tag and attribute in each]


@given(st.lists(PIECES, max_size=12).map("".join))
def test_pages_are_read_as_the_standard_parser_reads_them(text: str) -> None:
    page, standard = parse_page(text), StandardParser(text)
    assert list(page.links) == [attributes for name, attributes in standard.tags if name == "a"]
    assert page.base == next(iter(standard.values("base", "href")), "")
    assert page.version == (standard.values("meta", "content") or ["1.0"])[-1]


UNCLOSED = (
    *("<a ", "<a href=", "<a href='", '<a href="x', "<a href='x' ", "<a href='x'/", "</", "<"),
    *("<!--", "<!", "<![", "<![x", "<?", "<script>", "<style><", "&", "&#"),
)


@pytest.mark.parametrize("end", UNCLOSED)
def test_an_unclosed_end_is_dropped(end: str) -> None:
    page = parse_page(f'<a href="b">b</a>{end}')
    assert page.links == ({"href": "b"},)


def test_a_number_that_is_too_long_stays() -> None:
    value = f"&#{'9' * 10_000};"
    assert parse_page(f"<a href='{value}'>").links == ({"href": value},)


@given(st.text(alphabet="<>a /=\"'!-&#;1[?", max_size=60))
def test_any_text_is_read(text: str) -> None:
    parse_page(text)
