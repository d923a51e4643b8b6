"""A diff as the body of a pull request, in GitHub's Markdown.

GitHub takes at most 65,536 characters. What does not fit as tables becomes plain lists, the least important first; what
does not fit even then is counted, with the command that shows it.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from orbiter import sizes
from orbiter.diff.types import Change, Diff, Fact
from orbiter.report import phrases
from orbiter.report.phrases import Section

LIMIT = 65_000
LONGEST = 300
"""Characters of a name or a reason that a lock may make as long as it likes."""
IMPORTANCE = (
    "altered",
    "direct",
    "facts",
    "notes",
    "removed",
    "downgraded",
    "added",
    "changed",
    "upgraded",
    "moved",
    "rebuilt",
)
"""Of sections; the last give way first."""
OPEN = frozenset({"altered", "direct", "facts", "notes"})
"""Sections that are not folded into ``<details>`` as long as they are tables."""
MARKUP = re.compile(r"[\\`*_\[\]<>|~&$]|^[-+#=]")
LINK = re.compile(r"[@#](?=\w)|:(?=//)|www(?=\.)", re.IGNORECASE)
"""What GitHub makes a link, or a message to a person, of; a space of no width behind it keeps it from that."""
BACKTICKS = re.compile(r"`+")


class _Part(NamedTuple):
    """A section in both forms: ``table`` is whole, ``lines`` are plain text, one an entry."""

    word: str
    title: str
    table: str
    lines: tuple[str, ...]


def render(diff: Diff, limit: int = LIMIT) -> str:
    """The text, of at most ``limit`` (from some 4,000 on) characters."""
    head, parts = _head(diff), _parts(diff)
    blocks = {part.word: _whole(part) for part in parts}
    if len(head) + sum(map(len, blocks.values())) > limit:
        head += f"\nToo long to be whole here: {_code(phrases.command(diff, '--all'))} shows all.\n"
        parts.sort(key=lambda part: -IMPORTANCE.index(part.word))
        for group in (
            [part for part in parts if part.word not in OPEN],
            [part for part in parts if part.word in OPEN],
        ):
            _shorten(blocks, group, limit - len(head))
    return head + "".join(blocks.values())


def _shorten(blocks: dict[str, str], parts: Sequence[_Part], room: int) -> None:
    """Make as many blocks plain lists as it takes, the first of ``parts`` first; then cut lists in the same order."""

    def missing() -> int:
        return sum(map(len, blocks.values())) - room

    for part in parts:
        if missing() > 0:
            blocks[part.word] = _list(part, part.lines)
    for part in parts:
        if missing() > 0:
            blocks[part.word] = _cut(part, len(blocks[part.word]) - missing())


def _head(diff: Diff) -> str:
    title = phrases.title(diff)
    lines = [
        f"**{_text(title)}**: {phrases.counts(diff)}",
        _text(phrases.suggestion(diff.suggestion)),
    ]
    return "\n\n".join(filter(None, [*lines, phrases.download(diff)])) + "\n"


def _parts(diff: Diff) -> list[_Part]:
    notes = phrases.notes_of(diff)
    several = len({change.manager for change in diff.changes}) > 1
    parts = [_of_section(section, notes, several=several) for section in phrases.sections(diff)]
    if diff.facts:
        rows = [_fact_row(fact) for fact in diff.facts]
        table = _table(("what", "name", "old", "new"), rows)
        parts.append(
            _Part(
                "facts", f"Other changes ({len(rows):,})", table, tuple(map(_fact_line, diff.facts))
            )
        )
    if diff.notes:
        listed = "".join(f"- {_text(note)}\n" for note in diff.notes)
        lines = tuple(phrases.plain(_clipped(note)) for note in diff.notes)
        parts.append(_Part("notes", f"Notes ({len(lines):,})", listed, lines))
    return parts


def _fact_row(fact: Fact) -> tuple[str, ...]:
    return (
        _text(fact.kind),
        _cell(fact.name),
        _cell(phrases.short(fact.old)),
        _cell(phrases.short(fact.new)),
    )


def _fact_line(fact: Fact) -> str:
    old, new = (phrases.short(side) or "(none)" for side in (fact.old, fact.new))
    return phrases.plain(_clipped(f"{fact.kind} {fact.name}: {old} → {new}"))


def _of_section(section: Section, notes: Callable[[Change], str], *, several: bool) -> _Part:
    mixed = section.word in OPEN
    rows = [_row(change, notes(change), mixed=mixed, several=several) for change in section.changes]
    lines = (_line(change, notes(change), several=several) for change in section.changes)
    table = _table(
        ("change", "package", "manager", "old", "new", "step", "size", "note", "why"), rows
    )
    return _Part(section.word, section.title, table, tuple(lines))


def _row(change: Change, note: str, *, mixed: bool, several: bool) -> tuple[str, ...]:
    old, new = phrases.versions(change)
    step = phrases.step(change)
    return (
        change.kind if mixed else "",
        _cell(change.name),
        _text(change.manager) if several else "",
        _cell(old),
        new if new in phrases.OTHERS else _cell(new),
        f"**{step}**" if step == "major" else step,
        sizes.format_size_change(change.grown),
        _text(note),
        _cell(phrases.chain(change).removeprefix("via ")),
    )


def _line(change: Change, note: str, *, several: bool) -> str:
    remarks = "; ".join(filter(None, (change.manager if several else "", note)))
    told = f"{phrases.SIGNS[change.kind]} {phrases.plain(_clipped(change.name))} {_clipped(phrases.arrow(change))}"
    return f"{told} ({_clipped(remarks)})" if remarks else told


def _whole(part: _Part) -> str:
    """A section with its table; of the altered one nobody can miss it."""
    if part.word == "altered":
        quoted = part.table.rstrip("\n").replace("\n", "\n> ")
        return f"\n{_alarm(part.title)}\n>\n> {quoted}\n"
    if part.word in OPEN:
        return f"\n### {part.title}\n\n{part.table}"
    return f"\n<details><summary>{part.title}</summary>\n\n{part.table}\n</details>\n"


def _alarm(title: str) -> str:
    return f"> [!CAUTION]\n> **{title.upper()}: {phrases.ALTERED}.** {phrases.SUSPECT}"


def _list(part: _Part, lines: Sequence[str], rest: str = "") -> str:
    """A section as plain lines of text, in a block that GitHub neither reads as Markdown nor for names of people."""
    body = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, BACKTICKS.findall(body)), default=0))
    block = f"\n{fence}text\n{body}\n{fence}\n" if lines else ""
    alarm = f"\n{_alarm(part.title)}\n" if part.word == "altered" else ""
    state = " open" if part.word in OPEN else ""
    return f"{alarm}\n<details{state}><summary>{part.title}</summary>\n{block}{rest}\n</details>\n"


def _cut(part: _Part, room: int) -> str:
    """As many of a section's lines as there is room for, and what was left out in numbers."""

    def cut(number: int) -> str:
        left = len(part.lines) - number
        rest = f"\n**… and {left:,} more of {len(part.lines):,}**, left out here.\n"
        return _list(part, part.lines[:number], rest)

    low, high = 0, len(part.lines) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(cut(middle)) <= room else (low, middle - 1)
    return cut(low)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table without the columns that are empty."""
    used = [number for number in range(len(header)) if any(row[number] for row in rows)]
    lines = [
        [header[n] for n in used],
        ["---" for _ in used],
        *([row[n] for n in used] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """A code span for a table, which wants a bar escaped even there, and takes two backslashes before it for one."""
    return _code(text.replace("\\|", "\\ |")).replace("|", "\\|")


def _code(text: str) -> str:
    """A code span, in which nothing is interpreted and nobody is mentioned."""
    if not text:
        return ""
    text = phrases.plain(_clipped(text))
    fence = "`" * (1 + max(map(len, BACKTICKS.findall(text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


def _text(text: str) -> str:
    """Words fit for anywhere, in which nothing is interpreted, linked or mentioned."""
    return LINK.sub("\\g<0>\u200b", MARKUP.sub(r"\\\g<0>", phrases.plain(_clipped(text))))


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
