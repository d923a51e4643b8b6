"""Edits of a TOML text add what is new in the right place and keep everything else."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.config.mistakes import toml_literal
from orbiter.config.toml_edit import Edit, ListItem, apply_edits
from resolvers.errors import ExpectedError

TEXT = """\
# top
version = "1"

[builder.x]   # ours
# why

# The base.
[image.x.base]
from = "core"

# Its build stage.
[image.x.base.build]
pip = [
    "attrs",   # classes
    "b"  # the last, without comma
    # and this
]
npm = ["c", 'd'] # two
postbuild = [ ]

# another
[image.y.z]
apt = []
"""


def edit(path: str, key: str, *texts: str, one_line: bool = False) -> Edit:
    entries = tuple(ListItem(text=text) for text in texts)
    return Edit(path=tuple(path.split(".")), key=key, entries=entries, one_line=one_line)


def apply(text: str, *edits: Edit) -> str:
    return apply_edits(text, edits, "images.toml")


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (
            '    "b"  # the last, without comma\n    # and this\n]',
            '    "b",  # the last, without comma\n    # and this\n    "n>=1",\n    "m",\n]',
            edit("image.x.base.build", "pip", "n>=1", "m"),
        ),
        (
            "npm = [\"c\", 'd'] # two",
            'npm = [\n    "c",\n    "d",\n    "e",\n] # two',
            edit("image.x.base.build", "npm", "e"),
        ),
        (
            "npm = [\"c\", 'd']",
            'npm = ["c", "d", "e"]',
            edit("image.x.base.build", "npm", "e", one_line=True),
        ),
        (
            "postbuild = [ ]",
            'postbuild = [\n    "say \\"x\\"",\n]',
            edit("image.x.base.build", "postbuild", 'say "x"'),
        ),
        (
            "postbuild = [ ]\n",
            'postbuild = [ ]\nconda = [\n    "a",\n]\n',
            edit("image.x.base.build", "conda", "a"),
        ),
        (
            'from = "core"\n',
            'from = "core"\nconda = [\n    "a",\n]\n',
            edit("image.x.base", "conda", "a"),
        ),
        (
            "# ours\n",
            '# ours\nchannels = ["a", "b"]\n',
            edit("builder.x", "channels", "a", "b", one_line=True),
        ),
        (
            "# why\n\n",
            '# why\n\n[builder.w]\nc = ["a"]\n\n',
            edit("builder.w", "c", "a", one_line=True),
        ),
        ("apt = []\n", 'apt = []\n\n[image.y."a b"]\n', edit("image.y.a b", "")),
        ("apt = []\n", "apt = []\n\n[image.y.z.build]\n", edit("image.y.z.build", "")),
    ],
)
def test_only_one_position_changes(old: str, new: str, change: Edit) -> None:
    assert apply(TEXT, change) == TEXT.replace(old, new)


def test_comments_follow_their_entries() -> None:
    entries = (ListItem(text="a", comment="why"), ListItem(text="b"))
    edited = apply(TEXT, Edit(path=("builder", "x"), key="pip", entries=entries))
    assert '# ours\npip = [\n    "a",  # why\n    "b",\n]\n# why\n' in edited


def test_line_ends_are_kept() -> None:
    change = edit("image.x.base.build", "pip", "n")
    assert apply(TEXT.replace("\n", "\r\n"), change) == apply(TEXT, change).replace("\n", "\r\n")


def test_a_text_without_tables_or_a_final_line_end() -> None:
    assert apply('a = "x"', edit("t", "l", "v")) == 'a = "x"\n\n[t]\nl = [\n    "v",\n]\n'


@pytest.mark.parametrize(
    "text",
    [
        '[image.x]\nbase = { apt = ["a"] }\n',
        '[image]\nx.base.apt = ["a"]\n',
        "image = { x = { base = {} } }\n",
    ],
)
def test_tables_without_a_header_are_refused(text: str) -> None:
    expected = r"images\.toml: image\.x\.base has no header line"
    with pytest.raises(ExpectedError, match=expected) as caught:
        apply(text, edit("image.x.base", "apt", "b"))
    assert "[image.x.base]" in caught.value.hint


@pytest.mark.parametrize(
    "written",
    ['["""a"""]', "['''a''', 'b']", '[\n  """a""", # """\n]', '["a", """b]\n"""]'],
)
def test_strings_over_several_lines_are_extended(written: str) -> None:
    old = tomllib.loads(f"l = {written}")["l"]
    edited = apply(f"[t]\nl = {written}\n", edit("t", "l", "z"))
    assert tomllib.loads(edited) == {"t": {"l": [*old, "z"]}}


@pytest.mark.parametrize(
    "text",
    [
        '[t]\nl = [["a"], "b"]\n',
        '[t]\nl = [{ a = ["b"] }]\n',
        '[t]\nx = """\nl = [\n"""\nl = ["a"]\n',
        '[t]\nl.x = ["a"]\n',
    ],
)
def test_lists_of_an_unknown_form_are_refused_with_their_key(text: str) -> None:
    with pytest.raises(
        ExpectedError, match=r"images\.toml: the form of t\.l is not known"
    ) as caught:
        apply(text, edit("t", "l", "z"))
    assert "[t]: l = [...]" in caught.value.hint


ITEMS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=8), max_size=3
)
LAYOUTS = st.sampled_from(
    [
        ("[", ", ", "]"),
        ("[\n  ", ",\n  ", "\n]"),
        ("[\n  # c ]\n  ", " , # x\n", ",\n]"),
        ("[ ", ",", " , ]"),
    ]
)


@given(ITEMS, LAYOUTS, ITEMS, st.booleans())
def test_new_entries_are_at_the_end_of_any_list(
    entries: list[str], layout: tuple[str, str, str], more: list[str], one_line: bool
) -> None:
    start, between, end = layout
    if not entries:
        end = end.replace(",", "")
    written = start + between.join(toml_literal(entry) for entry in entries) + end
    text = f"[t]\nl = {written}  # c\n\n[u]\n"
    edited = apply(text, edit("t", "l", *more, one_line=one_line))
    assert tomllib.loads(edited) == {"t": {"l": [*entries, *more]}, "u": {}}


@pytest.mark.parametrize("one_line", [True, False])
@pytest.mark.parametrize("comma", [",", ""])
def test_a_list_with_tables_is_extended(one_line: bool, comma: str) -> None:
    table = '{ requirement = "torch, ]", index = "cpu" }'
    text = f'[t]\nl = [{table}, "a"{comma}]\n'
    listed = [{"requirement": "torch, ]", "index": "cpu"}, "a", "b"]
    edited = apply(text, edit("t", "l", "b", one_line=one_line))
    assert tomllib.loads(edited) == {"t": {"l": listed}}
    assert table in edited
    lines = apply(f'[t]\nl = [\n  {table}, # why\n  "a"{comma}\n]\n', edit("t", "l", "b"))
    assert lines == f'[t]\nl = [\n  {table}, # why\n  "a",\n  "b",\n]\n'
