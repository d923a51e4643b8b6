"""The result of an audit as text for people. Pure."""

import textwrap
from collections.abc import Callable, Iterator

from orbiter.audit.result import FAULTS, VERDICTS, Audit, Judgement

WIDTH = 80
SHOWN = 40
"""The findings that are shown unless all of them are wanted."""
LISTED = 20
"""The packages and files of an image without a lock set that are shown."""

Style = Callable[[str, str], str]
"""Returns a text in the style of a verdict."""


def render(
    result: Audit, *, style: Style = lambda text, _verdict: text, everything: bool = False
) -> str:
    """Return the report; ``everything`` shows all findings, packages and files."""
    lines = list(_head(result))
    if result.method == "list":
        lines += _list(result, everything=everything)
    lines += _findings(result, style, everything=everything)
    lines += ["", *_summary(result)]
    return "".join(f"{line}\n" for line in lines)


def _head(result: Audit) -> Iterator[str]:
    yield f"{_shown(result.image)}  {result.platform}"
    if result.release:
        yield f"  {result.stage} of release {result.release}"
        yield f"  lock set {result.root}"
    if result.digest:
        yield f"  manifest {result.digest}"
    else:
        yield f"  configuration {result.config_digest}"


def _findings(result: Audit, style: Style, *, everything: bool) -> Iterator[str]:
    count = len(result.findings) if everything else SHOWN
    for finding in result.findings[:count]:
        owner = f"  {finding.owner}" if finding.owner else ""
        place = f"/{finding.path}" if finding.kind == "file" else f"{finding.kind}: {finding.path}"
        yield ""
        yield f"{style(finding.verdict, finding.verdict)}  {_shown(place)}{owner}"
        yield from _reason(finding)
    if len(result.findings) > count:
        yield ""
        yield f"and {len(result.findings) - count:,} more findings: see --all"


def _reason(finding: Judgement) -> Iterator[str]:
    text = finding.reason or f"it is {VERDICTS[finding.verdict]}"
    if finding.rule:
        text += f" (rule {finding.rule})"
    wrapped = textwrap.wrap(_shown(text), WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    yield from (f"    {line}" for line in wrapped)


def _shown(text: str) -> str:
    """Return a text without characters that would change the terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _list(result: Audit, *, everything: bool) -> Iterator[str]:
    count = None if everything else LISTED
    yield ""
    yield f"{len(result.packages):,} packages"
    yield from (f"  {each.package}  {each.files:,} files" for each in result.packages[:count])
    if count and len(result.packages) > count:
        yield f"  and {len(result.packages) - count:,} more: see --all"
    yield ""
    yield f"{len(result.unowned):,} files of no package"
    yield from (f"  /{_shown(path)}" for path in result.unowned[:count])
    if count and len(result.unowned) > count:
        yield f"  and {len(result.unowned) - count:,} more: see --all"


def _summary(result: Audit) -> Iterator[str]:
    if result.method == "list":
        yield "no lock set: nothing was compared"
        yield from map(_shown, result.notes)
        return
    if result.method == "record":
        if not result.findings:
            yield f"equal to the record of release {result.release}"
            yield "the files were not read: see --files"
        return
    for verdict, meaning in VERDICTS.items():
        if result.counts.get(verdict):
            yield f"{result.counts[verdict]:>8,} {verdict:<10} {meaning}"
    faults = sum(result.counts.get(verdict, 0) for verdict in FAULTS)
    yield f"{faults:,} findings" if faults else "everything in the image is accounted for"
