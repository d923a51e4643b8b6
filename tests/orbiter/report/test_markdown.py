"""The body of a pull request."""

import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from orbiter.diff.types import Diff, Fact, Side
from orbiter.report import markdown
from tests.support.diff_samples import (
    ALTERED,
    ALTERED_WORDS,
    EMPTY,
    FACTS,
    SAMPLES,
    SMALL,
    change,
    many,
)
from tests.support.golden import assert_golden

HOSTILE = "a|b`c``d <img src=x> @types/node #12 **bold** [x](http://y) ~~no~~ </details> \\"
MENTION = re.compile(r"(?<![\w`])[@#]\w")
OWN = {"details", "summary", "code"}


class Page(HTMLParser):
    """Collect the visible text, the text outside of code, and the tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.prose, self.tags, self.depth = "", "", set[str](), 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 # as HTMLParser
        self.tags.add(tag)
        self.depth += tag in {"code", "pre"}

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in {"code", "pre"}

    def handle_data(self, data: str) -> None:
        self.text += data
        self.prose += "" if self.depth else data


def page(text: str) -> Page:
    return Page(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_body_equals_the_golden_file(name: str) -> None:
    assert_golden(f"{name}.md", markdown.render(SAMPLES[name]))


def test_a_shortened_body_equals_the_golden_file() -> None:
    assert_golden("long.md", markdown.render(many(300), limit=9_000))


@pytest.mark.parametrize("limit", [5_000, 12_000, 30_000, 65_000, 200_000, 2_000_000])
@pytest.mark.parametrize("size", [10, 700, 3000])
def test_omitted_changes_are_counted(size: int, limit: int) -> None:
    diff = many(size)
    text = markdown.render(diff, limit)
    assert len(text) <= limit
    rows = len(re.findall(r"^(?:\| (?:\w+ \| )?`|[^\w|*#] )package-\d{5}", text, re.MULTILINE))
    left = sum(int(each.replace(",", "")) for each in re.findall(r"… and ([\d,]+) more of", text))
    assert rows + left == size
    assert not left or "--all` shows all" in text


def test_the_default_limit_is_below_that_of_github() -> None:
    assert len(markdown.render(many(6000))) <= 65_000


def test_the_most_important_sections_are_cut_last() -> None:
    diff = many(3000)
    diff = replace(diff, changes=(*ALTERED.changes[:1], *diff.changes))
    text = markdown.render(diff, 20_000)
    assert "| rebuilt | `requests` |" in text
    assert "### Direct requirements (60)" in text
    assert re.search(r"Other rebuilt .*\n\n\*\*… and (\d+) more of \1\*\*", text)


def test_altered_packages_are_an_alert_at_the_top() -> None:
    text = markdown.render(ALTERED)
    lines = text.splitlines()
    caution = lines.index("> [!CAUTION]")
    assert ALTERED_WORDS in lines[caution + 1]
    assert text.index("`requests`") < text.index("`numpy`")
    assert lines[caution + 5] == "> | rebuilt | `requests` | `2.32.0` | other hash |"


@pytest.mark.parametrize("limit", [65_000, 6_000])
def test_text_of_a_lock_is_not_interpreted(limit: int) -> None:
    hostile = change(
        HOSTILE, "changed", "1|`", HOSTILE, why=(HOSTILE, "x"), licences=(HOSTILE, "@b")
    )
    diff = Diff(
        old=Side(name=HOSTILE, format="x"),
        new=Side(name="@someone", format="x"),
        changes=(hostile, *SMALL.changes),
        facts=(Fact(kind=HOSTILE, name=HOSTILE, old="", new=HOSTILE), *FACTS.facts),
        notes=(HOSTILE, *(f"note {number}" for number in range(300))),
        suggestion=replace(SMALL.suggestion, reason=HOSTILE),
    )
    seen = page(markdown.render(diff, limit))
    expected = {
        "p",
        "strong",
        "h3",
        "ul",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "pre",
        "blockquote",
    }
    assert seen.tags <= expected | OWN
    assert not MENTION.search(seen.prose)
    assert seen.text.replace("\u200b", "").count(HOSTILE) >= 3
    assert seen.depth == 0


def test_npm_scopes_are_not_mentions() -> None:
    scoped = change(
        "@types/node", "upgraded", "1", "2", manager="npm", why=("@types/react", "@types/node")
    )
    text = markdown.render(
        replace(
            EMPTY, changes=(scoped,), suggestion=replace(SMALL.suggestion, reason="@types/node")
        )
    )
    assert "| `@types/node` |" in text
    assert not MENTION.search(page(text).prose)


def test_an_empty_diff() -> None:
    assert "no package changed" in markdown.render(EMPTY)
