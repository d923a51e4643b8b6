"""Results of tests as text for a terminal."""

import re
from collections.abc import Iterator
from textwrap import shorten, wrap

from orbiter.image_tests.results import ImageResults, ImageTestReport, Result

WIDTH = 80
LINES = 20
"""Number of lines of output that are shown for a test that did not pass."""
WORDS = {"passed": "pass", "failed": "FAIL", "timeout": "FAIL"}
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Sequences that a terminal acts on: https://ecma-international.org/publications/ecma-48."""


def render(report: ImageTestReport) -> str:
    """Return the report; its lines have at most 80 columns, except for lines of output."""
    lines = [line for image in report.images for line in image_lines(image)]
    for each in report.not_tested:
        name = f"{each.image} {each.platform}".rstrip()
        lines += wrap(f"not tested: {name}: {each.reason}", WIDTH, subsequent_indent="  ")
    return "".join(f"{line}\n" for line in [*lines, _summary(report)])


def image_lines(image: ImageResults) -> Iterator[str]:
    """Yield the lines of an image."""
    recorded = ", from an earlier run" if image.recorded else ""
    yield f"{image.image} {image.release} ({image.platform}){recorded}"
    for result in image.results:
        start = f"  {WORDS[result.verdict]} {result.seconds:7.1f} s  "
        yield start + shorten(printable(result.name), WIDTH - len(start), placeholder=" …")
        if result.verdict != "passed":
            yield from _problem(result)
    yield ""


def _problem(result: Result) -> Iterator[str]:
    texts = [result.reason, f"hint: {result.hint}" if result.hint else ""]
    for text in filter(None, texts):
        yield from wrap(printable(text), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8)
    for line in result.output.rstrip().splitlines()[-LINES:]:
        yield f"      | {printable(CONTROL.sub('', line))}".rstrip()


def printable(text: str) -> str:
    """Return a text in one line, without characters that a terminal acts on or hides."""
    lines = " ".join(text.replace("\t", "    ").splitlines())
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in lines)


def _summary(report: ImageTestReport) -> str:
    results = [result for image in report.images for result in image.results]
    failed = sum(result.verdict != "passed" for result in results)
    counts = [f"{len(results) - failed} passed"] + [f"{failed} failed"] * bool(failed)
    return ", ".join(counts)
