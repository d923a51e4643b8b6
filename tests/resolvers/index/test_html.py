from hypothesis import example, given
from hypothesis import strategies as st

from resolvers.index.html import Anchors

PIECES = st.sampled_from(
    [
        *(
            "<!DOCTYPE html><html><head><title>Links</title></head><body>",
            "</body>",
            "<title>",
            "</title>",
            "<br/>\n",
        ),
        *(
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<a ",
            "<a",
            "</a>",
            ">",
            " ",
            "&",
            "&gt",
            "<",
            "text",
            '"',
            "'",
        ),
        '<a href="https://x.test/a-1.tar.gz#sha256=0123" data-requires-python="&gt;=3, &lt;4">a-1.tar.gz</a><br/>\n',
        *(
            '<a href="b-1.tar.gz">b</a>\n',
            '<a href="c" href="d">c &amp; d</a>',
            '<a href="c" data-yanked>c</a>',
        ),
        *(
            "<a href=e>e</a>",
            "<A HREF='f'>f</A>",
            '<a href="g&amp;h&copy">g</a>',
            '<a  href="i"\n>i</a>',
            "<a>j</a>",
        ),
        *(
            '<base href="/x/">',
            '<meta name="pypi:repository-version" content="1.3">',
            '<a href="k"><b>k</b></a>',
        ),
    ]
)


class Parsed(Anchors):
    """All of the page read by the parser."""

    def _read_plain(self, text: str) -> int:  # noqa: ARG002 (there is none to read)
        return 0


@given(st.lists(PIECES, max_size=12).map("".join))
@example('<!-- <a href="b-1.tar.gz">b</a> --><a href="b-2.tar.gz">b</a>')
@example('<script><a href="b-1.tar.gz">b</a></script><a href="b-2.tar.gz">b</a>')
def test_plain_links_are_read_as_a_parser_reads_them(text: str) -> None:
    read, parsed = Anchors(text), Parsed(text)
    assert (read.links, read.base, read.version) == (parsed.links, parsed.base, parsed.version)
