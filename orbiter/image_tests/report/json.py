"""Results of tests as JSON, format 1, and its JSON Schema.

Programs read this format: keys and their order stay, and new keys may be added.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

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


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The result of ``orbiter test``."""

    format: Literal[1] = 1
    release: str
    passed: bool
    images: tuple[OneImage, ...]
    not_tested: tuple[NotTested, ...]


def render(report: ImageTestReport) -> str:
    """Return the report as indented JSON."""
    document = Document(
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
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    found = msgspec.json.schema(Document)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
