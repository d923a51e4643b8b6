"""Secrets that are recognisable by their form, and assignments of secrets in comments."""

import re
from collections.abc import Iterator

from orbiter.lint.lines import Lines
from orbiter.lint.types import CheckedText, Finding

START = r"(?<![A-Za-z0-9_-])"
# Each pattern starts at the beginning of a word, which keeps the search linear.
FORMS = {
    "a token of GitHub": r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{36,255}",
    "a token of GitLab": r"gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,100}",
    "a token of a Python index": r"pypi-Ag[A-Za-z0-9_-]{50,500}",
    "a token of npm": r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])",
    "a token of Docker": r"dckr_pat_[A-Za-z0-9_-]{20,100}",
    "a token of Hugging Face": r"hf_[A-Za-z0-9]{30,60}",
    "a token of Slack": r"xox[abprs]-[A-Za-z0-9-]{10,200}",
    "an access key of AWS": r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9+/=])",
    "a JSON web token": r"eyJ[A-Za-z0-9_-]{10,4000}+\.eyJ[A-Za-z0-9_-]{10,4000}+\.",
}
SECRET = re.compile(
    START + "(?:" + "|".join(f"(?P<f{i}>{form})" for i, form in enumerate(FORMS.values())) + ")"
)
NAMES = tuple(FORMS)
PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY")
ASSIGNMENT = re.compile(
    r"(?<![A-Za-z0-9])(?:\w{0,20}[_-])?(password|passwd|secret|token|api[_-]?key)"
    r"[\"']?[ \t]{0,9}[:=](?!=)[ \t]{0,9}[\"']?([^\s\"']{8,200})",
    re.IGNORECASE,
)
PLACEHOLDERS = frozenset("<${*[")


def find_secrets(document: CheckedText, lines: Lines) -> Iterator[Finding]:
    """Yield secrets of known forms anywhere, and assigned ones in comments."""
    found = set[int]()
    for match in SECRET.finditer(document.text):
        name = NAMES[int((match.lastgroup or "f0")[1:])]
        line = lines.number(match.start())
        found.add(line)
        yield Finding(rule="secret", line=line, message=name)
    for match in PRIVATE_KEY.finditer(document.text):
        line = lines.number(match.start())
        yield Finding(rule="secret", line=line, message="a private key")
    for match in ASSIGNMENT.finditer(document.text):
        line = lines.number(match.start())
        if line not in found and _is_literal(match[2]) and _is_comment(lines, match.start()):
            message = f"a comment assigns a value to {match[1]}"
            yield Finding(rule="secret", line=line, message=message)


def _is_literal(value: str) -> bool:
    """Return whether a value looks like a secret: it has a digit and is not a placeholder."""
    return any(each.isdigit() for each in value) and PLACEHOLDERS.isdisjoint(value)


def _is_comment(lines: Lines, position: int) -> bool:
    start = lines.before(position)
    return start.lstrip().startswith("#") or " #" in start
