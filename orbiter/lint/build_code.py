"""Packages that run code of their own when they are installed or built."""

from collections.abc import Iterable, Iterator

from orbiter.lint.entries import finding, is_git
from orbiter.lint.lines import Lines
from orbiter.lint.npm_entries import NpmFacts
from orbiter.lint.types import Finding, Settings
from orbiter.lockfiles.package_lock_v1 import NODE_MODULES
from orbiter.lockfiles.pip_files import SDIST_SUFFIXES
from orbiter.lockfiles.types import PackageEntry


def find_scripts(
    entries: Iterable[PackageEntry], lines: Lines, npm: NpmFacts, settings: Settings
) -> Iterator[Finding]:
    """Yield the npm packages with install scripts that the settings do not allow."""
    scripts = {
        path for path in npm.scripts if path.rpartition(NODE_MODULES)[2] not in settings.npm_scripts
    }
    for entry in entries:
        if any(copy.id in scripts for copy in entry.copies):
            yield finding("install-script", entry, lines, "runs an install script")


def find_sdists(
    entries: Iterable[PackageEntry], lines: Lines, settings: Settings
) -> Iterator[Finding]:
    """Yield the Python packages that must be built, and that the settings do not allow to."""
    for entry in entries:
        if _is_sdist_only(entry) and entry.name not in settings.pip_sdist:
            yield finding("sdist-only", entry, lines, "no wheel")


def _is_sdist_only(entry: PackageEntry) -> bool:
    names = [file.name for file in entry.files if file.name]
    if entry.manager != "pip" or not names or is_git(entry):
        return False
    return all(name.endswith(SDIST_SUFFIXES) for name in names)
