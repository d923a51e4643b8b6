"""``orbiter why`` as text."""

from collections.abc import Iterator

from orbiter.query.why import Chain, ChainLink, Reason, Reasons
from orbiter.report.query.table import counted, wrapped

SHOWN = 5
"""Chains that are shown for each package; the others are counted."""
STEP = "  "
MAX_DEPTH = 15


def render(reasons: Reasons, *, width: int, everything: bool = False) -> str:
    """Return a block for each package."""
    blocks: dict[tuple[str, ...], list[Reason]] = {}
    for reason in reasons.packages:
        shown = reason.chains if everything else reason.chains[:SHOWN]
        shown_lines = (line for chain in shown for line in _chain(chain, width))
        blocks.setdefault((_title(reason), *shown_lines), []).append(reason)
    lines: list[str] = []
    for (title, *chains), same in blocks.items():
        lines += wrapped(f"{title} in {_images(same)}", width)
        lines += [*chains, *_hidden(same, everything=everything), ""]
    lines += [line for note in reasons.notes for line in wrapped(f"not covered: {note}", width)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _title(reason: Reason) -> str:
    return f"{reason.name} {reason.version} ({reason.manager})"


def _images(same: list[Reason]) -> str:
    return ", ".join(
        f"{each.image} ({', '.join(each.platforms)})" for reason in same for each in reason.images
    )


def _hidden(same: list[Reason], *, everything: bool) -> Iterator[str]:
    """Yield the line about the chains that are not shown."""
    most = max(len(reason.chains) for reason in same) - SHOWN
    if most > 0 and not everything:
        yield f"{STEP}… and {counted(most, 'more chain')} (--all shows them)"


def _chain(chain: Chain, width: int) -> Iterator[str]:
    first, *rest = chain.links
    yield from wrapped(f"{first.name} {first.version}: {_request(chain)}", width, STEP)
    for depth, link in enumerate(rest, start=2):
        yield from wrapped(_label(link), width, STEP * min(depth, MAX_DEPTH))


def _label(link: ChainLink) -> str:
    constraint = "" if link.constraint in {"", "*"} else f" (required {link.constraint})"
    return f"→ {link.name} {link.version}{constraint}"


def _request(chain: Chain) -> str:
    """Return the reason for the first link of a chain."""
    if not chain.requirement:
        return f"part of the base, or recommended, in {chain.stage or 'the lock file'}"
    line = f" (images.toml:{chain.line})" if chain.line else ""
    return f"requested for {chain.stage} as '{chain.requirement}'{line}"
