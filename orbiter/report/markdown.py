"""Markdown report for the body of a pull request on GitHub.

GitHub accepts at most 65,536 characters. In a longer report, sections become plain lists instead of
tables, the least important first. If that is not enough, lists are cut and the report contains the
command that shows all changes.
"""

from collections.abc import Callable, Sequence

from orbiter import sizes
from orbiter.diff.types import Change, Diff, Fact, FileChange
from orbiter.report import chains, markup, phrases
from orbiter.report.alarms import alarms
from orbiter.report.extras import Extra, ExtraSection
from orbiter.report.markdown_blocks import Block, fit
from orbiter.report.sections import SECTIONS, Section, sections
from orbiter.report.vulnerabilities import markdown as findings
from orbiter.report.vulnerabilities.view import View

LIMIT = 65_000

FILE_LINES = 60
"""Lines of a build file that are shown; the others are counted."""

CHANGE_COLUMNS = ("change", "package", "manager", "old", "new", "step", "size", "note", "why")


def render(
    diff: Diff,
    limit: int = LIMIT,
    vulnerabilities: View | None = None,
    extras: Sequence[Extra] = (),
) -> str:
    """Return the report with at most ``limit`` characters, which must be about 4,000 or more."""
    command = markup.code(phrases.command(diff, "--all"))
    head, blocks = _head(diff), _blocks(diff)
    for extra in reversed(extras):
        blocks = [*map(_extra_block, extra.sections), *blocks]
    if vulnerabilities:
        head += findings.head(vulnerabilities)
        blocks = [*findings.blocks(vulnerabilities), *blocks]
    head += "".join(f"\n**{each.title}**: {markup.text(each.counts)}\n" for each in extras)
    return fit(head, blocks, limit, command)


def _extra_block(section: ExtraSection) -> Block:
    items = "".join(f"- {markup.text(line)}\n" for line in section.lines)
    return Block(section.key, section.title, items, tuple(map(markup.clip, section.lines)))


def _head(diff: Diff) -> str:
    paragraphs = [
        f"**{markup.text(phrases.title(diff))}**: {phrases.counts(diff)}",
        markup.text(phrases.suggestion(diff.suggestion)),
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
        lines.append(phrases.printable(markup.clip(title)))
        shown = () if file.derived else file.lines[:FILE_LINES]
        if not shown:
            continue
        text = "\n".join(phrases.printable(markup.clip(line)) for line in shown)
        more = len(file.lines) - len(shown)
        rest = f"\n… and {more:,} more lines\n" if more else ""
        fence = markup.fence(text, 3)
        items.append(f"{markup.code(file.path)} {markup.text(phrases.file_counts(file))}\n\n")
        items.append(f"{fence}diff\n{text}\n{fence}\n{rest}\n")
    if lists := sum(file.derived for file in files):
        items.append(f"{phrases.count_of(lists, 'list')} as the changed packages require\n")
    return Block("files", f"Build files ({len(files):,})", "".join(items), tuple(lines))


def _facts_block(facts: Sequence[Fact]) -> Block:
    table = markup.table(("what", "name", "old", "new"), list(map(_fact_row, facts)))
    title = f"Other changes ({len(facts):,})"
    return Block("facts", title, table, tuple(map(_fact_line, facts)))


def _notes_block(notes: Sequence[str], key: str = "notes", title: str = "Notes") -> Block:
    items = "".join(f"- {markup.text(note)}\n" for note in notes)
    lines = tuple(phrases.printable(markup.clip(note)) for note in notes)
    heading = f"{title} ({len(notes):,})" if key == "notes" else title
    return Block(key, heading, items, lines)


def _fact_row(fact: Fact) -> tuple[str, ...]:
    old, new = phrases.shorten_digests(fact.old), phrases.shorten_digests(fact.new)
    return markup.text(fact.kind), markup.cell(fact.name), markup.cell(old), markup.cell(new)


def _fact_line(fact: Fact) -> str:
    old, new = (phrases.shorten_digests(side) or "(none)" for side in (fact.old, fact.new))
    return phrases.printable(markup.clip(f"{fact.kind} {fact.name}: {old} → {new}"))


def _section_block(
    section: Section, notes: Callable[[Change], str], *, show_manager: bool
) -> Block:
    show_kind = section.key in SECTIONS
    rows, lines = [], []
    for change in section.changes:
        note = notes(change)
        rows.append(_row(change, note, show_kind=show_kind, show_manager=show_manager))
        lines.append(_line(change, note, show_manager=show_manager))
    return Block(section.key, section.title, markup.table(CHANGE_COLUMNS, rows), tuple(lines))


def _row(change: Change, note: str, *, show_kind: bool, show_manager: bool) -> tuple[str, ...]:
    old, new = phrases.versions(change)
    step = phrases.step(change)
    return (
        change.kind * show_kind,
        markup.cell(change.name),
        markup.text(change.manager) * show_manager,
        _version(old),
        _version(new),
        step.replace("major", "**major**"),
        sizes.format_size_change(change.grown),
        markup.text(note),
        markup.cell(chains.chain(change).removeprefix("via ")),
    )


def _version(text: str) -> str:
    return markup.text(text) if phrases.is_words(text) else markup.cell(text)


def _line(change: Change, note: str, *, show_manager: bool) -> str:
    name = phrases.printable(markup.clip(change.name))
    line = f"{phrases.SIGNS[change.kind]} {name} {markup.clip(phrases.arrow(change))}"
    remarks = "; ".join(filter(None, (change.manager * show_manager, note)))
    return f"{line} ({markup.clip(remarks)})" if remarks else line
