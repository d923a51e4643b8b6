"""Edits of single entries change their own lines only, and removing undoes appending."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.config.lines import value_spans
from orbiter.config.toml_format import ListItem
from orbiter.config.toml_lists import add_list, append_items, remove_entry, replace_value
from resolvers.errors import ExpectedError

NEW = "new>=1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["a"]', '["a", "new>=1"]'),
        ('["a",]', '["a", "new>=1",]'),
        ('[ "a", "b" ]', '[ "a", "b", "new>=1" ]'),
        ('["a"] # why', '["a", "new>=1"] # why'),
        ('[\n  "a",\n]', '[\n  "a",\n  "new>=1",\n]'),
        ('[\n  "a"\n]', '[\n  "a",\n  "new>=1"\n]'),
        ('[\n  "a", # why\n  # end\n]', '[\n  "a", # why\n  "new>=1",\n  # end\n]'),
        ('[\n  "a" # why\n]', '[\n  "a", # why\n  "new>=1"\n]'),
        ('["b", # why\n  "a"]', '["b", # why\n  "a",\n  "new>=1"]'),
        ('[\n  "a", "b",\n]', '[\n  "a", "b", "new>=1",\n]'),
        ('[{ requirement = "a", index = "x" }]', '[{ requirement = "a", index = "x" }, "new>=1"]'),
        ('[\n\t"a"\n,\n]', '[\n\t"a"\n,\n\t"new>=1",\n]'),
        ('[\n  "a" # x]\n  ,]', '[\n  "a" # x]\n  ,\n  "new>=1",]'),
        ("[\n  # nothing yet\n]", '[\n  # nothing yet\n    "new>=1",\n]'),
    ],
)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_appending_has_the_form_of_the_list_and_removing_undoes_it(
    old: str, new: str, line_break: str
) -> None:
    before, after = (
        f"x = 1\nlist = {text}\ny = 2\n".replace("\n", line_break) for text in (old, new)
    )
    assert append_items(before, "list", (ListItem(text=NEW),)) == after
    index = len(tomllib.loads(after)["list"]) - 1
    assert remove_entry(after, "list", index) == before


@pytest.mark.parametrize(
    ("old", "index", "new"),
    [
        ('["a", "b", "c"]', 0, '["b", "c"]'),
        ('["a", "b", "c"]', 1, '["a", "c"]'),
        ('["a", "b", "c"]', 2, '["a", "b"]'),
        (
            '[\n  # letters\n  "a", # first\n  "b", # second\n]',
            0,
            '[\n  # letters\n  "b", # second\n]',
        ),
        ('[\n  "a", # first\n  "b" # second\n]', 1, '[\n  "a" # first\n]'),
        ('["a", # first\n "b"]', 1, '["a" # first\n]'),
        ('["a", # first\n "b"]', 0, '[ # first\n "b"]'),
        ('[\n  # why\n  "a",\n]', 0, "[\n  # why\n]"),
        ('["a"] # why', 0, "[] # why"),
    ],
)
def test_removing_keeps_the_other_entries_and_comments(old: str, index: int, new: str) -> None:
    assert remove_entry(f"list = {old}\n", "list", index) == f"list = {new}\n"


def test_removing_the_last_entry_removes_the_key_but_not_in_an_inline_table() -> None:
    text = 'a = 1\n[t]\n# why\nlist = [\n  "x",  # only\n]\nb = 2\n'
    assert remove_entry(text, "t.list", 0) == "a = 1\n[t]\n# why\nb = 2\n"
    assert remove_entry('t = { list = ["x"], b = 2 }', "t.list", 0) == "t = { list = [], b = 2 }"


@pytest.mark.parametrize("ending", ["", "\n", "\n\n# end", "\r\n"])
def test_a_new_list_is_at_the_end_of_its_table_and_removing_it_undoes_that(ending: str) -> None:
    line_break = "\r\n" if "\r" in ending else "\n"
    text = f"[a.b]{line_break}x = 1{ending}"
    new = add_list(text, ("a", "b"), "pip", (NEW,), "images.toml")
    assert tomllib.loads(new) == {"a": {"b": {"x": 1, "pip": [NEW]}}}
    assert remove_entry(new, "a.b.pip", 0) == text


def test_a_long_new_list_has_a_line_for_each_entry() -> None:
    names = tuple(f"a-rather-long-name-{number}" for number in range(9))
    new = add_list("[t]\n", ("t",), "pip", names, "images.toml")
    assert max(map(len, new.splitlines())) < 40
    assert tomllib.loads(new) == {"t": {"pip": list(names)}}


def test_a_table_without_a_header_line_is_named() -> None:
    with pytest.raises(ExpectedError, match=r"images\.toml: t\.u has no header line"):
        add_list("t.u.x = 1\n", ("t", "u"), "pip", ("a",), "images.toml")


def test_only_the_requirement_of_an_inline_table_is_replaced() -> None:
    text = 'p = ["a", { index = "x", requirement = "torch>=2" }, # why\n]\n'
    new = replace_value(text, "p[1].requirement", "torch>=3")
    assert new == text.replace("torch>=2", "torch>=3")
    assert replace_value(text, "p[0]", 'a"b') == text.replace('"a"', '"a\\"b"', 1)


VALUES = st.text("ab>=1[]#,\"'\\{}", min_size=1, max_size=6)
GAPS = st.sampled_from(["", " ", "\n    ", '\n\t# a comment, with ] and "\n  ', "\n"])


@st.composite
def lists(draw: st.DrawFn) -> str:
    """Return lists in every form: gaps and comments at all places, with and without last comma."""
    values = draw(st.lists(VALUES, min_size=1, max_size=4))
    parts = [draw(GAPS)]
    for number, value in enumerate(values):
        quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        is_last = number == len(values) - 1
        comma = "," if not is_last or draw(st.booleans()) else ""
        parts += [quoted, draw(st.sampled_from(["", " "])), comma, draw(GAPS)]
    return "[" + "".join(parts) + "]"


@given(text=lists(), value=VALUES, data=st.data())
def test_every_form_of_list_is_edited_exactly(text: str, value: str, data: st.DataObject) -> None:
    before = f"x = 1\nlist = {text}\n[t]\ny = 2\n"
    values = tomllib.loads(before)["list"]
    after = append_items(before, "list", (ListItem(text=value),))
    assert tomllib.loads(after) == {"x": 1, "list": [*values, value], "t": {"y": 2}}
    assert remove_entry(after, "list", len(values)) == before
    index = data.draw(st.integers(0, len(values) - 1))
    rest = values[:index] + values[index + 1 :]
    removed = tomllib.loads(remove_entry(before, "list", index))
    assert removed.get("list", []) == rest
    assert removed["t"] == {"y": 2}
    assert value_spans(before)["list"].end == before.index("\n[t]")
