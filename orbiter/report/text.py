"""A diff for a terminal."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import NamedTuple

from orbiter import sizes
from orbiter.diff.types import Change, Diff, Fact
from orbiter.report import phrases
from orbiter.report.phrases import Section

NARROWEST = 40
FOLDED = {"altered": 100, "direct": 40}
"""How many rows of a section are shown before the rest is counted."""
FOLD = 15
SLACK = 2
"""Rows that are not worth a fold."""

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
    "alarm": "1;97;41",
}
KIND_STYLES = {
    "added": "green",
    "removed": "red",
    "upgraded": "cyan",
    "downgraded": "magenta",
    "changed": "yellow",
    "moved": "yellow",
}
STEP_STYLES = {"major": "red", "minor": "yellow", "build": "dim"}


class Row(NamedTuple):
    """A line of a table; a column that is empty in all rows takes no room."""

    sign: str = ""
    kind: str = ""
    name: str = ""
    manager: str = ""
    old: str = ""
    arrow: str = ""
    new: str = ""
    step: str = ""
    grown: str = ""
    note: str = ""
    why: str = ""


SQUEEZES = (
    ("why", 18),
    ("note", 30),
    ("why", 0),
    ("old", 24),
    ("new", 24),
    ("name", 32),
    ("grown", 0),
    ("note", 0),
    ("old", 14),
    ("new", 14),
    ("manager", 0),
    ("name", 20),
    ("step", 0),
    ("kind", 0),
    ("name", 16),
    ("old", 9),
    ("new", 12),
    ("name", 10),
)
"""What gives way when a table is wider than the window, and down to which width; a note then gets a line of its own."""
NUMBER = re.compile(r"(\d) (?=[A-Za-z])")
TIGHT = frozenset({"sign", "arrow"})
"""Columns with one space behind them instead of two; so is the old version where an arrow follows."""
NAME_MOST = 48


class Painter(NamedTuple):
    """Colours a text, if colours are wanted."""

    colour: bool

    def __call__(self, text: str, style: str) -> str:
        """The text in a style of STYLES; "" is none."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.colour and style and text else text


def render(diff: Diff, *, width: int, colour: bool, everything: bool) -> str:
    """Lines of at most ``width`` (from 40 on) columns; long lists are folded with a count unless ``everything``."""
    width, paint = max(width, NARROWEST), Painter(colour)
    blocks = [_head(diff, width, paint)]
    row_of = _row_maker(diff)
    for section in phrases.sections(diff):
        blocks.append(_section(section, row_of, width, paint, everything=everything))
    if diff.facts:
        blocks.append(_facts(diff.facts, width, paint, everything=everything))
    if diff.notes:
        blocks.append(
            [
                paint("Notes", "bold"),
                *(line for note in diff.notes for line in _wrapped(note, width)),
            ]
        )
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks) + "\n"


def _head(diff: Diff, width: int, paint: Painter) -> list[str]:
    style = "alarm" if phrases.altered(diff) else "bold"
    together = NUMBER.sub(
        "\\1\u00a0", phrases.summary(diff)
    )  # a number and its word are not torn apart
    lines = [paint(line.replace("\u00a0", " "), style) for line in _hanging(together, width)]
    for text in filter(None, (phrases.suggestion(diff.suggestion), phrases.download(diff))):
        lines += _hanging(text, width)
    return lines


def _hanging(text: str, width: int) -> list[str]:
    return wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)


def _row_maker(diff: Diff) -> Callable[[Change, bool], Row]:
    """Makes rows, with the kind or (where the heading says it) without."""
    notes = phrases.notes_of(diff)
    several = len({change.manager for change in diff.changes}) > 1

    def row_of(change: Change, mixed: bool) -> Row:
        old, new = phrases.versions(change)
        return Row(
            sign=phrases.SIGNS[change.kind],
            kind=change.kind if mixed else "",
            name=phrases.plain(change.name),
            manager=change.manager if several else "",
            old=old,
            arrow="→" if old and new else "",
            new=new,
            step=phrases.step(change),
            grown=sizes.format_size_change(change.grown),
            note=notes(change),
            why=phrases.chain(change),
        )

    return row_of


def _section(
    section: Section,
    row_of: Callable[[Change, bool], Row],
    width: int,
    paint: Painter,
    *,
    everything: bool,
) -> list[str]:
    shown, rest = _folded(section.changes, FOLDED.get(section.word, FOLD), everything=everything)
    mixed = section.word in {"altered", "direct"}
    rows = [row_of(change, mixed) for change in shown]
    lines = [*_heading(section, width, paint), *_table(rows, width, paint)]
    if rest:
        more = f"… and {len(rest):,} more{_told(rest)}--all shows them)"
        lines += [paint(line, "dim") for line in _wrapped(more, width)]
    return lines


def _folded(
    changes: tuple[Change, ...], most: int, *, everything: bool
) -> tuple[Sequence[Change], Sequence[Change]]:
    if everything or len(changes) <= most + SLACK:
        return changes, ()
    return changes[:most], changes[most:]


def _told(changes: Sequence[Change]) -> str:
    """What a fold hides, by kind and step; the bracket stays open."""
    kinds = Counter(change.kind for change in changes)
    steps = Counter(map(phrases.step, changes))
    told = ", ".join(f"{steps[step]:,} {step}" for step in phrases.STEPS if step and steps[step])
    if len(kinds) == 1:
        return f" {next(iter(kinds))} ({told}; " if told else f" {next(iter(kinds))} ("
    return " (" + ", ".join(f"{number:,} {kind}" for kind, number in kinds.items()) + "; "


def _heading(section: Section, width: int, paint: Painter) -> list[str]:
    if section.word != "altered":
        return [paint(line, "bold") for line in _hanging(section.title, width)]
    alarm = f"!! {section.title.upper()}: {phrases.ALTERED}. {phrases.SUSPECT}"
    return [paint(line, "alarm") for line in wrap(alarm, width, subsequent_indent="   ")]


def _facts(facts: tuple[Fact, ...], width: int, paint: Painter, *, everything: bool) -> list[str]:
    shown = facts if everything or len(facts) <= FOLD + SLACK else facts[:FOLD]
    lines = [paint(f"Other changes ({len(facts):,})", "bold")]
    lines += _table([_fact_row(fact) for fact in shown], width, paint)
    if len(shown) < len(facts):
        lines.append(paint(f"  … and {len(facts) - len(shown):,} more (--all shows them)", "dim"))
    return lines


def _fact_row(fact: Fact) -> Row:
    return Row(
        sign="~" if fact.old and fact.new else "+" if fact.new else "-",
        kind=phrases.plain(fact.kind),
        name=phrases.plain(fact.name),
        old=phrases.short(fact.old),
        arrow="→" if fact.old and fact.new else "",
        new=phrases.short(fact.new),
    )


def _table(rows: list[Row], width: int, paint: Painter) -> Iterable[str]:
    columns = _fit(rows, width - 2)
    for row in rows:
        cells = (_cell(row, name, room, paint) + " " * gap for name, (room, gap) in columns.items())
        yield "  " + "".join(cells)
        if row.note and "note" not in columns:
            yield from _wrapped(row.note, width, indent=6)


def _fit(rows: list[Row], width: int) -> dict[str, tuple[int, int]]:
    """How wide each column becomes, and the space behind it; a column that is left out is not named."""
    widest = {
        name: max(map(len, column))
        for name, column in zip(Row._fields, zip_longest(*rows), strict=True)
    }
    widest["name"] = min(widest["name"], NAME_MOST)
    gaps = {
        name: 1 if name == "old" and widest["arrow"] else 1 if name in TIGHT else 2
        for name in widest
    }
    total = (
        sum(number + gaps[name] for name, number in widest.items() if number) - 2
    )  # nothing follows the last
    for name, least in SQUEEZES:
        before = widest[name]
        if total <= width or before <= least:
            continue
        widest[name] = max(least, before - (total - width)) if least else 0
        total -= before - widest[name] + (0 if widest[name] else gaps[name])
    return {name: (number, gaps[name]) for name, number in widest.items() if number}


def _cell(row: Row, name: str, room: int, paint: Painter) -> str:
    text = str(getattr(row, name))
    if len(text) > room:
        text = f"{text[: room - 1]}…"
    space = " " * (room - len(text))
    return space + text if name == "grown" else paint(text, _style(name, row)) + space


def _style(name: str, row: Row) -> str:
    if name in {"sign", "kind"}:
        kind = next((kind for kind, sign in phrases.SIGNS.items() if sign == row.sign), "")
        return KIND_STYLES.get(kind, "")
    if name == "step":
        return STEP_STYLES.get(row.step, "")
    return {"name": "bold", "why": "dim", "manager": "dim", "arrow": "dim"}.get(name, "")


def _wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    space = " " * indent
    return wrap(
        phrases.plain(text),
        width,
        initial_indent=space,
        subsequent_indent=f"{space}  ",
        break_on_hyphens=False,
    )
