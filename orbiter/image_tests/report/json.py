"""Results of tests as JSON, format 1, and its JSON Schema."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orbiter.documents import Document, encode, schema_of
from orbiter.image_tests.results import ImageTestReport, Kind, NotTested, Verdict

Seconds = Annotated[float, Meta(ge=0)]


class OneTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test: a command, or the path of a notebook.

    ``reason``, ``hint`` and ``output`` (the last lines) are "" if the test passed.
    """

    name: str
    kind: Kind
    verdict: Verdict
    seconds: Seconds
    reason: str
    hint: str
    output: str


class OneImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image for one platform; ``recorded`` if an earlier run had these results."""

    image: str
    platform: str
    id: str
    recorded: bool
    tests: tuple[OneTest, ...]


class TestResults(Document, frozen=True, kw_only=True):
    """The result of ``orbiter test``."""

    release: str
    passed: bool
    images: tuple[OneImage, ...]
    not_tested: tuple[NotTested, ...]


def render(report: ImageTestReport) -> str:
    """Return the report as indented JSON."""
    document = TestResults(
        release=report.release,
        passed=report.passed,
        images=tuple(
            OneImage(
                image=image.image,
                platform=image.platform,
                id=image.id,
                recorded=image.recorded,
                tests=tuple(OneTest(**msgspec.structs.asdict(result)) for result in image.results),
            )
            for image in report.images
        ),
        not_tested=report.not_tested,
    )
    return encode(document)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    return schema_of(TestResults)
