"""Sections of a Markdown report that fit into a comment on GitHub. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from orbiter.report import markup, phrases

IMPORTANCE = (
    "underived",
    "faults",
    "altered",
    "licences-denied",
    "lint-new",
    "vulnerabilities-new",
    "vulnerabilities-decided",
    "vulnerabilities-affected",
    "vulnerabilities-undecided",
    "elsewhere",
    "direct",
    "important",
    "files",
    "facts",
    "notes",
    "licences-introduced",
    "licences-changed",
    "vulnerabilities-remaining",
    "vulnerabilities-fixed",
    "vulnerabilities-rest",
    "vulnerabilities-ignored",
    "licences-dropped",
    "lint-fixed",
    "lint-rest",
    "guessed",
    "removed",
    "downgraded",
    "added",
    "changed",
    "upgraded",
    "moved",
    "rebuilt",
)
"""Sections, the most important first."""

UNFOLDED = frozenset(
    {
        "underived",
        "faults",
        "files",
        "altered",
        "elsewhere",
        "direct",
        "important",
        "facts",
        "notes",
        "licences-denied",
        "licences-introduced",
        "licences-changed",
        "lint-new",
        "vulnerabilities-new",
        "vulnerabilities-decided",
        "vulnerabilities-affected",
        "vulnerabilities-undecided",
    }
)
"""Sections whose tables are not folded with ``<details>``."""

ALERTS = frozenset({"underived", "faults", "altered"})
"""Sections that begin with an alert."""


class Block(NamedTuple):
    """A section of the report as a complete table, and as lines of plain text."""

    key: str
    title: str
    table: str
    lines: tuple[str, ...]


def fit(head: str, blocks: list[Block], limit: int, command: str) -> str:
    """Return the report with at most ``limit`` characters; ``command`` is code that shows all."""
    rendered = {block.key: _render_table(block) for block in blocks}
    if len(head) + _total_length(rendered) > limit:
        head += f"\nToo long to be whole here: {command} shows all.\n"
        blocks = sorted(blocks, key=lambda block: -IMPORTANCE.index(block.key))
        folded = [block for block in blocks if block.key not in UNFOLDED]
        unfolded = [block for block in blocks if block.key in UNFOLDED]
        for group in (folded, unfolded):
            _shorten(rendered, group, limit - len(head))
    return head + "".join(rendered.values())


def _total_length(rendered: dict[str, str]) -> int:
    return sum(map(len, rendered.values()))


def _shorten(rendered: dict[str, str], blocks: Sequence[Block], limit: int) -> None:
    """Convert tables to lists until all fits, then cut lists, both in the order of ``blocks``."""
    for block in blocks:
        if _total_length(rendered) > limit:
            rendered[block.key] = _render_list(block, block.lines)
    for block in blocks:
        excess = _total_length(rendered) - limit
        if excess > 0:
            rendered[block.key] = _cut_list(block, len(rendered[block.key]) - excess)


def _render_table(block: Block) -> str:
    """Render a section with its table; that of altered packages is a prominent alert."""
    if block.key in ALERTS:
        quoted = block.table.rstrip("\n").replace("\n", "\n> ")
        return f"\n{_alert(block)}\n>\n> {quoted}\n"
    if block.key in UNFOLDED:
        return f"\n### {block.title}\n\n{block.table}"
    return f"\n<details><summary>{block.title}</summary>\n\n{block.table}\n</details>\n"


def _alert(block: Block) -> str:
    if block.key != "altered":
        return f"> [!CAUTION]\n> **{block.title}.**"
    return f"> [!CAUTION]\n> **{block.title.upper()}: {phrases.ALTERED}.** {phrases.SUSPECT}"


def _render_list(block: Block, lines: Sequence[str], rest: str = "") -> str:
    """Render a section as a code block, in which GitHub ignores Markdown and mentions."""
    text = "\n".join(lines)
    fence = markup.fence(text, 3)
    code = f"\n{fence}text\n{text}\n{fence}\n" if lines else ""
    alert = f"\n{_alert(block)}\n" * (block.key in ALERTS)
    state = " open" * (block.key in UNFOLDED)
    details = f"<details{state}><summary>{block.title}</summary>\n{code}{rest}\n</details>"
    return f"{alert}\n{details}\n"


def _cut_list(block: Block, limit: int) -> str:
    """Render as many lines as fit, and the number of the others."""

    def cut(count: int) -> str:
        left_out = len(block.lines) - count
        rest = f"\n**… and {left_out:,} more of {len(block.lines):,}**, left out here.\n"
        return _render_list(block, block.lines[:count], rest)

    # Search, because fences and counts change the size as well.
    low, high = 0, len(block.lines) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if len(cut(middle)) <= limit:
            low = middle
        else:
            high = middle - 1
    return cut(low)
