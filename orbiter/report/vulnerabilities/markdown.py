"""Vulnerabilities as Markdown for GitHub."""

import shlex
from collections.abc import Sequence

from orbiter.report import markup, phrases
from orbiter.report.markdown_blocks import Block, fit
from orbiter.report.vulnerabilities.view import Remark, Row, View, VulnerabilitySection

LIMIT = 65_000
COLUMNS = ("severity", "package", "ecosystem", "advisory", "locked", "fixed in", "note", "summary")


def render(view: View, limit: int = LIMIT) -> str:
    """Return the report with at most ``limit`` characters."""
    heading = f"**Vulnerabilities of {markup.text(view.title)}**: {markup.text(view.counts)}"
    command = f"orbiter audit --vulnerabilities --release {shlex.quote(view.title)} --all"
    return fit(f"{heading}\n{details(view)}", blocks(view), limit, markup.code(command))


def head(view: View) -> str:
    """Return the counts and the database, as paragraphs of a larger report."""
    return f"\n**Vulnerabilities**: {markup.text(view.counts)}\n{details(view)}"


def details(view: View) -> str:
    """Return the counts of each image, and the database."""
    images = [
        f"- {markup.code(name)}: {markup.text(counts)}\n"
        for name, counts in view.images
        if len(view.images) > 1
    ]
    parts = filter(None, ("".join(images), f"{markup.text(view.database)}\n"))
    return "".join(f"\n{part}" for part in parts)


def blocks(view: View) -> list[Block]:
    """Return the sections, and one for all remarks."""
    found = [_section(section) for section in view.sections]
    return [*found, _rest(view.remarks)] if view.remarks else found


def _section(section: VulnerabilitySection) -> Block:
    table = markup.table(COLUMNS, list(map(_cells, section.rows)))
    lines = tuple(phrases.printable(markup.clip(_line(row))) for row in section.rows)
    return Block(f"vulnerabilities-{section.key}", section.title, table, lines)


def _cells(row: Row) -> tuple[str, ...]:
    severity = row.severity
    if row.level in {"critical", "high"}:
        severity = f"**{severity}**"
    return (
        severity,
        markup.cell(row.package),
        markup.text(row.ecosystem),
        markup.text(row.advisory),
        markup.cell(row.versions),
        markup.cell(row.fixed),
        markup.text(row.note),
        markup.text(row.summary),
    )


def _line(row: Row) -> str:
    versions = " → ".join(filter(None, (row.versions, row.fixed)))
    note = f" ({row.note})" if row.note else ""
    return f"{row.severity} {row.advisory} {row.ecosystem} {row.package} {versions}{note}"


def _rest(remarks: Sequence[Remark]) -> Block:
    """Return the remarks; packages are cut in the table, and complete in the list."""
    items = "".join(f"- {markup.text(_remark(remark))}\n" for remark in remarks)
    lines = tuple(
        phrases.printable(line) for remark in remarks for line in (remark.title, *remark.items)
    )
    return Block("vulnerabilities-rest", "Limits of this answer", items, lines)


def _remark(remark: Remark) -> str:
    return ": ".join(filter(None, (remark.title, ", ".join(remark.items))))
