"""Golden outputs of reports; ORBITER_TEST_WRITE_GOLDEN=1 writes them anew."""

import os

from tests.support.paths import TESTS

GOLDEN = TESTS / "golden" / "diff"


def assert_golden(name: str, text: str) -> None:
    """The text is byte for byte the file of that name."""
    place = GOLDEN / name
    if os.environ.get("ORBITER_TEST_WRITE_GOLDEN"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    assert text == place.read_text(encoding="utf-8")
