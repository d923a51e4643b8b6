"""Text report for a terminal."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from textwrap import wrap

from orbiter import sizes
from orbiter.diff.types import Change, Diff, Fact
from orbiter.report import chains, phrases
from orbiter.report.alarms import alarms
from orbiter.report.extras import Extra
from orbiter.report.sections import SECTIONS, Section, sections
from orbiter.report.text_extras import extra_blocks
from orbiter.report.text_files import alarm_block, file_block
from orbiter.report.text_table import Painter, TextRow, render_table
from orbiter.report.vulnerabilities import text as findings
from orbiter.report.vulnerabilities.view import View

MIN_WIDTH = 40

ROWS_OF_SECTION = {"altered": 100, "elsewhere": 40, "direct": 40}
ROWS = 15
"""Rows of a section that are shown; the others are counted."""

SPARE_ROWS = 2
"""Additional rows that are shown, because a line with their number would take as much room."""

NUMBER_AND_NOUN = re.compile(r"(\d) (?=[A-Za-z])")


def render(
    diff: Diff,
    *,
    width: int,
    colour: bool,
    everything: bool,
    vulnerabilities: View | None = None,
    extras: Sequence[Extra] = (),
) -> str:
    """Return lines of at most ``width`` columns (at least 40).

    Long sections are shortened unless ``everything`` is true.
    """
    width, paint = max(width, MIN_WIDTH), Painter(colour)
    make_row = _row_maker(diff)
    blocks = [_head(diff, width, paint)]
    blocks += [alarm_block(alarm, width, paint) for alarm in alarms(diff)]
    if vulnerabilities:
        blocks += _vulnerability_blocks(vulnerabilities, width, paint, everything=everything)
    for extra in extras:
        blocks += extra_blocks(extra, width, paint, everything=everything)
    for section in sections(diff):
        shown, hidden = _shorten(section, everything=everything)
        block = [*_heading(section, width, paint)]
        block += render_table([make_row(change, section) for change in shown], width, paint)
        if hidden:
            line = f"… and {len(hidden):,} more{_describe_hidden(hidden)}--all shows them)"
            block += [paint(part, "dim") for part in _indent(line, width)]
        blocks.append(block)
    if diff.files:
        blocks.append(file_block(diff.files, width, paint, everything=everything))
    if diff.facts:
        blocks.append(_facts(diff.facts, width, paint, everything=everything))
    if diff.notes:
        notes = [line for note in diff.notes for line in _indent(note, width)]
        blocks.append([paint("Notes", "bold"), *notes])
    return "\n\n".join(map(_join_lines, blocks)) + "\n"


def _vulnerability_blocks(
    view: View, width: int, paint: Painter, *, everything: bool
) -> list[list[str]]:
    blocks = findings.blocks(view, width, paint, everything=everything)
    return [findings.summary_block(view, width, paint), *blocks]


def _join_lines(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines)


def _head(diff: Diff, width: int, paint: Painter) -> list[str]:
    style = "alarm" if phrases.altered(diff) else "bold"
    # Non-breaking spaces keep a number and its noun on the same line.
    summary = NUMBER_AND_NOUN.sub("\\1\u00a0", phrases.summary(diff))
    lines = [paint(line.replace("\u00a0", " "), style) for line in _wrap(summary, width)]
    lines += _wrap(phrases.suggestion(diff.suggestion), width)
    lines += _wrap(phrases.download(diff), width)
    return lines


def _wrap(text: str, width: int) -> list[str]:
    return wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _indent(text: str, width: int) -> list[str]:
    return wrap(
        phrases.printable(text),
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _row_maker(diff: Diff) -> Callable[[Change, Section], TextRow]:
    """Return a function for rows; they contain the kind unless the heading of the section does."""
    notes = phrases.notes_of(diff)
    show_manager = len({change.manager for change in diff.changes}) > 1

    def make_row(change: Change, section: Section) -> TextRow:
        old, new = phrases.versions(change)
        show_kind = section.key in SECTIONS
        return TextRow(
            sign=phrases.SIGNS[change.kind],
            kind=change.kind * show_kind,
            name=phrases.printable(change.name),
            manager=change.manager * show_manager,
            old=old,
            arrow="→" if old and new else "",
            new=new,
            step=phrases.step(change),
            grown=sizes.format_size_change(change.grown),
            note=notes(change),
            why=chains.chain(change, whole=True),
        )

    return make_row


def _shorten(section: Section, *, everything: bool) -> tuple[Sequence[Change], Sequence[Change]]:
    """Return the changes that are shown, and those that are only counted."""
    limit = ROWS_OF_SECTION.get(section.key, ROWS)
    if everything or len(section.changes) <= limit + SPARE_ROWS:
        return section.changes, ()
    return section.changes[:limit], section.changes[limit:]


def _describe_hidden(changes: Sequence[Change]) -> str:
    """Count changes by kind, or by step if the kind is the same; the bracket remains open."""
    kinds = Counter(change.kind for change in changes)
    if len(kinds) > 1:
        counts = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
        return f" ({counts}; "
    (kind,) = kinds
    steps = Counter(map(phrases.step, changes))
    counts = ", ".join(f"{steps[step]:,} {step}" for step in phrases.STEPS if step and steps[step])
    return f" {kind} ({counts}; " if counts else f" {kind} ("


def _heading(section: Section, width: int, paint: Painter) -> list[str]:
    if section.key != "altered":
        return [paint(line, "bold") for line in _wrap(section.title, width)]
    alarm = f"!! {section.title.upper()}: {phrases.ALTERED}. {phrases.SUSPECT}"
    return [paint(line, "alarm") for line in wrap(alarm, width, subsequent_indent="   ")]


def _facts(facts: tuple[Fact, ...], width: int, paint: Painter, *, everything: bool) -> list[str]:
    shown = facts if everything or len(facts) <= ROWS + SPARE_ROWS else facts[:ROWS]
    lines = [paint(f"Other changes ({len(facts):,})", "bold")]
    lines += render_table([_fact_row(fact) for fact in shown], width, paint)
    if hidden := len(facts) - len(shown):
        lines.append(paint(f"  … and {hidden:,} more (--all shows them)", "dim"))
    return lines


def _fact_row(fact: Fact) -> TextRow:
    signs = {(True, True): "~", (False, True): "+"}
    return TextRow(
        sign=signs.get((bool(fact.old), bool(fact.new)), "-"),
        kind=phrases.printable(fact.kind),
        name=phrases.printable(fact.name),
        old=phrases.shorten_digests(fact.old),
        arrow="→" if fact.old and fact.new else "",
        new=phrases.shorten_digests(fact.new),
    )
