"""``orbiter outdated`` as text."""

import re
from collections.abc import Iterator

from orbiter.query.outdated import STATES, Outdated, Version, VersionedPackage
from orbiter.report.query.table import counted, table, wrapped

HEADER = ("package", "locked", "allowed", "newest", "released")
DATE_LENGTH = len("2026-01-31")
NAMES = 8
"""Names of packages that one line of reasons lists; the others are counted."""
UNKNOWN = "-"


def render(outdated: Outdated, *, width: int) -> str:
    """Return a table of outdated packages for each manager and builder, and what is unknown."""
    blocks: dict[str, list[VersionedPackage]] = {}
    for package in outdated.packages:
        if package.state == "outdated":
            blocks.setdefault(f"{package.manager} ({package.builder})", []).append(package)
    lines: list[str] = []
    for title, packages in blocks.items():
        lines += [title, *table([HEADER, *map(_row, packages)], width), ""]
    lines += _reasons(outdated, width)
    lines += [line for note in outdated.notes for line in wrapped(f"not covered: {note}", width)]
    lines += wrapped(_summary(outdated), width)
    return "\n".join(lines) + "\n"


def _row(package: VersionedPackage) -> tuple[str, ...]:
    newest = package.newest
    released = newest.time.date().isoformat() if newest and newest.time else ""
    return package.name, package.locked, _shown(package.allowed), _shown(newest), released


def _shown(version: Version | None) -> str:
    return version.version if version else UNKNOWN


def _reasons(outdated: Outdated, width: int) -> Iterator[str]:
    """Yield the packages without a result by their state and reason."""
    unknown: dict[str, dict[str, str]] = {}
    for package in outdated.packages:
        if package.reason:
            name = f"{package.name} ({package.manager})"
            reason = f"{package.state}: {package.reason}"
            unknown.setdefault(_common_reason(reason, package.name), {})[name] = reason
    for common, reasons in unknown.items():
        names = list(reasons)
        more = f" and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
        yield from wrapped(common if names[1:] else reasons[names[0]], width)
        yield from wrapped(f"{', '.join(names[:NAMES])}{more}", width, "  ")
        yield ""


def _common_reason(reason: str, name: str) -> str:
    """Return a reason without the part of an address that names the package."""
    # The address of a scoped package of npm has an escaped slash.
    part = re.escape(name.replace("/", "%2f"))
    return re.sub(rf"(://\S*)/{part}(?=[/\s]|$)", r"\1/…", reason)


def _summary(outdated: Outdated) -> str:
    total = counted(len(outdated.packages), "package")
    counts = [f"{outdated.count(state):,} {state}" for state in STATES if outdated.count(state)]
    return f"release {outdated.release}: {total}: {', '.join(counts) or 'nothing to check'}"
