"""Edits of a TOML text add what is new in the right place and keep everything else."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.config.mistakes import toml_literal
from orbiter.config.toml_edit import Edit, apply_edits
from orbiter.config.toml_format import ListItem
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
            '    "b",  # the last, without comma\n    "n>=1",\n    "m"\n    # and this\n]',
            edit("image.x.base.build", "pip", "n>=1", "m"),
        ),
        (
            "npm = [\"c\", 'd'] # two",
            'npm = [\n    "c",\n    \'d\',\n    "e",\n] # two',
            edit("image.x.base.build", "npm", "e"),
        ),
        (
            "npm = [\"c\", 'd']",
            'npm = ["c", \'d\', "e"]',
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
    "start",
    ['l = [["a"], "b"]', 'l = [{ a = ["b"] }]', 'x = """\nl = [\n"""\nl = ["a"]'],
)
def test_lists_with_lists_and_texts_like_lists_are_extended(start: str) -> None:
    edited = apply(f"[t]\n{start}\n", edit("t", "l", "z", one_line=True))
    assert edited == f'[t]\n{start[:-1]}, "z"]\n'


def test_a_key_that_is_not_a_list_is_refused() -> None:
    expected = r"images\.toml: the form of t\.l is not known"
    with pytest.raises(ExpectedError, match=expected) as caught:
        apply('[t]\nl.x = ["a"]\n', edit("t", "l", "z"))
    assert "[t]: l = [...]" in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["a"] # two', '[\n    "a",\n    "z",  # why\n] # two'),
        ('[\n  "a", "b"\n]', '[\n  "a", "b",\n  "z"  # why\n]'),
        ('[\n  "a"]', '[\n  "a",\n  "z",  # why\n  ]'),
        ('[\n  "a" # x]\n  ,]', '[\n  "a" # x]\n  ,\n  "z",  # why\n  ]'),
        ("[]", '[\n    "z",  # why\n]'),
    ],
)
def test_an_entry_with_a_comment_has_its_own_line(old: str, new: str) -> None:
    item = ListItem(text="z", comment="why")
    change = Edit(path=("t",), key="l", entries=(item,), one_line=True)
    assert apply(f"[t]\nl = {old}\n", change) == f"[t]\nl = {new}\n"


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


@given(ITEMS, LAYOUTS, ITEMS, st.booleans(), st.sampled_from(["", "why ]"]))
def test_new_entries_are_at_the_end_of_any_list(
    entries: list[str], layout: tuple[str, str, str], more: list[str], one_line: bool, comment: str
) -> None:
    start, between, end = layout
    if not entries:
        end = end.replace(",", "")
    written = start + between.join(toml_literal(entry) for entry in entries) + end
    text = f"[t]\nl = {written}  # c\n\n[u]\n"
    items = tuple(ListItem(text=entry, comment=comment) for entry in more)
    edited = apply(text, Edit(path=("t",), key="l", entries=items, one_line=one_line))
    assert tomllib.loads(edited) == {"t": {"l": [*entries, *more]}, "u": {}}
    assert not comment or edited.count(comment) == len(more)


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
    assert lines == f'[t]\nl = [\n  {table}, # why\n  "a",\n  "b"{comma}\n]\n'
