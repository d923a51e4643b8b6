"""The fast reader of plain links gives the same result as the HTML parser alone."""

from hypothesis import example, given
from hypothesis import strategies as st

from resolvers.index.html import LinkParser

DOCUMENT = (
    "<!DOCTYPE html><html><head><title>Links</title></head><body>",
    "</body>",
    "<title>",
    "</title>",
    "<br/>\n",
    '<base href="/x/">',
    '<meta name="pypi:repository-version" content="1.3">',
)
TAGS = ("<!--", "-->", "<script>", "</script>", "<a ", "<a", "</a>")
CHARACTERS = (">", " ", "&", "&gt", "<", "text", '"', "'")
LINKS = (
    '<a href="https://x.test/a-1.tar.gz#sha256=0123" data-requires-python="&gt;=3, &lt;4">'
    "a-1.tar.gz</a><br/>\n",
    '<a href="b-1.tar.gz">b</a>\n',
    '<a href="c" href="d">c &amp; d</a>',
    '<a href="c" data-yanked>c</a>',
    "<a href=e>e</a>",
    "<A HREF='f'>f</A>",
    '<a href="g&amp;h&copy">g</a>',
    '<a  href="i"\n>i</a>',
    "<a>j</a>",
    '<a href="k"><b>k</b></a>',
)
PIECES = st.sampled_from([*DOCUMENT, *TAGS, *CHARACTERS, *LINKS])


class SlowLinkParser(LinkParser):
    """Leaves the whole page to the HTML parser."""

    def _read_plain_links(self, text: str) -> int:  # noqa: ARG002 (nothing is read in advance)
        return 0


@given(st.lists(PIECES, max_size=12).map("".join))
@example('<!-- <a href="b-1.tar.gz">b</a> --><a href="b-2.tar.gz">b</a>')
@example('<script><a href="b-1.tar.gz">b</a></script><a href="b-2.tar.gz">b</a>')
def test_plain_links_are_read_as_the_html_parser_reads_them(text: str) -> None:
    fast, slow = LinkParser(text), SlowLinkParser(text)
    assert (fast.links, fast.base, fast.version) == (slow.links, slow.base, slow.version)
