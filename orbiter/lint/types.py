"""Types of a lint run: findings, checked files, and the settings of a run."""

import msgspec

from orbiter.lint.rules import RULES, Severity


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


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a run: rules to ignore, and patterns of allowed hosts (empty: any host)."""

    ignored: frozenset[str] = frozenset()
    allowed_hosts: tuple[str, ...] = ()


class Document(msgspec.Struct, frozen=True, kw_only=True):
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


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run."""

    files: tuple[CheckedFile, ...] = ()
    errors: tuple[UnreadFile, ...] = ()

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(each.severity == severity for file in self.files for each in file.findings)
