"""Scripts of the repository in prebuild and postbuild: read, checked, locked and compared."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.config.changes import changed_keys
from orbiter.config.commands import scripts_of
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.mistakes import ConfigError
from orbiter.config.own_files import SMALL
from orbiter.config.read import read_image_set
from orbiter.config.snapshot import dump, load
from orbiter.diff.build_files import file_changes
from orbiter.lockset.model import LockSet
from orbiter.lockset.own_files import build_contents, kept_files
from orbiter.render import derived
from tests.support.lock_sets import changed, rendered, small

IMAGES = """\
version = "0.1.0"
repository = "example/notebooks"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
prebuild = [{ script = "binder/.start" }]
postbuild = [
    "true",
    { script = "NAME" },
]
"""
START = b"echo start\n"


def image_set(folder: Path, text: bytes = b"#!/bin/sh -e\ntrue\n", name: str = "post") -> ImageSet:
    (folder / "binder").mkdir(exist_ok=True)
    (folder / "binder/.start").write_bytes(START)
    (folder / "post").write_bytes(text)
    path = folder / "images.toml"
    path.write_text(IMAGES.replace("NAME", name), encoding="utf-8")
    return read_image_set(path)


def test_a_snapshot_has_the_hash_of_a_script_and_not_its_text(tmp_path: Path) -> None:
    described = image_set(tmp_path)
    (core,) = described.stages
    assert [(each.source, each.interpreter, each.size) for each in scripts_of(core)] == [
        ("binder/.start", ("sh",), len(START)),
        ("post", ("/bin/sh", "-e"), 18),
    ]
    assert "echo start" not in dump(described)
    assert load(dump(described)) == described


def test_a_changed_script_is_reported(tmp_path: Path) -> None:
    before, after = image_set(tmp_path), image_set(tmp_path, b"false\n")
    assert changed_keys(before, after) == ("image.debian.core.postbuild: content of post changed",)
    assert changed_keys(load(dump(before)), before) == ()


def test_a_script_in_place_of_another_is_added(tmp_path: Path) -> None:
    before = image_set(tmp_path)
    (tmp_path / "other").write_bytes(b"true\n")
    key = "image.debian.core.postbuild"
    assert changed_keys(before, image_set(tmp_path, name="other")) == (
        f"{key}: script other added",
        f"{key}: script post removed",
    )


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


MISTAKES: dict[str, tuple[bytes | Callable[[Path], None], str]] = {
    "binary": (b"\x7fELF\0", "'bad' is a binary file"),
    "windows": (b"#!/bin/sh\r\ntrue\r\n", "has the line end of Windows"),
    "relative": (b"#!python3\n", "does not name an interpreter by an absolute path"),
    "empty": (b"#!\n", "does not name an interpreter by an absolute path"),
    "latin": (b"#!/bin/\xe9\n", "does not name an interpreter by an absolute path"),
    "invisible": (b"#!/bin/sh \x1b\n", "does not name an interpreter by an absolute path"),
    "large": (b"x" * (SMALL + 1), "'bad' is larger than 64 KiB"),
    "folder": (folder, "'bad' is not a regular file"),
    "pipe": (os.mkfifo, "'bad' is not a regular file"),
    "link": (link, "'bad' is a symbolic link that leaves the folder"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_script_that_cannot_run_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    content, problem = MISTAKES[name]
    bad = tmp_path / "bad"
    if isinstance(content, bytes):
        bad.write_bytes(content)
    else:
        content(bad)
    with pytest.raises(ConfigError) as caught:
        image_set(tmp_path, name="bad")
    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.line) == ("image.debian.core.postbuild[1].script", 9)
    assert problem in mistake.problem
    assert mistake.hint


@pytest.mark.parametrize("name", ["missing", "../post", "/etc/passwd", "a/../post", "", "a\\nb"])
def test_a_missing_script_and_one_outside_the_repository_are_refused(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        image_set(tmp_path, name=name)
    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.line) == ("image.debian.core.postbuild[1].script", 9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"true\n", ("sh",)),
        (b"#! /usr/bin/env python3\n", ("/usr/bin/env", "python3")),
        (b"#!/usr/bin/env -S perl -w\n", ("/usr/bin/env", "-S perl -w")),
        (b"#!/bin/bash", ("/bin/bash",)),
    ],
)
def test_the_interpreter_is_read_as_linux_does(
    text: bytes, words: tuple[str, ...], tmp_path: Path
) -> None:
    (core,) = image_set(tmp_path, text).stages
    assert [each.interpreter for each in scripts_of(core) if each.source == "post"] == [words]


def locked(described: ImageSet, place: Path) -> LockSet:
    """Return the small lock set with the scripts of another image set."""
    stages = {stage.name: stage for stage in described.stages}
    core = stages["debian-core"]

    def with_commands(stage: Stage) -> Stage:
        if stage.name != core.name:
            return stage
        return replace(stage, prebuild=core.prebuild, postbuild=core.postbuild)

    kept = small()
    own = replace(kept.image_set, stages=tuple(map(with_commands, kept.image_set.stages)))
    lock_files = {path: text for path, text in kept.files.items() if not path.startswith("build/")}
    scripts = {path: (place / file.source).read_text() for path, file in kept_files(own).items()}
    return rendered(kept.manifest, {**lock_files, "images.toml": dump(own), **scripts})


def test_a_script_runs_by_its_interpreter_in_the_build(tmp_path: Path) -> None:
    script = b"#!/usr/bin/env -S perl -w\nprint 1;\n"
    lock_set = locked(image_set(tmp_path, script), tmp_path)
    assert derived.underivable(lock_set) == ()
    paths = {content: path for path, content in build_contents(lock_set)}
    text = lock_set.files["build/debian-core/Dockerfile"]
    place = paths[script].removeprefix("debian-core/")
    assert f"\n /usr/bin/env '-S perl -w' /lock/{place}\n" in text
    assert f"--mount=type=bind,source={place},target=/lock/{place} " in text
    assert "\npostbuild='script post'\n" in text
    assert f"\n sh /lock/{paths[START].removeprefix('debian-core/')}\n" in text


def test_a_changed_script_is_a_short_difference(tmp_path: Path) -> None:
    lines = [f"echo {number}\n" for number in range(50)]
    old = locked(image_set(tmp_path, "".join(lines).encode()), tmp_path)
    lines[25] = "echo changed\n"
    new = locked(image_set(tmp_path, "".join(lines).encode()), tmp_path)
    change = next(each for each in file_changes(old, new) if each.path == "debian-core:post")
    assert [line for line in change.lines if line[0] in "+-"] == ["-echo 25", "+echo changed"]
    assert len(change.lines) == 5


def test_an_edited_or_unlisted_script_of_a_lock_set_is_refused(tmp_path: Path) -> None:
    lock_set = locked(image_set(tmp_path), tmp_path)
    path = next(path for path, text in lock_set.files.items() if text == START.decode())
    for files in ({path: "rm -r /\n"}, {path: None}, {f"files/{'0' * 64}": "true\n"}):
        paths = {found.path for found in derived.underivable(changed(lock_set, files))}
        assert paths & files.keys(), files
