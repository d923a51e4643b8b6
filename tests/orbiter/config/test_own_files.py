"""Own files in images.toml: found, hashed, and every mistake with its line."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from orbiter.config import own_files
from orbiter.config.changes import changed_keys
from orbiter.config.image_set import ImageSet, OwnFile
from orbiter.config.mistakes import ConfigError
from orbiter.config.own_files import SMALL, SMALL_TOTAL
from orbiter.config.read import read_image_set
from orbiter.config.snapshot import dump, load
from resolvers.errors import ExpectedError

HEAD = """version = "0.1.0"
repository = "orbiter-test/files"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
[image.debian.core.files]
"""
LINE = HEAD.count("\n") + 1


def read(place: Path, entries: str) -> ImageSet:
    (place / "images.toml").write_text(HEAD + entries, encoding="utf-8")
    return read_image_set(place / "images.toml")


def files(image_set: ImageSet) -> tuple[OwnFile, ...]:
    (stage,) = image_set.stages
    return stage.files or ()


def test_files_and_folders_are_found(tmp_path: Path) -> None:
    (tmp_path / "start.d/sub").mkdir(parents=True)
    (tmp_path / "start.d/run").write_bytes(b"\r\n")
    (tmp_path / "start.d/run").chmod(0o700)
    (tmp_path / "start.d/sub/x").write_bytes(b"\xff")
    (tmp_path / "start.d/sub/x").chmod(0o600)
    (tmp_path / "link").symlink_to("start.d/sub/x")
    found = read(
        tmp_path,
        '"start.d/" = "/a/"\nlink = { to = "/b/other", mode = "600" }\n"start.d/run" = "/"\n',
    )
    assert [(file.source, file.target, file.mode, file.size) for file in files(found)] == [
        ("start.d/run", "/a/run", "0755", 2),
        ("start.d/sub/x", "/a/sub/x", "0644", 1),
        ("link", "/b/other", "0600", 1),
        ("start.d/run", "/run", "0755", 2),
    ]
    assert load(dump(found)) == found


def test_a_stage_without_files_has_no_new_key(tmp_path: Path) -> None:
    assert "files" not in dump(read(tmp_path, "")).replace("orbiter-test/files", "")


def make_empty_folder(place: Path) -> None:
    (place / "folder").mkdir()


def make_link_to_folder(place: Path) -> None:
    (place / "folder").mkdir()
    (place / "folder/link").symlink_to(place)


def make_strange_name(place: Path) -> None:
    (place / "folder").mkdir()
    (place / "folder/a\nb").write_text("text")


def make_pipe(place: Path) -> None:
    (place / "folder").mkdir()
    os.mkfifo(place / "folder/pipe")


def make_git(place: Path) -> None:
    (place / ".git").mkdir()
    (place / ".git/config").write_text("text")


def nothing(_place: Path) -> None:
    return


MISTAKES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "missing": (nothing, 'x = "/a/"', "'x' does not exist"),
    "absolute": (nothing, '"/etc/hosts" = "/a/"', "'/etc/hosts' is an absolute path"),
    "outside": (nothing, '"../x" = "/a/"', "'../x' contains .."),
    "itself": (nothing, '"./" = "/a/"', "is the folder of images.toml itself"),
    "empty name": (nothing, '"" = "/a/"', "is the folder of images.toml itself"),
    "link that leaves": (
        lambda place: (place / "x").symlink_to("/etc/hostname"),
        'x = "/a/"',
        "'x' is a symbolic link that leaves",
    ),
    "git": (make_git, '".git/config" = "/a/"', "belongs to git"),
    "empty folder": (make_empty_folder, '"folder/" = "/a/"', "is an empty folder"),
    "folder without slash": (make_pipe, 'folder = "/a"', "its target /a does not end with /"),
    "pipe": (make_pipe, 'folder = "/a/"', "'folder/pipe' is not a regular file"),
    "link to a folder": (make_link_to_folder, 'folder = "/a/"', "is a symbolic link to a folder"),
    "strange name": (make_strange_name, 'folder = "/a/"', r"'folder/a\nb' has a line break"),
    "file as folder": (nothing, '"text/" = "/a/"', "'text/' is a file, not a folder"),
    "relative target": (nothing, 'text = "a"', "expected an absolute path"),
    "target with ..": (nothing, 'text = "/a/../b"', "expected an absolute path"),
    "line break": (nothing, 'text = "/a\\nRUN x"', "contains a line break"),
    "blank at the end": (nothing, 'text = "/a "', "ends with a blank"),
    "mounted folder": (nothing, 'text = "/tmp/"', "because /tmp is mounted"),
    "mounted file": (nothing, 'text = "/etc/hosts"', "because Docker mounts it"),
    "mode": (nothing, 'text = { to = "/a", mode = "4755" }', "three octal digits"),
    "no target": (nothing, 'text = { mode = "644" }', "is missing"),
    "unknown key": (nothing, 'text = { to = "/a", owner = "x" }', "unknown key"),
    "number": (nothing, "text = 1", "is a whole number"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_its_line_and_a_remedy(tmp_path: Path, name: str) -> None:
    make, entry, problem = MISTAKES[name]
    (tmp_path / "text").write_text("text")
    make(tmp_path)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, entry + "\n")
    assert problem in caught.value.message
    (mistake,) = caught.value.mistakes
    assert mistake.line == LINE
    assert mistake.hint


@pytest.mark.parametrize(
    ("second", "problem"),
    [("/a", "/a is also the target of one"), ("/a/b", "/a is the target of one, so /a/b")],
)
def test_targets_exclude_each_other(tmp_path: Path, second: str, problem: str) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f'one = "/a"\ntwo = "{second}"\n')
    assert problem in caught.value.message


def test_large_files_and_those_above_the_sum_are_stored(tmp_path: Path) -> None:
    count = SMALL_TOTAL // SMALL
    for number in range(count + 1):
        (tmp_path / f"f{number:02}").write_bytes(bytes([number]) * SMALL)
    (tmp_path / "large").write_bytes(b"x" * (SMALL + 1))
    (tmp_path / "small").write_bytes(b"x")
    names = [f"f{number:02}" for number in range(count + 1)] + ["large", "small"]
    found = files(read(tmp_path, "".join(f'{name} = "/a/"\n' for name in names)))
    assert sum(file.size for file in found if not file.stored) <= SMALL_TOTAL
    stored = {file.source for file in found if file.stored}
    assert "large" in stored
    assert "small" not in stored
    assert len(stored) == 3


def test_changes_name_the_file(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)
    before = read(tmp_path, 'one = "/a/"\ntwo = "/a/"\n')
    (tmp_path / "one").write_text("other")
    after = read(tmp_path, 'one = "/a/"\ntwo = { to = "/a/", mode = "0600" }\nthree = "/b"\n')
    assert changed_keys(before, after) == (
        "image.debian.core.files: /b added",
        "image.debian.core.files: content of one changed",
        "image.debian.core.files: mode of /a/two: 0644 -> 0600",
    )
    assert "image.debian.core.files: /b removed" in changed_keys(after, before)


@pytest.mark.parametrize(
    "edit",
    [
        {"target": "/a\nRUN x"},
        {"target": "relative"},
        {"target": "/a/../b"},
        {"target": "/a "},
        {"mode": "4755"},
        {"mode": "755; x"},
        {"sha256": "../../" + "0" * 58},
        {"sha256": "0" * 64 + "\n"},
        {"size": -1},
    ],
    ids=str,
)
def test_a_hostile_snapshot_is_rejected(tmp_path: Path, edit: dict[str, object]) -> None:
    (tmp_path / "one").write_text("one")
    image_set = read(tmp_path, 'one = "/a"\n')
    table = msgspec.to_builtins(image_set)
    assert load(msgspec.toml.encode(table, order="sorted").decode()) == image_set
    (stage,) = table["stages"]
    (file,) = stage["files"]
    table = {**table, "stages": [{**stage, "files": [{**file, **edit}]}]}
    with pytest.raises(ExpectedError, match="cannot be read"):
        load(msgspec.toml.encode(table, order="sorted").decode())


def test_targets_below_a_reserved_name_are_checked_by_folder(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("one")
    assert files(read(tmp_path, 'one = "/tmpfile"\n'))[0].target == "/tmpfile"
    assert "/tmp" in own_files.RESERVED
