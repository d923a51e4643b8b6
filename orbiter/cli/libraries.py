"""The warnings about shared libraries that built images lack."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orbiter.cli.errors import warn

if TYPE_CHECKING:
    from orbiter.release.libraries import MissingLibraries


def print_missing_libraries(findings: "Iterable[MissingLibraries]") -> None:
    """Print a warning and its hint for each package whose libraries are missing."""
    for finding in findings:
        warn(str(finding), finding.hint)
