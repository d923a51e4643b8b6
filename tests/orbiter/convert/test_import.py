"""``orbiter import``: its JSON, and files that cannot be read or written."""

import json
import os
from pathlib import Path

import jsonschema
import pytest

from orbiter.convert.report import json_schema
from tests.support.imports import import_in, import_text
from tests.support.paths import TESTS

TEXT = "numpy  # \x07bell\u2028[builder.x]\nsix\n-e ../elsewhere\n"


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_json_has_the_additions_and_the_list(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = import_text(tmp_path, "requirements.txt", TEXT, "--format", "json", *words)
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    jsonschema.validate(document, json_schema())
    assert document["written"] == (not words) == bool(done.data)
    assert document["added"] == [
        {"place": "debian-base-build", "key": "pip", "entries": ["numpy", "six"]}
    ]
    assert [each["what"] for each in document["left_out"]] == [
        "requirements.txt:3: '-e ../elsewhere'"
    ]


def test_json_of_a_whole_image_set_has_its_notes(tmp_path: Path) -> None:
    done = import_in(tmp_path, TESTS / "data" / "invoke" / "invoke.yaml", "--format", "json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    jsonschema.validate(document, json_schema())
    assert document["written"]
    assert document["changed"]
    assert document["left_out"]


def test_control_characters_of_comments_do_not_reach_images_toml(tmp_path: Path) -> None:
    import_text(tmp_path, "requirements.txt", TEXT)
    assert '"numpy",  #  bell [builder.x]\n' in (tmp_path / "images.toml").read_text()
    more = import_text(tmp_path, "more.txt", "idna\n", "--image", "debian-base")
    assert more.entries("pip") == ["numpy", "six", "idna"]


def test_the_hint_names_an_image_that_fits(tmp_path: Path) -> None:
    import_text(tmp_path, "requirements.txt", "six\n")
    done = import_text(tmp_path, "pixi.toml", '[dependencies]\nnumpy = "*"\n')
    assert "hint: run orbiter import pixi.toml --image micromamba-base;" in done.err


def test_a_short_name_is_enough_if_only_one_builder_has_the_image(tmp_path: Path) -> None:
    import_text(tmp_path, "requirements.txt", "six\n")
    done = import_text(tmp_path, "more.txt", "idna\n", "--image", "base")
    assert done.out.startswith("debian-base-build pip: 1 added\n")
    done = import_text(tmp_path, "more.txt", "attrs\n", "--image", "base-build")
    assert done.out.startswith("debian-base-build pip: 1 added\n")


CHOICE = "choose one of debian-base, debian-base-build, debian-core\n  or add an image, such as "


@pytest.mark.parametrize(
    ("image", "hint"),
    [
        ("debian-bsae", "did you mean 'debian-base'? To add an image with the other name, first "),
        ("debian-bse-build", "did you mean 'debian-base'? To add an image with the other name, "),
        ("debain-base", "did you mean 'debian-base'?\n"),
        ("base-debian", "did you mean 'debian-base'?\n"),
        ("DEBIAN-BASE", "did you mean 'debian-base'?\n"),
        ("lab", f"{CHOICE}debian-lab\n"),
        ("", f"{CHOICE}debian-base\n"),
        ("läb", f"{CHOICE}debian-base\n"),
    ],
)
def test_a_misspelt_image_is_an_error(tmp_path: Path, image: str, hint: str) -> None:
    import_text(tmp_path, "requirements.txt", "six\n")
    before = (tmp_path / "images.toml").read_bytes()
    done = import_text(tmp_path, "more.txt", "idna\n", "--image", image)
    assert done.code == 2
    assert done.err.startswith("error: images.toml has no image ")
    assert f"\n\nhint: {hint}" in done.err
    assert (tmp_path / "images.toml").read_bytes() == before


def test_an_image_with_a_similar_name_can_be_added_as_a_table(tmp_path: Path) -> None:
    import_text(tmp_path, "requirements.txt", "six\n")
    text = (tmp_path / "images.toml").read_text()
    (tmp_path / "images.toml").write_text(f"{text}\n[image.debian.base2]\n")
    done = import_text(tmp_path, "more.txt", "idna\n", "--image", "debian-base2")
    assert done.code == 0, done.err
    assert "idna" in str(done.data["image"]["debian"]["base2"])


def test_a_new_image_is_announced(tmp_path: Path) -> None:
    import_text(tmp_path, "requirements.txt", "six\n")
    done = import_text(tmp_path, "more.txt", "idna\n", "--image", "debian-lab")
    assert done.out.startswith("new: the image debian-lab, which images.toml did not have\n")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a" * (17 << 20)], ids=["bytes", "large"])
def test_a_file_that_is_not_text_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "requirements.txt").write_bytes(content)
    done = import_in(tmp_path, "requirements.txt")
    assert (done.code, done.data) == (2, {})
    assert "error: requirements.txt" in done.err
    assert "\nhint: " in done.err


def test_a_pipe_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "requirements.txt")
    done = import_in(tmp_path, "requirements.txt")
    assert done.code == 2
    assert "requirements.txt is not a regular file" in done.err


def test_a_new_file_may_have_everything_already(tmp_path: Path) -> None:
    done = import_text(tmp_path, "apt.txt", "git\n")
    assert (done.code, done.err) == (0, "")
    assert "git" in done.entries("apt")
    assert done.out.endswith("wrote images.toml: review it, then run orbiter lock\n")
    again = import_text(tmp_path, "apt.txt", "git\n", "--image", "debian-base")
    assert again.out.startswith("images.toml is unchanged")


def test_values_that_may_be_secret_are_not_shown(tmp_path: Path) -> None:
    text = """\
FROM debian
RUN export TOKEN=SECRET && pip install six
RUN curl -H "Authorization: Bearer SECRET" https://example.org/x?sig=SECRET
RUN pip install https://user:SEC/RET@example.org/x.whl
"""
    done = import_text(tmp_path, "Dockerfile", text)
    assert done.code == 0
    assert done.err.count("left out: Dockerfile:") == 4
    assert "SEC" not in done.out + done.err


BELL = "\x1b]0;TITLE\x07\u202e"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("requirements.txt", f"six\n./{BELL}\na=={BELL}\n", ()),
        ("requirements.txt", f"six  # {BELL}\n", ("--dry-run",)),
        ("Dockerfile", f"FROM debian\nRUN echo {BELL}\nRUN pip install six\n", ()),
        ("package.json", json.dumps({"dependencies": {"d3": "1", BELL: "./x"}}), ()),
        ("apt.txt", f"curl\n{BELL}\n", ()),
        ("Pipfile", '[packages]\nsix="*"\n["\\u001b]0;"]\na="*"\n', ()),
        ("Pipfile", '[packages]\nsix="*"\n["\\u001b]0;"]\na="*"\n', ("--group", "x")),
        ("invoke.yaml", f'build:\n  "{BELL}":\n    x: y\n', ()),
    ],
)
def test_control_characters_do_not_reach_the_terminal(
    tmp_path: Path, name: str, text: str, words: tuple[str, ...]
) -> None:
    done = import_text(tmp_path, name, text, *words)
    shown = (done.out + done.err).replace("\n", "")
    assert shown
    assert shown.isprintable()
