"""``orbiter status`` as text: one screen."""

from collections import Counter
from collections.abc import Iterator

from orbiter.query.status import ImageStatus, Status
from orbiter.report.query.table import counted, table, wrapped

REASONS = 3
"""Reasons of a state that are shown; the others are counted."""
IMAGES = 12
"""Images that are shown; the others are counted."""
GIT = {
    "committed": "committed",
    "changed": "not committed:",
    "ignored": "git ignores:",
    "missing": "not locked yet",
    "unknown": "not known: this is not a git repository",
}
BUILT = {"missing": "not built"}
PUSHED = {"other": "another image", "missing": "not pushed"}
AUDITED = {"findings": "with findings"}
REQUIRED = "required: release and push audit the images first"
HEADER = ("image", "built", "pushed", "audited")


def render(status: Status, *, width: int) -> str:
    """Return the lines of the state; the last one is the command to run next."""
    lines = [*wrapped(f"release {status.release} of {status.repository}", width)]
    for title, texts in _facts(status).items():
        for text in texts:
            lines += [
                line if number or text is not texts[0] else f"  {title:9}{line.strip()}"
                for number, line in enumerate(wrapped(text, width, " " * 11))
            ]
    rows = [
        (each.name, _shown_built(each), _shown_pushed(each), _shown_audited(each))
        for each in status.images
    ]
    lines += ["", *table([HEADER, *rows[:IMAGES]], width)]
    if hidden := len(rows) - IMAGES:
        lines += [f"… and {counted(hidden, 'more image')}"] if hidden > 0 else []
    lines += ["", *_next(status, width)]
    return "\n".join(lines) + "\n"


def _facts(status: Status) -> dict[str, list[str]]:
    unreachable = sorted({each.reason for each in status.images if each.reason})
    return {
        "lock set": [status.lock.state, *_shortened(status.lock.reasons)],
        "git": [GIT[status.git], *_shortened(status.git_files)],
        "built": [_counts(Counter(map(_shown_built, status.images))), *_engine(status)],
        "released": ["yes: its digests are recorded" if status.released else "no"],
        "pushed": [_counts(Counter(map(_shown_pushed, status.images))), *_shortened(unreachable)],
        "audited": [
            _counts(Counter(map(_shown_audited, status.images))),
            *([REQUIRED] if status.audit else []),
        ],
    }


def _engine(status: Status) -> Iterator[str]:
    if status.engine:
        yield f"no Docker engine: {status.engine}"


def _shortened(reasons: tuple[str, ...] | list[str]) -> Iterator[str]:
    yield from reasons[:REASONS]
    if len(reasons) > REASONS:
        yield f"and {len(reasons) - REASONS} more"


def _counts(states: Counter[str]) -> str:
    """Return the states with their numbers: ``2 fresh, 1 not built``."""
    if len(states) == 1:
        return next(iter(states))
    return ", ".join(f"{number} {state}" for state, number in states.most_common())


def _shown_built(image: ImageStatus) -> str:
    return BUILT.get(image.built, image.built)


def _shown_pushed(image: ImageStatus) -> str:
    return PUSHED.get(image.pushed, image.pushed)


def _shown_audited(image: ImageStatus) -> str:
    return AUDITED.get(image.audited, image.audited)


def _next(status: Status, width: int) -> Iterator[str]:
    step = status.next
    if step.command:
        yield f"next: {step.command}"
        yield from wrapped(f"because {step.reason}", width, "  ")
    else:
        yield from wrapped(f"next: {step.reason}", width)
