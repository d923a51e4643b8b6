"""Mistakes in images.toml name their line."""

import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st

from orbiter.config.lines import key_lines, line_of
from orbiter.config.mistakes import key_path
from orbiter.config.starter import starter_text
from tests.support.paths import ROOT

TEXT = '''\
version = "0.1.0"
[sets]
tools = ["bash",
  # a comment with = and [
  "cu]rl", """multi
line=""", "git"]

[ image . "my.builder" ]
from = { debian = "trixie", nested = { a = [1, { b = 2 }], c = 3.5 } }
base.apt = [ ["x"],
  { y = 1, z = 2 } ]
'''


def leaves(value: Any, path: str = "") -> set[str]:
    """Return the paths of all values that are not tables."""
    if isinstance(value, dict):
        parts = [leaves(item, key_path(path, key)) for key, item in value.items()]
        return set().union(*parts)
    if isinstance(value, list):
        parts = [leaves(item, f"{path}[{index}]") for index, item in enumerate(value)]
        return {path}.union(*parts)
    return {path}


def test_tables_keys_and_entries_have_their_line() -> None:
    lines = key_lines(TEXT)
    assert lines["version"] == 1
    assert lines["sets"] == 2
    assert lines["sets.tools[0]"] == 3
    assert lines["sets.tools[1]"] == 5
    assert lines["sets.tools[2]"] == 5
    assert lines["sets.tools[3]"] == 6
    assert lines['image."my.builder"'] == 8
    assert lines['image."my.builder".from.nested.a[1].b'] == 9
    assert lines['image."my.builder".from.nested.c'] == 9
    assert lines['image."my.builder".base.apt[0][0]'] == 10
    assert lines['image."my.builder".base.apt[1]'] == 11
    assert lines['image."my.builder".base.apt[1].z'] == 11


@pytest.mark.parametrize("text", [TEXT, (ROOT / "images.toml").read_text(), starter_text()])
def test_every_value_of_a_file_has_a_line(text: str) -> None:
    assert leaves(tomllib.loads(text)) <= key_lines(text).keys()


VALUES = st.recursive(
    st.text() | st.integers(-99, 99) | st.floats(-9, 9) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
@example({"\t": [{"": [""]}]})
def test_every_value_of_any_text_has_a_line(document: dict[str, Any]) -> None:
    text = tomli_w.dumps(document)
    assert {path for path in leaves(document) if path} - key_lines(text).keys() == set()


def test_a_missing_key_has_the_line_of_its_table() -> None:
    assert line_of("sets.tools[9]", key_lines(TEXT)) == 3
    assert line_of("sets.missing", key_lines(TEXT)) == 2
    assert line_of("missing", key_lines(TEXT)) == 0
