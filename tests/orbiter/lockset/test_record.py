"""The record of a release beside its lock set: read as written, every byte checked, and the lock set frozen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orbiter.config import read, snapshot
from orbiter.config.image_set import ImageSet
from orbiter.lockset import check, folder, model
from orbiter.lockset import record as lockset_record
from orbiter.lockset.model import LockSet, LockSetError, Manifest
from orbiter.lockset.record import Digests, Record, RecordedBuilder, RecordedImage, RecordedLayer
from resolvers.errors import ExpectedError

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
python = "3.13"
[image.debian.core]
postbuild = ["true"]
"""
BAKE = """\
{"target": {"debian-core": {"tags": ["a/b:debian-core-0.1.0"], "platforms": ["linux/amd64"]}, "seed": {}}}
"""
DIFF_ID = "sha256:" + "0123456789abcdef" * 4
LIST = lockset_record.layer_list_name(DIFF_ID)


def locked(tmp_path: Path) -> LockSet:
    (tmp_path / "images.toml").write_text(IMAGES)
    bases = {"debian:trixie-slim": {"linux/amd64": "sha256:" + "a" * 64}}
    manifest = Manifest(
        release="0.1.0", cutoff="2026-11-01T00:00:00Z", source_date_epoch=1793491200, bases=bases
    )
    return model.seal(
        manifest,
        {"images.toml": snapshot.dump(image_set(tmp_path)), "build/docker-bake.json": BAKE},
    )


def image_set(tmp_path: Path) -> ImageSet:
    return read.read_image_set(tmp_path / "images.toml")


def record(root: str, text: str = "012345678\n") -> Record:
    layer = RecordedLayer(diff_id=DIFF_ID, digest="sha256:" + "1" * 64, size=7)
    image = RecordedImage(digest="sha256:" + "2" * 64, config="sha256:" + "3" * 64, layers=(layer,))
    found = Digests(
        release="0.1.0",
        lockset=root,
        builder=RecordedBuilder(engine="26.1.5", exporter={"compression": "zstd"}),
        stages={"debian-core": {"linux/amd64": image}},
        lists={LIST: model.digest(text)},
    )
    return Record(digests=found, lists={LIST: text})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A released lock set, in the working folder of a project."""
    place = tmp_path / "locks" / "0.1.0"
    folder.write(locked(tmp_path), place)
    lockset_record.write(record(folder.read(place).root), place)
    return place


def orbiter(place: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command,
        cwd=place.parents[1],
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_written_is_read_back(place: Path) -> None:
    root = folder.read(place).root
    assert lockset_record.read(place, folder.read(place)) == record(root)
    assert record(root).entries(DIFF_ID) == ["012345678"]
    assert record(root).entries("sha256:" + "f" * 64) is None
    assert (place / "digests.toml").read_text() == lockset_record.digests_text(record(root).digests)


@given(st.lists(st.from_regex(r"[0-9a-f]{9}", fullmatch=True)))
def test_any_list_survives(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    tmp_path = tmp_path_factory.mktemp("any")
    place, text = tmp_path / "0.1.0", "".join(f"{line}\n" for line in lines)
    folder.write(locked(tmp_path), place)
    root = folder.read(place).root
    lockset_record.write(record(root, text), place)
    assert lockset_record.read(place, folder.read(place)).entries(DIFF_ID) == lines


def test_the_record_is_no_part_of_the_root_digest(place: Path, tmp_path: Path) -> None:
    assert folder.read(place) == locked(tmp_path)
    assert check.stale_reasons(image_set(tmp_path), place.parent) == ()


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("digests.toml", "format = ", "digests.toml: "),
        ("digests.toml", "format = 2\n", "format 2 is newer"),
        ("digests.toml", 'format = 1\nrelease = "0.1.0"\n', "missing required field"),
        ("digests.toml", b"\xff", "digests.toml: "),
        (f"layers/{LIST}", "012345679\n", "digests.toml names sha256:"),
        (f"layers/{LIST}", None, "missing"),
        ("layers/0000000000000000.txt", "", "not named in digests.toml"),
    ],
)
def test_what_is_garbled_is_refused(
    place: Path, tmp_path: Path, path: str, content: str | bytes | None, message: str
) -> None:
    if content is None:
        (place / path).unlink()
    else:
        (place / path).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(LockSetError) as caught:
        lockset_record.read(place, folder.read(place))
    assert message in caught.value.message
    with pytest.raises(LockSetError):
        check.stale_reasons(image_set(tmp_path), place.parent)
    done = orbiter(place, "build", "--verify")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_list_that_is_garbled_is_refused_though_its_hash_fits(place: Path) -> None:
    root = folder.read(place).root
    for path, text in record(root, "no digits\n").files().items():
        (place / path).write_text(text)
    with pytest.raises(LockSetError, match="expected lines of nine hex digits"):
        lockset_record.read(place, folder.read(place))


def test_a_list_lies_nowhere_else(place: Path) -> None:
    root = folder.read(place).root
    found = record(root).digests
    outside = replace(found, lists={"../../../secret.txt": found.lists[LIST]})
    (place / "digests.toml").write_text(lockset_record.digests_text(outside))
    with pytest.raises(LockSetError, match="is no list of a layer"):
        lockset_record.read(place, folder.read(place))


def test_a_record_of_another_lock_set_is_refused(place: Path) -> None:
    with pytest.raises(LockSetError, match="is of another lock set"):
        lockset_record.read(place, replace(folder.read(place), root="sha256:" + "0" * 64))


def test_a_release_without_a_record_says_how_to_make_one(place: Path) -> None:
    (place / "digests.toml").unlink()
    (place / "layers" / LIST).unlink()
    with pytest.raises(LockSetError, match="was not released") as caught:
        lockset_record.read(place, folder.read(place))
    assert "orbiter release" in caught.value.hint
    assert orbiter(place, "build", "--verify").returncode == 2


@pytest.mark.parametrize(
    "path", ["layers/other.txt", "layers/0123456789abcdef", "digests.txt", "layers.txt"]
)
def test_other_files_stay_strangers(place: Path, path: str) -> None:
    (place / path).write_text("")
    with pytest.raises(LockSetError, match=r"not named in lockset\.toml"):
        folder.read(place)


def test_lists_without_a_record_ask_for_the_record(place: Path) -> None:
    (place / "digests.toml").unlink()
    done = orbiter(place, "lock", "--check")
    assert done.returncode == 2
    assert (
        f"locks/0.1.0/digests.toml: missing, though its lists are there (layers/{LIST})"
        in done.stderr
    )
    assert "hint: restore it from git" in done.stderr


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({}, "names no image of debian-core for linux/amd64"),
        ({"debian-core": ("linux/arm64",)}, "names no image of debian-core for linux/amd64"),
        (
            {"debian-core": ("linux/amd64", "linux/arm64")},
            "names an image of debian-core for linux/arm64, which the lock set does not build",
        ),
        (
            {"debian-core": ("linux/amd64",), "debian-base": ("linux/amd64",)},
            "names an image of debian-base for linux/amd64, which the lock set does not build",
        ),
    ],
)
def test_a_record_of_other_images_is_refused_before_anything_is_built(
    place: Path, named: dict[str, tuple[str, ...]], message: str
) -> None:
    found = lockset_record.read(place, folder.read(place)).digests
    image = found.stages["debian-core"]["linux/amd64"]
    stages = {stage: dict.fromkeys(platforms, image) for stage, platforms in named.items()}
    (place / "digests.toml").write_text(lockset_record.digests_text(replace(found, stages=stages)))
    for words in (("lock", "--check"), ("build", "--verify")):
        done = orbiter(place, *words)
        assert done.returncode == 2
        assert f"locks/0.1.0/digests.toml: {message}" in done.stderr


def test_a_released_lock_set_is_never_written_again(place: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    same = locked(tmp_path)
    assert not folder.write(same, place)
    with pytest.raises(LockSetError, match="was released") as caught:
        folder.write(model.seal(same.manifest, {**same.files, "debian/apt.lock": ""}), place)
    assert "orbiter bump patch|minor|major|auto" in caught.value.hint
    with pytest.raises(LockSetError, match="was released"):
        lockset_record.write(record(same.root), place)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_lock_set_that_moved_while_it_was_built_is_not_released(tmp_path: Path) -> None:
    place = tmp_path / "0.1.0"
    folder.write(locked(tmp_path), place)
    with pytest.raises(ExpectedError, match="locked anew"):
        lockset_record.write(record("sha256:" + "0" * 64), place)
    assert not folder.is_released(place)


def test_lock_refuses_a_released_lock_set_before_it_solves(place: Path) -> None:
    done = orbiter(place, "lock", "--upgrade")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: locks/0.1.0 was released, and stays as it is: there is locks/0.1.0/digests"
    )
    assert (
        "hint: begin the next release: orbiter bump patch|minor|major|auto, then orbiter lock"
        in done.stderr
    )
    done = orbiter(place, "release")
    assert (done.returncode, "was released" in done.stderr) == (2, True)


def test_a_stale_released_lock_set_asks_for_the_next_release(place: Path, tmp_path: Path) -> None:
    assert orbiter(place, "lock", "--check").returncode == 0
    (tmp_path / "images.toml").write_text(IMAGES.replace('["true"]', '["false"]'))
    done = orbiter(place, "lock", "--check")
    assert done.returncode == 1
    assert "hint: begin the next release: orbiter bump" in done.stderr


def test_a_stale_lock_set_is_not_released(place: Path, tmp_path: Path) -> None:
    for path in record("sha256:" + "0" * 64).files():
        (place / path).unlink()
    (tmp_path / "images.toml").write_text(IMAGES.replace('["true"]', '["false"]'))
    done = orbiter(place, "release")
    assert done.returncode == 2
    assert "is stale:\n  images.toml: image.debian.core" in done.stderr
    assert "hint: orbiter lock" in done.stderr


def test_a_released_lock_set_is_compared_like_any_other(place: Path) -> None:
    done = orbiter(place, "diff-locks", "0.1.0", "0.1.0")
    assert (done.returncode, done.stderr) == (0, "")
