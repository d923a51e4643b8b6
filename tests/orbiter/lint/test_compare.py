"""Findings of lint that differ between two runs."""

from orbiter.lint.compare import compare
from orbiter.lint.types import CheckedFile, Finding, LintResult, UncheckedRule


def lint_result(*findings: Finding, path: str = "a.lock") -> LintResult:
    return LintResult(files=(CheckedFile(path=path, findings=findings),))


def of_package(name: str, version: str, line: int = 0) -> Finding:
    message = f"{name} {version}: no wheel"
    return Finding(rule="sdist-only", message=message, package=name, version=version, line=line)


def test_a_finding_remains_in_another_version_line_and_file() -> None:
    changes = compare(
        lint_result(of_package("a", "1.0", 3)),
        lint_result(of_package("a", "2.0", 5), path="b.lock"),
    )
    assert (changes.new, changes.fixed, changes.remaining) == ((), (), 1)


def test_new_and_fixed_findings() -> None:
    changes = compare(lint_result(of_package("a", "1.0")), lint_result(of_package("b", "1.0", 4)))
    (new,) = changes.new
    assert (new.file, new.line, new.package, new.severity) == ("a.lock", 4, "b", "note")
    assert [each.package for each in changes.fixed] == ["a"]
    assert changes.remaining == 0


def test_a_second_finding_of_the_same_package_is_new() -> None:
    changes = compare(
        lint_result(of_package("a", "1.0")),
        lint_result(of_package("a", "1.0"), of_package("a", "2.0")),
    )
    assert len(changes.new) == 1
    assert changes.remaining == 1


def test_findings_without_a_package_are_compared_by_their_text() -> None:
    old = lint_result(Finding(rule="no-hash", message="none of 97 packages has a hash"))
    new = lint_result(Finding(rule="no-hash", message="none of 1,149 packages has a hash"))
    assert compare(old, new).new == ()
    other = lint_result(Finding(rule="no-hash", message="another"))
    assert len(compare(old, other).new) == 1


def test_rules_that_were_not_checked_are_listed() -> None:
    new = LintResult(
        files=(CheckedFile(path="a.lock", notes=("a note",)),),
        not_checked=(UncheckedRule(rule="malicious-version", reason="no database"),),
    )
    assert compare(lint_result(), new).not_checked == (
        "a.lock: a note",
        "not checked: malicious-version: no database",
    )
