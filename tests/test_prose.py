from pathlib import Path

import pytest

from tests.support import prose
from tests.support.prose import Text

WIDTH = 120


@pytest.mark.parametrize("pattern", [*prose.PAGES, *prose.CODE, *prose.SCRIPTS])
def test_text_reads_like_english(pattern: str) -> None:
    assert list(prose.findings([pattern])) == []


@pytest.mark.parametrize(
    "text",
    [
        "What is gone is told.",
        "The file is gone.",
        "The file is no lock.",
        "All files, but for two, are there.",
        "A stage stands on another one.",
        "images.toml asks nothing of them.",
        "Whoever has the image pulls it.",
        "What a base begins as.",
        "Read it. Whether it fits is checked.",
        "They say so, for they cannot know.",
        "It is written at once or not at all.",
        "Python compiles where nothing else does.",
    ],
)
def test_literal_translations_are_found(text: str) -> None:
    assert list(prose.check("page.md", [Text(1, text)]))


@pytest.mark.parametrize(
    "text",
    [
        "There is no base image.",
        "It is no longer there.",
        "Orbiter tells the two apart.",
        "It is not for reading but for writing.",
        "The letter stands for a number.",
        "What is a lock set?",
        "Use it where possible.",
        "Run `orbiter is no lock`.",
        "That is also faster.",
        "All of them are read at once.",
    ],
)
def test_correct_english_is_not_blocked(text: str) -> None:
    assert list(prose.check("page.md", [Text(1, text)])) == []


def test_code_in_pages_is_not_prose() -> None:
    page = "Fine.\n\n```text\nwhat is gone is told\n```\n\n- the file is gone\n"
    found = prose.check("page.md", prose.of_markdown(page))
    assert [(each.line, each.phrase) for each in found] == [(7, "is gone")]


def test_docstrings_comments_and_messages_of_code_are_prose() -> None:
    code = """\"\"\"What is left.\"\"\"
NAME = "is gone"  # it is told
raise ValueError(f"{NAME} is no lock file")
"""
    found = sorted(prose.check("code.py", prose.of_python(code)))
    phrases = [(each.line, each.phrase) for each in found]
    assert phrases == [(1, "What …"), (2, "told"), (3, "is no")]


PATHS = sorted(path for pattern in prose.PAGES for path in prose.ROOT.glob(pattern))


@pytest.mark.parametrize("page", PATHS, ids=lambda path: str(path.relative_to(prose.ROOT)))
def test_pages_are_wrapped(page: Path) -> None:
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    long = [number for number, line in lines if len(line) > WIDTH and not line.startswith("|")]
    assert long == []
