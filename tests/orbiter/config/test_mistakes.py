"""Every mistake in images.toml is reported at once, with its key and a hint."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.config.mistakes import ConfigError, Mistake, suggest
from orbiter.config.read import json_schema, read_image_set
from orbiter.config.snapshot import dump, load
from tests.support.paths import TESTS

BROKEN = sorted((TESTS / "data/images/broken").glob("*.toml"))
EXPECT = "# expect: "


def config_error(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_image_set(path)
    return caught.value


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_has_the_mistakes_of_its_first_line_and_no_others(path: Path) -> None:
    first = path.read_bytes().splitlines()[0].decode()
    assert first.startswith(EXPECT)
    parts = first.removeprefix(EXPECT).split(" | ")
    error = config_error(path)
    text = f"{error.message}\n{error.hint}"
    assert [part for part in parts if part not in text] == [], text
    mistakes = [str(mistake) for mistake in error.mistakes]
    assert [text for text in mistakes if not any(part in text for part in parts)] == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_every_mistake_names_the_file_and_has_a_hint(path: Path) -> None:
    error = config_error(path)
    for mistake in error.mistakes:
        position = f"{path}:{mistake.line}" if mistake.line else str(path)
        assert f"{position}: {mistake}" in error.message
        assert mistake.hint
        assert mistake.hint in error.hint


def test_all_mistakes_of_a_file_are_reported_at_once() -> None:
    error = config_error(BROKEN[0].parents[1] / "many-mistakes.toml")
    assert [mistake.key for mistake in error.mistakes] == [
        "colour",
        "repository",
        "version",
        "platforms[0]",
        "user.uid",
        "builder.debian.pip-engine",
        "image.debian.base.frm",
        "sets.tools[1]",
        "image.debian.base.apt[1]",
        "image.debian.base.build.from",
        "image.debian.base.build.pip[1]",
        "image.debian.base.build.pip[2]",
        "image.debian.base.build.npm-scripts[0]",
    ]
    lines = error.message.splitlines()
    assert lines[0].endswith("many-mistakes.toml has 13 mistakes")
    assert len(lines) == len(error.hint.splitlines()) + 1 == 14


def test_a_missing_file_hints_at_init(tmp_path: Path) -> None:
    error = config_error(tmp_path / "images.toml")
    assert error.message == f"{tmp_path / 'images.toml'}: file not found"
    assert error.hint.startswith("create one: orbiter init; ")


@pytest.mark.parametrize("name", ["requirements.txt", "environment.yml", "binder"])
def test_a_missing_file_beside_files_of_other_tools_hints_at_import(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    hint = config_error(tmp_path / "images.toml").hint
    first, second = hint.splitlines()
    assert first.endswith(": orbiter import .")
    assert ": orbiter init; " in second
    assert max(len(f"hint: {first}"), len(second)) <= 80


@pytest.mark.parametrize(
    ("word", "expected"),
    [("base-debian", "debian-base"), ("debain", "debian"), ("debian-bas", "debian-base")],
)
def test_the_same_parts_in_another_order_are_nearest(word: str, expected: str) -> None:
    hint = suggest(word, ["debian", "debian-base", "debian-base-build"], "")
    assert hint == f"did you mean '{expected}'?"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in config_error(tmp_path).message


CONFLICT = """\
image = {}
<<<<<<< HEAD
version = "0.2.0"
=======
version = "0.3.0"
>>>>>>> feature
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_conflict_markers_are_named_with_their_line_and_a_remedy(
    tmp_path: Path, line_end: str
) -> None:
    path = tmp_path / "images.toml"
    path.write_bytes(CONFLICT.replace("\n", line_end).encode())
    error = config_error(path)
    assert error.message == (
        f"{path}:2: contains conflict markers of a merge (<<<<<<<, =======, >>>>>>>)"
    )
    assert "remove the markers" in error.hint
    assert "orbiter lock --merge" in error.hint


def test_every_string_and_name_is_refused_with_a_final_line_break(tmp_path: Path) -> None:
    """Patterns of the schema end in $, which Python also matches before a final line break."""
    path = tmp_path / "images.toml"
    document = tomllib.loads((BROKEN[0].parents[1] / "valid/requirements.toml").read_text())
    # A command may have several lines.
    assert document["image"]["debian"]["base"].pop("postbuild")
    changed = list(_with_line_breaks(document))
    assert len(changed) > 20
    for other in changed:
        path.write_text(tomli_w.dumps(other), encoding="utf-8")
        assert config_error(path).mistakes


def _with_line_breaks(value: Any) -> Iterator[Any]:
    """Yield the document once for each of its strings and names, with a line break at its end."""
    if isinstance(value, str):
        yield f"{value}\n"
    if isinstance(value, list):
        for index, item in enumerate(value):
            for other in _with_line_breaks(item):
                yield [*value[:index], other, *value[index + 1 :]]
    if isinstance(value, dict):
        for key, item in value.items():
            rest = {name: value[name] for name in value if name != key}
            yield rest | {f"{key}\n": item}
            for other in _with_line_breaks(item):
                yield rest | {key: other}


def test_the_lists_of_the_original_orbiter_have_their_known_mistakes() -> None:
    """The original lists have duplicates, and two packages in one entry."""
    error = config_error(BROKEN[0].parents[1] / "original-as-written.toml")
    problems = {mistake.key: mistake.problem for mistake in error.mistakes}
    assert problems == {
        "image.debian.core.apt[6]": "'bzip2' is listed twice: also in sets.core-tools[2]",
        "image.debian.core.apt[5]": "'tar' is listed twice: also in sets.core-tools[1]",
        "image.debian.geospatial.build.apt[3]": (
            "'gdal-dev gdal-tools' is not a valid apt requirement"
        ),
        "image.debian.geospatial.build.apt[4]": "'proj-dev' is listed twice: also in "
        "image.debian.geospatial.build.apt[1]",
        "image.debian.geospatial.build.apt[6]": "'geos-dev' is listed twice: also in "
        "image.debian.geospatial.build.apt[0]",
        "image.debian.geospatial.build.pip[3]": "'fiona shapely' is not a valid pip requirement",
    }


KEYS = sorted({key for table in json_schema()["$defs"].values() for key in table["properties"]})
NAMES = st.sampled_from([*KEYS, "debian", "core", "base", "base-build", "a b", ""])
WORDS = [
    "0.1.0",
    "debian:trixie-slim",
    "core",
    "base",
    "base-build",
    "git",
    "numpy>=2",
    "@a",
    "@b",
    "@x/y",
    " ",
    "\n",
]
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.dates() | st.text() | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner | st.sampled_from(WORDS), max_size=4)
        | st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=12,
)
LISTS = st.lists(st.sampled_from(WORDS), max_size=3)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "from": st.sampled_from(WORDS),
        "apt": LISTS,
        "pip": LISTS,
        "npm": LISTS,
        "npm-scripts": LISTS,
    }
    | {"build": st.fixed_dictionaries({}, optional={"from": st.sampled_from(WORDS), "pip": LISTS})},
)
NEARLY = st.fixed_dictionaries(
    {
        "version": st.just("0.1.0"),
        "repository": st.just("a/b"),
        "sets": st.dictionaries(st.sampled_from(["a", "b"]), LISTS),
        "builder": st.just({"debian": {"from": "debian"}}),
        "image": st.fixed_dictionaries(
            {
                "debian": st.dictionaries(
                    st.sampled_from(["core", "base", "base-build"]), TABLES, max_size=3
                )
            }
        ),
    }
)


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=6) | NEARLY)
def test_any_document_is_read_or_rejected_with_hints(document: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "images.toml"
        path.write_text(tomli_w.dumps(document), encoding="utf-8")
        mistakes: tuple[Mistake, ...] = ()
        try:
            image_set = read_image_set(path)
        except ConfigError as error:
            mistakes = error.mistakes
    assert all(mistake.hint for mistake in mistakes)
    if not mistakes:
        assert load(dump(image_set)) == image_set
        names = [stage.name for stage in image_set.stages]
        for index, stage in enumerate(image_set.stages):
            assert {stage.parent, stage.build} <= {"", *names[:index]}


def test_a_named_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "images.toml")
    assert "is not a regular file" in config_error(tmp_path / "images.toml").message
