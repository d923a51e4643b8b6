"""Markdown report for the body of a pull request on GitHub.

GitHub accepts at most 65,536 characters. In a longer report, sections become plain lists instead of
tables, the least important first. If that is not enough, lists are cut and the report contains the
command that shows all changes.
"""

import re
from collections.abc import Callable, Sequence
from itertools import compress
from typing import NamedTuple

from orbiter import sizes
from orbiter.diff.types import Change, Diff, Fact, FileChange
from orbiter.report import chains, phrases
from orbiter.report.alarms import alarms
from orbiter.report.sections import SECTIONS, Section, sections

LIMIT = 65_000

MAX_TEXT = 300
"""Characters of a text from a lock, which could have any length."""

IMPORTANCE = (
    "underived",
    "faults",
    "altered",
    "elsewhere",
    "direct",
    "important",
    "files",
    "facts",
    "notes",
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
    }
)
"""Sections whose tables are not folded with ``<details>``."""

ALERTS = frozenset({"underived", "faults", "altered"})
"""Sections that begin with an alert."""

FILE_LINES = 60
"""Lines of a build file that are shown; the others are counted."""

CHANGE_COLUMNS = ("change", "package", "manager", "old", "new", "step", "size", "note", "why")

MARKUP = re.compile(r"[\\`*_\[\]<>|~&$]|^[-+#=]")

LINK = re.compile(r"[@#](?=\w)|:(?=//)|www(?=\.)", re.IGNORECASE)
"""Text that GitHub turns into a link or a mention, unless a zero-width space follows."""

BACKTICKS = re.compile(r"`+")


class Block(NamedTuple):
    """A section of the report as a complete table, and as lines of plain text."""

    key: str
    title: str
    table: str
    lines: tuple[str, ...]


def render(diff: Diff, limit: int = LIMIT) -> str:
    """Return the report with at most ``limit`` characters, which must be about 4,000 or more."""
    head, blocks = _head(diff), _blocks(diff)
    rendered = {block.key: _render_table(block) for block in blocks}
    if len(head) + _total_length(rendered) > limit:
        command = _code(phrases.command(diff, "--all"))
        head += f"\nToo long to be whole here: {command} shows all.\n"
        blocks.sort(key=lambda block: -IMPORTANCE.index(block.key))
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


def _head(diff: Diff) -> str:
    paragraphs = [
        f"**{_text(phrases.title(diff))}**: {phrases.counts(diff)}",
        _text(phrases.suggestion(diff.suggestion)),
        phrases.download(diff),
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def _blocks(diff: Diff) -> list[Block]:
    notes = phrases.notes_of(diff)
    show_manager = len({change.manager for change in diff.changes}) > 1
    blocks = [
        _section_block(section, notes, show_manager=show_manager) for section in sections(diff)
    ]
    alarm_blocks = [_notes_block(each.items, each.key, each.title) for each in alarms(diff)]
    blocks = [*alarm_blocks, *blocks]
    if diff.files:
        blocks.append(_files_block(diff.files))
    if diff.facts:
        blocks.append(_facts_block(diff.facts))
    if diff.notes:
        blocks.append(_notes_block(diff.notes))
    return blocks


def _files_block(files: Sequence[FileChange]) -> Block:
    """Return the changed lines of files; those of lists are only counted."""
    items, lines = [], []
    for file in files:
        title = f"{file.path} {phrases.file_counts(file)}"
        lines.append(phrases.printable(_clip(title)))
        shown = () if file.derived else file.lines[:FILE_LINES]
        if not shown:
            continue
        text = "\n".join(phrases.printable(_clip(line)) for line in shown)
        more = len(file.lines) - len(shown)
        rest = f"\n… and {more:,} more lines\n" if more else ""
        fence = _fence(text, 3)
        items.append(f"{_code(file.path)} {_text(phrases.file_counts(file))}\n\n")
        items.append(f"{fence}diff\n{text}\n{fence}\n{rest}\n")
    if lists := sum(file.derived for file in files):
        items.append(f"{phrases.count_of(lists, 'list')} as the changed packages require\n")
    return Block("files", f"Build files ({len(files):,})", "".join(items), tuple(lines))


def _facts_block(facts: Sequence[Fact]) -> Block:
    table = _table(("what", "name", "old", "new"), list(map(_fact_row, facts)))
    title = f"Other changes ({len(facts):,})"
    return Block("facts", title, table, tuple(map(_fact_line, facts)))


def _notes_block(notes: Sequence[str], key: str = "notes", title: str = "Notes") -> Block:
    items = "".join(f"- {_text(note)}\n" for note in notes)
    lines = tuple(phrases.printable(_clip(note)) for note in notes)
    heading = f"{title} ({len(notes):,})" if key == "notes" else title
    return Block(key, heading, items, lines)


def _fact_row(fact: Fact) -> tuple[str, ...]:
    old, new = phrases.shorten_digests(fact.old), phrases.shorten_digests(fact.new)
    return _text(fact.kind), _cell(fact.name), _cell(old), _cell(new)


def _fact_line(fact: Fact) -> str:
    old, new = (phrases.shorten_digests(side) or "(none)" for side in (fact.old, fact.new))
    return phrases.printable(_clip(f"{fact.kind} {fact.name}: {old} → {new}"))


def _section_block(
    section: Section, notes: Callable[[Change], str], *, show_manager: bool
) -> Block:
    show_kind = section.key in SECTIONS
    rows, lines = [], []
    for change in section.changes:
        note = notes(change)
        rows.append(_row(change, note, show_kind=show_kind, show_manager=show_manager))
        lines.append(_line(change, note, show_manager=show_manager))
    return Block(section.key, section.title, _table(CHANGE_COLUMNS, rows), tuple(lines))


def _row(change: Change, note: str, *, show_kind: bool, show_manager: bool) -> tuple[str, ...]:
    old, new = phrases.versions(change)
    step = phrases.step(change)
    return (
        change.kind * show_kind,
        _cell(change.name),
        _text(change.manager) * show_manager,
        _version(old),
        _version(new),
        step.replace("major", "**major**"),
        sizes.format_size_change(change.grown),
        _text(note),
        _cell(chains.chain(change).removeprefix("via ")),
    )


def _version(text: str) -> str:
    return _text(text) if phrases.is_words(text) else _cell(text)


def _line(change: Change, note: str, *, show_manager: bool) -> str:
    name = phrases.printable(_clip(change.name))
    line = f"{phrases.SIGNS[change.kind]} {name} {_clip(phrases.arrow(change))}"
    remarks = "; ".join(filter(None, (change.manager * show_manager, note)))
    return f"{line} ({_clip(remarks)})" if remarks else line


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
    fence = _fence(text, 3)
    code = f"\n{fence}text\n{text}\n{fence}\n" if lines else ""
    alert = f"\n{_alert(block)}\n" * (block.key in ALERTS)
    state = " open" * (block.key in UNFOLDED)
    details = f"<details{state}><summary>{block.title}</summary>\n{code}{rest}\n</details>"
    return f"{alert}\n{details}\n"


def _fence(text: str, minimum: int) -> str:
    """Return more backticks than any sequence in a text has."""
    longest = max(map(len, BACKTICKS.findall(text)), default=0)
    return "`" * max(minimum, longest + 1)


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


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Render a table without its empty columns."""
    used = [any(cells) for cells in zip(*rows, strict=True)]
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(compress(line, used))} |\n" for line in lines)


def _cell(text: str) -> str:
    """Render a code span in a table, where a bar needs an escape even within code.

    GitHub reads two backslashes before a bar as an escaped backslash.
    """
    return _code(text.replace("\\|", "\\ |")).replace("|", "\\|")


def _code(text: str) -> str:
    """Render a code span, in which GitHub interprets nothing."""
    if not text:
        return ""
    code = phrases.printable(_clip(text))
    fence = _fence(code, 1)
    return f"{fence} {code} {fence}" if "`" in code else f"{fence}{code}{fence}"


def _text(text: str) -> str:
    """Escape text, so that GitHub interprets nothing and creates no links or mentions."""
    escaped = MARKUP.sub(r"\\\g<0>", phrases.printable(_clip(text)))
    return LINK.sub("\\g<0>\u200b", escaped)


def _clip(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
