"""Blocks of the text report about licences and findings of lint."""

from textwrap import wrap

from orbiter.report.extras import Extra, ExtraSection
from orbiter.report.text_table import Painter

LINES = 20
"""Entries of a section that are shown; the others are counted."""


def extra_blocks(extra: Extra, width: int, paint: Painter, *, everything: bool) -> list[list[str]]:
    """Return the counts and each section, as lines of at most ``width`` columns."""
    counts = _wrap(f"{extra.title}: {extra.counts}", width, "", "  ")
    blocks = [[paint(line, "bold") for line in counts]]
    for section in extra.sections:
        blocks.append(_section(section, width, paint, everything=everything))
    return blocks


def _section(section: ExtraSection, width: int, paint: Painter, *, everything: bool) -> list[str]:
    shown = section.lines if everything else section.lines[:LINES]
    lines = [paint(line, "bold") for line in _wrap(section.title, width, "", "  ")]
    lines += [part for line in shown for part in _wrap(line, width, "  ", "    ")]
    if hidden := len(section.lines) - len(shown):
        lines.append(paint(f"  … and {hidden:,} more (--all shows them)", "dim"))
    return lines


def _wrap(text: str, width: int, first: str, others: str) -> list[str]:
    return wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
