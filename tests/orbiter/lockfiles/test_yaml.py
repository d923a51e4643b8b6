"""YAML read as text, compared with PyYAML's base loader, which is slow and converts nothing."""

import gzip
import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orbiter.lockfiles.yaml import line_of_item, load_yaml
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
FILES = sorted(file for folder in ("conda-lock", "pixi") for file in (DATA / folder).glob("*.gz"))
NUMBERS = [
    "3.10",
    "1.3_31",
    "1_000",
    "017",
    "0x1F",
    "0o17",
    "1e5",
    "1.",
    ".5",
    "-.inf",
    ".nan",
    "+12",
    "-0",
]
TYPED = [*NUMBERS, "null", "Null", "~", "true", "False", "yes", "2024-01-01", "1:30", "="]
NAMES = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=6)
# Without "&", which the reader may reject as an anchor.
LINE = [*sorted(set(string.printable) - set(string.whitespace) - {"&"}), " "]
STAIRS = "a:\n" + "".join(f"{' ' * depth}a:\n" for depth in range(1, 2000))
SCALARS = NAMES | st.sampled_from(TYPED) | st.text(LINE, max_size=12)
DATA_OF_TEXT = st.dictionaries(
    NAMES | st.sampled_from(TYPED),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    ),
    min_size=1,
    max_size=5,
)


def without_none(data: Any) -> Any:
    """Return the data as the base loader represents it: without None."""
    if isinstance(data, dict):
        return {key: without_none(value) for key, value in data.items()}
    if isinstance(data, list):
        return [without_none(value) for value in data]
    return "" if data is None else data


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_real_files_are_read_as_text(file: Path) -> None:
    text = gzip.decompress(file.read_bytes()).decode()
    assert without_none(load_yaml(file.name, text)) == yaml.load(text, Loader=yaml.CBaseLoader)


@given(DATA_OF_TEXT, st.booleans())
def test_written_text_is_read_back(data: dict[str, Any], indented: bool) -> None:
    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, indentless and not indented)

    text = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=False, width=10_000)
    assert load_yaml("a.yml", text) == data


@pytest.mark.parametrize("scalar", TYPED)
def test_scalars_stay_text(scalar: str) -> None:
    text = (
        f"a: {scalar}\nb:\n- {scalar}\n- c: {scalar} # why\n- - {scalar}\n"
        f"d:\n  {scalar}\n{scalar}: x\n"
    )
    expected = {"a": scalar, "b": [scalar, {"c": scalar}, [scalar]], "d": scalar, scalar: "x"}
    assert load_yaml("a.yml", text) == expected


def test_indicators_within_text_are_accepted() -> None:
    text = (
        "# &a\na:\n- python_abi 3.10.* *_cp310\n- numpy !=1.0,*\nb: https://example.com/?a=1&b=2\n"
        "c: GPL & MIT\nd: '&e'\ne: it's\nf: \"!g\" # *h\n"
    )
    assert load_yaml("a.yml", text) == {
        "a": ["python_abi 3.10.* *_cp310", "numpy !=1.0,*"],
        "b": "https://example.com/?a=1&b=2",
        "c": "GPL & MIT",
        "d": "&e",
        "e": "it's",
        "f": "!g",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  c: 1\na: 2\n", "a.yml:4: duplicate key 'a'"),
        ("a:\n- x: 1\n- x: 1\n  y: 2\n  x: 3\n", "a.yml:5: duplicate key 'x'"),
        ("a:\n  - - x: 1\n      y: 1\n      y: 1\n", "a.yml:4: duplicate key 'y'"),
        ("'a': 1\n\"a\": 2\n", "a.yml:2: duplicate key 'a'"),
        ("a:\nb: {c: 1, c: 2}\n", "a.yml:2: duplicate key 'c'"),
        ("a: 1\nb: &x [1]\nc: *x\n", "a.yml:2: YAML anchors are not supported in lock files"),
        ("a: [1,\n  [&x 2, *x]]\n", "a.yml:2: YAML anchors are not supported in lock files"),
        ("a:\n- *x\n", "a.yml:2: YAML aliases are not supported in lock files"),
        (
            "a: 1\nb: !!python/name:os.system\n",
            "a.yml:2: YAML tags are not supported in lock files",
        ),
        (
            "# a\n---\na: 1\n---\nb: 2\n",
            "a.yml:4: YAML streams of several documents are not supported in lock files",
        ),
        ("- a\n", "a.yml: the file is not a YAML mapping"),
        ("# nothing\n", "a.yml: the file is not a YAML mapping"),
        ("a: 1\nb:\n\tc: 1\n", "a.yml:3: tabs disallowed within this context (block indentation)"),
        (
            "a: 1\nb: 'x\n",
            "a.yml:2: while scanning a quoted scalar, found unexpected end of stream",
        ),
        ("a: [1,\nb: }\n", "a.yml:2: invalid indentation in flow construct"),
        ("[" * 100_000, "a.yml:1: recursion limit exceeded"),
        ("a: 1\nb: " + "{a: " * 100_000, "a.yml:2: recursion limit exceeded"),
        (
            "- " * 100_000 + "a",
            "a.yml:1: YAML blocks nested this deeply are not supported in lock files",
        ),
        (STAIRS, "a.yml:121: YAML blocks nested this deeply are not supported in lock files"),
    ],
)  # fmt: skip
def test_unsupported_yaml_is_rejected_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        load_yaml("a.yml", text)
    assert caught.value.message == message
    assert caught.value.hint


def test_a_block_scalar_is_not_a_mapping() -> None:
    text = "a: |\n  x: y\n  x: z\nb: >-\n  c\n  d\ne:\n- f: |-\n    x\n  g: h\n"
    assert load_yaml("a.yml", text) == {
        "a": "x: y\nx: z\n",
        "b": "c d",
        "e": [{"f": "x", "g": "h"}],
    }


def test_different_mappings_may_have_the_same_key() -> None:
    text = "a:\n  x:\n    y: 1\n  z:\n    y: 2\nb:\n- x: 1\n- x: 2\nx:\n- a: 1\n"
    assert load_yaml("a.yml", text)["b"] == [{"x": "1"}, {"x": "2"}]


@pytest.mark.parametrize(("number", "line"), [(0, 3), (1, 6), (2, 1)])
def test_the_line_of_an_item(number: int, line: int) -> None:
    text = "a: 1\npackage:\n  - x: 1\n    y:\n      - z\n  - x: 2\nb:\n- c\n"
    assert line_of_item(text, "package", number) == line
