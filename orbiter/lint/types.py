"""Types of a lint run: findings, checked files, and the settings of a run."""

from collections.abc import Callable

import msgspec

from orbiter.lint.rules import RULES, Severity
from orbiter.lockfiles.types import PackageEntry


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A fault in a file. ``line`` is 0 if it is unknown; ``package`` is "" for other faults."""

    rule: str
    message: str
    line: int = 0
    package: str = ""
    version: str = ""

    @property
    def severity(self) -> Severity:
        """The severity of the rule."""
        return RULES[self.rule].severity


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a database about one version of a package.

    ``records`` are the ids of the records that report it as malicious. ``undecided`` are those
    whose versions have no known order. ``not_covered`` is the reason why the database cannot
    answer, "" if it can. ``by_name`` says that only the name of the package was compared.
    """

    records: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    not_covered: str = ""
    by_name: bool = False


MaliciousLookup = Callable[[PackageEntry], Verdict]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a run: rules to ignore, and patterns of allowed hosts (empty: any host).

    ``known_names`` do not count as look-alikes of others. ``npm_scripts`` and ``pip_sdist`` are the
    packages that may run code of their own during the build of images: names under which npm
    installs packages, and normalised names of Python packages.
    ``malicious`` looks up known malicious versions in ``database``, which is its digest and age;
    None if there is no database.
    """

    ignored: frozenset[str] = frozenset()
    allowed_hosts: tuple[str, ...] = ()
    known_names: frozenset[str] = frozenset()
    npm_scripts: frozenset[str] = frozenset()
    pip_sdist: frozenset[str] = frozenset()
    malicious: MaliciousLookup | None = None
    database: str = ""


class CheckedText(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a file; ``is_lock`` is False for the input of a lock, such as package.json."""

    text: str
    is_lock: bool = True


class CheckedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A checked file with its findings; ``notes`` list checks that were not possible."""

    path: str
    format: str = ""
    packages: int = 0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


class UnreadFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is missing, or that is not a lock file of a supported format."""

    path: str
    message: str
    hint: str = ""


class UncheckedRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that no file was checked with, and the reason."""

    rule: str
    reason: str


class LintResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run; ``database`` names that of known malicious versions, "" for none."""

    files: tuple[CheckedFile, ...] = ()
    errors: tuple[UnreadFile, ...] = ()
    not_checked: tuple[UncheckedRule, ...] = ()
    database: str = ""

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(each.severity == severity for file in self.files for each in file.findings)


def not_checked_lines(result: LintResult) -> tuple[str, ...]:
    """Return a line for each rule that no file was checked with."""
    return tuple(f"not checked: {each.rule}: {each.reason}" for each in result.not_checked)
