"""The results of tests."""

from typing import Literal

import msgspec

Kind = Literal["command", "notebook"]
Verdict = Literal["passed", "failed", "timeout"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one test.

    ``name`` is the command, or the path of the notebook. ``reason`` says in one line why a test
    did not pass, and ``hint`` may have a remedy. ``output`` has its last lines of output.
    """

    name: str
    kind: Kind
    verdict: Verdict
    seconds: float
    reason: str = ""
    hint: str = ""
    output: str = ""


class ImageResults(msgspec.Struct, frozen=True, kw_only=True):
    """The results of the tests of an image for one platform.

    ``image`` is the name of its stage, and ``id`` the engine's name for its content. ``recorded``
    says that an earlier run had these results.
    """

    image: str
    release: str
    platform: str
    id: str
    results: tuple[Result, ...]
    recorded: bool = False

    @property
    def passed(self) -> bool:
        """Return whether all tests passed."""
        return all(result.verdict == "passed" for result in self.results)


class NotTested(msgspec.Struct, frozen=True, kw_only=True):
    """An image that was not tested, with the reason; ``platform`` is empty for all platforms."""

    image: str
    platform: str
    reason: str


class ImageTestReport(msgspec.Struct, frozen=True, kw_only=True):
    """The results of all tested images of a release, and what was not tested."""

    release: str
    images: tuple[ImageResults, ...]
    not_tested: tuple[NotTested, ...] = ()

    @property
    def passed(self) -> bool:
        """Return whether all tests passed."""
        return all(image.passed for image in self.images)
