"""Golden files of reports; ORBITER_TEST_WRITE_GOLDEN=1 writes them again."""

import os

from tests.support.paths import TESTS

GOLDEN = TESTS / "golden" / "diff"


def assert_golden(name: str, text: str) -> None:
    """Assert that a text equals a golden file."""
    path = GOLDEN / name
    if os.environ.get("ORBITER_TEST_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
