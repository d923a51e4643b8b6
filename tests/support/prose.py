"""Find phrases that a native speaker would not write, in pages, help, messages and comments.

``python -m tests.support.prose`` prints what it finds in the whole repository.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "locks/README.md", "docs/**/*.md")
CODE = (
    "orbiter/**/*.py",
    "resolvers/**/*.py",
    "templates/**/*.py",
    "bench/**/*.py",
    "demo/*.py",
)
SCRIPTS = (
    "images.toml",
    "demo/*.toml",
    "Makefile",
    ".ci/run",
    "orbiter/config/*.toml",
    "orbiter/**/*.sh",
    "resolvers/**/*.sh",
    "templates/**/*.j2",
    "templates/**/*.sh",
)
MESSAGE = 3
"""A string in code with at least this many words is a message and not a name."""
BETTER: dict[str, str] = {
    r"\b(told|tells)\b(?! (\w+ )*apart\b)": "report, list, print, say, show",
    r"\btell\b(?! ((\w+ )*apart|you|us|users|people|him|her|them)\b)": "report, list, print, say",
    r"\b(is|are|was|were|be|been) gone\b": "missing, deleted, no longer available",
    r"\bgone upstream\b": "no longer available upstream",
    r"\bbut for\b": "except, unless, without",
    r"(?<!there )\b(is|are) no (?!longer|more|less|fewer|better|worse|later|earlier)": "is not a",
    r"(?<!there )\b(is|are) (?-i:none)\b": "name the thing that is missing",
    r"\bstand(s|ing)? (on|upon|in|behind|beside|below|above)\b": "start from, is in, follow",
    r"\bask(s|ed|ing)? (\w+ )?of\b": "require, request",
    r"\bwho(so)?ever\b": "anyone who, users who",
    r"\bfor want of\b": "because there is no",
    r"\bat once or not at all\b": "atomically",
    r"\b(by|of) (itself|themselves)\b": "automatically, on its own",
    r"\bbrings?\b": "provide, install, contain, include",
    r", for (it|they|he|she|nobody|none|no \w+|there|what|most)\b": "because",
    r"\bwhere (there|none|nothing|nobody|asked)\b": "if",
    r"\bof the wild\b": "of other tools",
    r"\bas of buildx\b": "as in buildx",
}
"""Phrases to avoid, as regular expressions, and what to write instead."""
PATTERNS = {re.compile(phrase, re.IGNORECASE): better for phrase, better in BETTER.items()}
NOT_BUT_FOR = re.compile(r"\bnot\b[^.;]*\bbut for\b", re.IGNORECASE)
"""The only correct use of "but for": not for this but for that."""
RELATIVE = re.compile(r"(What|Who|Whose|Whom|Where|Whether|How|Whatever)\b(?![^.!?]*\?)")
"""The beginning of a sentence that is a free relative clause and not a question."""
SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z])")
MARKUP = re.compile(r"``[^`]*``|`[^`]*`|\]\([^)]*\)|<[^>]*>")
"""Quoted code, targets of links and placeholders."""
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"\n(?=\s*\n|\s*[-*|#] ?|\s*\d+\. )")
"""Before each paragraph, list item, heading and row of a table."""
SCRIPT_COMMENT = re.compile(r"(?:^|\s)#+ (.*)|\{#-?(.*)")
DIRECTIVE = re.compile(r"#\s*(noqa|type:|!)")


class Finding(NamedTuple):
    """A phrase to avoid, its position and the better phrase."""

    file: str
    line: int
    phrase: str
    better: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: '{self.phrase}': {self.better}"


class Text(NamedTuple):
    """A piece of prose and the line on which it begins."""

    line: int
    text: str
    has_sentences: bool = True


def check(file: str, texts: Iterable[Text]) -> Iterator[Finding]:
    """Yield each phrase to avoid."""
    for text in texts:
        flat = re.sub(r"\s", " ", MARKUP.sub(_blank, text.text))
        phrases = list(_phrases(flat))
        if text.has_sentences:
            phrases += _relative_clauses(flat)
        for offset, phrase, better in sorted(phrases):
            line = text.line + text.text[:offset].count("\n")
            yield Finding(file, line, phrase, better)


def _blank(quoted: re.Match[str]) -> str:
    return "_" * len(quoted[0])


def _phrases(text: str) -> Iterator[tuple[int, str, str]]:
    for pattern, better in PATTERNS.items():
        for match in pattern.finditer(text):
            is_contrast = match[0].lower() == "but for" and NOT_BUT_FOR.search(text[: match.end()])
            if not is_contrast:
                yield match.start(), match[0].strip(), better


def _relative_clauses(text: str) -> Iterator[tuple[int, str, str]]:
    for start in (0, *(gap.end() for gap in SENTENCE.finditer(text))):
        if match := RELATIVE.match(text, start):
            yield start, f"{match[0]} …", "begin with a noun or a verb"


def of_markdown(content: str) -> Iterator[Text]:
    """Yield the paragraphs, list items, headings and table rows of a page, without its code."""
    line = 1
    for block in BLOCK.split(FENCED.sub(lambda code: "\n" * code[0].count("\n"), content)):
        has_sentences = not block.lstrip().startswith(("#", "|"))
        yield Text(line, re.sub(r"^(\s*)[-*#]+ ", r"\1", block), has_sentences)
        line += block.count("\n") + 1


def of_python(content: str) -> Iterator[Text]:
    """Yield the docstrings, comments and messages of a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT and not DIRECTIVE.match(token.string):
            yield Text(token.start[0], token.string.lstrip("# "))
    handled = set[int]()
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Expr) and (docstring := _text(node.value)):
            handled.add(id(node.value))
            yield Text(node.lineno, docstring)
        elif isinstance(node, ast.JoinedStr):
            handled.update(map(id, node.values))
            yield from _message(node.lineno, "".join(_text(value) or "_" for value in node.values))
        elif isinstance(node, ast.Constant) and id(node) not in handled:
            yield from _message(node.lineno, _text(node))


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ""


def _message(line: int, text: str) -> Iterator[Text]:
    is_pattern = "\\" in text or "(?" in text
    if len(text.split()) >= MESSAGE and not is_pattern:
        yield Text(line, text, has_sentences=False)


def of_script(content: str) -> Iterator[Text]:
    """Yield the comments of a shell script, a template or a TOML file."""
    for number, line in enumerate(content.splitlines(), 1):
        if comment := SCRIPT_COMMENT.search(line):
            yield Text(number, comment[1] or comment[2])


def findings(patterns: Iterable[str]) -> list[Finding]:
    """Return the phrases to avoid in the files of these patterns."""
    readers = {".md": of_markdown, ".py": of_python}
    result: list[Finding] = []
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        texts = readers.get(path.suffix, of_script)(path.read_text(encoding="utf-8"))
        result += check(str(path.relative_to(ROOT)), texts)
    return result


def main() -> None:
    """Print all findings, and exit with 1 if there are any."""
    phrases = findings((*PAGES, *CODE, *SCRIPTS))
    sys.stdout.write("".join(f"{finding}\n" for finding in phrases))
    sys.stdout.write(f"{len(phrases)} phrases to avoid\n")
    sys.exit(bool(phrases))


if __name__ == "__main__":
    main()
