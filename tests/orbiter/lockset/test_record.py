"""The record of a release is read back, checked byte for byte, and freezes its lock set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orbiter.config import read, snapshot
from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.lockset import check, folder, model
from orbiter.lockset import record as lockset_record
from orbiter.lockset.model import LockSet, LockSetError, Manifest
from orbiter.lockset.record import (
    Digests,
    RecordedBuilder,
    RecordedImage,
    RecordedLayer,
    ReleaseRecord,
)
from orbiter.render.derived import plan_of
from orbiter.render.dockerfile import render
from orbiter.render.version import template_version
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
DIFF_ID = "sha256:" + "0123456789abcdef" * 4
LIST = lockset_record.layer_list_name(DIFF_ID)


def locked(tmp_path: Path) -> LockSet:
    (tmp_path / "images.toml").write_text(IMAGES)
    bases = {"debian:trixie-slim": {"linux/amd64": "sha256:" + "a" * 64}}
    manifest = Manifest(
        release="0.1.0",
        cutoff="2026-11-01T00:00:00Z",
        source_date_epoch=1793491200,
        bases=bases,
        templates=template_version(),
    )
    files = {"images.toml": snapshot.dump(image_set(tmp_path))}
    rendered = render(plan_of(model.seal(manifest, files)))
    return model.seal(manifest, files | {f"build/{name}": text for name, text in rendered.items()})


def image_set(tmp_path: Path) -> ImageSet:
    return read.read_image_set(tmp_path / "images.toml")


def record(root: str, text: str = "012345\n") -> ReleaseRecord:
    layer = RecordedLayer(diff_id=DIFF_ID, digest="sha256:" + "1" * 64, size=7)
    image = RecordedImage(digest="sha256:" + "2" * 64, config="sha256:" + "3" * 64, layers=(layer,))
    digests = Digests(
        release="0.1.0",
        lockset=root,
        builder=RecordedBuilder(engine="26.1.5", compression="zstandard 0.25.0, level 12"),
        stages={"debian-core": {"linux/amd64": image}},
        lists={LIST: model.digest(text)},
    )
    return ReleaseRecord(digests=digests, lists={LIST: text})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a released lock set in the working folder of a project."""
    path = tmp_path / "locks" / "0.1.0"
    folder.write(locked(tmp_path), path)
    lockset_record.write(record(folder.read(path).root), path)
    return path


def orbiter(path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command,
        cwd=path.parents[1],
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_record_is_read_back(path: Path) -> None:
    root = folder.read(path).root
    assert lockset_record.read(path, folder.read(path)) == record(root)
    assert record(root).entries(DIFF_ID) == ["012345"]
    assert record(root).entries("sha256:" + "f" * 64) is None
    assert (path / "digests.toml").read_text() == lockset_record.digests_text(record(root).digests)


@given(st.lists(st.from_regex(r"[0-9a-f]{6}", fullmatch=True)))
def test_any_layer_list_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    tmp_path = tmp_path_factory.mktemp("any")
    path = tmp_path / "0.1.0"
    text = "".join(f"{line}\n" for line in lines)
    folder.write(locked(tmp_path), path)
    root = folder.read(path).root
    lockset_record.write(record(root, text), path)
    assert lockset_record.read(path, folder.read(path)).entries(DIFF_ID) == lines


def test_only_images_that_users_pull_are_recorded() -> None:
    described = ImageSet(
        version="0.1.0",
        repository="a/b",
        platforms=("linux/amd64", "linux/arm64"),
        builders={"debian": Builder(name="debian", suite="trixie")},
        stages=(
            Stage(name="debian", builder="debian", image="", kind="base"),
            Stage(name="debian-core", builder="debian", image="core", kind="final"),
            Stage(name="debian-core-build", builder="debian", image="core", kind="build"),
        ),
    )
    manifest = Manifest(release="0.1.0", cutoff="", source_date_epoch=1)
    files = {"images.toml": snapshot.dump(described)}
    complete = model.seal(manifest, {**files, lockset_record.BAKE_FILE: ""})
    stages = {"debian-core": ("linux/amd64", "linux/arm64")}
    assert lockset_record.image_stages(complete) == stages
    assert lockset_record.image_stages(model.seal(manifest, files)) == {}


def test_the_root_digest_does_not_include_the_record(path: Path, tmp_path: Path) -> None:
    assert folder.read(path) == locked(tmp_path)
    assert check.read_fresh(image_set(tmp_path), path.parent) == locked(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("digests.toml", "format = ", "digests.toml: "),
        ("digests.toml", "format = 2\n", "format 2 is newer"),
        ("digests.toml", 'format = 1\nrelease = "0.1.0"\n', "missing required field"),
        ("digests.toml", b"\xff", "digests.toml: "),
        (f"layers/{LIST}", "012346\n", "digests.toml lists sha256:"),
        (f"layers/{LIST}", None, "missing"),
        ("layers/0000000000000000.txt", "", "not listed in digests.toml"),
    ],
)
def test_a_damaged_record_is_rejected(
    path: Path, tmp_path: Path, name: str, content: str | bytes | None, message: str
) -> None:
    if content is None:
        (path / name).unlink()
    else:
        (path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(LockSetError) as caught:
        lockset_record.read(path, folder.read(path))
    assert message in caught.value.message
    with pytest.raises(LockSetError):
        check.read_fresh(image_set(tmp_path), path.parent)
    done = orbiter(path, "build", "--verify")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("damaged", ["no digits\n", "01234567\n", "012345678\n"])
def test_a_damaged_list_is_rejected_even_if_its_hash_matches(path: Path, damaged: str) -> None:
    root = folder.read(path).root
    for name, text in record(root, damaged).files().items():
        (path / name).write_text(text)
    with pytest.raises(LockSetError, match="expected lines of six hex digits"):
        lockset_record.read(path, folder.read(path))


def test_a_list_outside_the_lock_set_is_rejected(path: Path) -> None:
    root = folder.read(path).root
    digests = record(root).digests
    outside = replace(digests, lists={"../../../secret.txt": digests.lists[LIST]})
    (path / "digests.toml").write_text(lockset_record.digests_text(outside))
    with pytest.raises(LockSetError, match="is not the name of a layer list"):
        lockset_record.read(path, folder.read(path))


def test_a_record_of_another_lock_set_is_rejected(path: Path) -> None:
    with pytest.raises(LockSetError, match="belongs to another lock set"):
        lockset_record.read(path, replace(folder.read(path), root="sha256:" + "0" * 64))


def test_the_error_for_a_missing_record_names_the_command(path: Path) -> None:
    (path / "digests.toml").unlink()
    (path / "layers" / LIST).unlink()
    with pytest.raises(LockSetError, match="was not released") as caught:
        lockset_record.read(path, folder.read(path))
    assert "orbiter release" in caught.value.hint
    assert orbiter(path, "build", "--verify").returncode == 2


@pytest.mark.parametrize(
    "name", ["layers/other.txt", "layers/0123456789abcdef", "digests.txt", "layers.txt"]
)
def test_other_files_are_unknown(path: Path, name: str) -> None:
    (path / name).write_text("")
    with pytest.raises(LockSetError, match=r"not listed in lockset\.toml"):
        folder.read(path)


def test_layer_lists_without_a_record_are_rejected(path: Path) -> None:
    (path / "digests.toml").unlink()
    done = orbiter(path, "lock", "--check")
    assert done.returncode == 2
    assert f"locks/0.1.0/digests.toml: missing, although layers/{LIST} exists" in done.stderr
    assert "hint: restore it from git" in done.stderr


@pytest.mark.parametrize(
    ("recorded", "message"),
    [
        ({}, "the image of debian-core for linux/amd64 is missing"),
        ({"debian-core": ("linux/arm64",)}, "the image of debian-core for linux/amd64 is missing"),
        (
            {"debian-core": ("linux/amd64", "linux/arm64")},
            "the lock set does not build the image of debian-core for linux/arm64",
        ),
        (
            {"debian-core": ("linux/amd64",), "debian-base": ("linux/amd64",)},
            "the lock set does not build the image of debian-base for linux/amd64",
        ),
    ],
)
def test_a_record_of_other_images_is_rejected_before_the_build(
    path: Path, recorded: dict[str, tuple[str, ...]], message: str
) -> None:
    digests = lockset_record.read(path, folder.read(path)).digests
    image = digests.stages["debian-core"]["linux/amd64"]
    stages = {stage: dict.fromkeys(platforms, image) for stage, platforms in recorded.items()}
    (path / "digests.toml").write_text(lockset_record.digests_text(replace(digests, stages=stages)))
    for words in (("lock", "--check"), ("build", "--verify")):
        done = orbiter(path, *words)
        assert done.returncode == 2
        assert f"locks/0.1.0/digests.toml: {message}" in done.stderr


def test_a_released_lock_set_is_never_written_again(path: Path, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    same = locked(tmp_path)
    assert not folder.write(same, path)
    with pytest.raises(LockSetError, match="was released") as caught:
        folder.write(model.seal(same.manifest, {**same.files, "debian/apt.lock": ""}), path)
    assert "orbiter bump patch|minor|major|auto" in caught.value.hint
    with pytest.raises(LockSetError, match="was released"):
        lockset_record.write(record(same.root), path)
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_a_lock_set_that_changed_during_the_build_is_not_released(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(locked(tmp_path), path)
    with pytest.raises(ExpectedError, match="was locked again"):
        lockset_record.write(record("sha256:" + "0" * 64), path)
    assert not folder.is_released(path)


def test_lock_rejects_a_released_lock_set_before_it_resolves(path: Path) -> None:
    done = orbiter(path, "lock", "--upgrade")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: locks/0.1.0 was released and cannot change, because it has locks/0.1.0/digests"
    )
    assert (
        "hint: start the next release: orbiter bump patch|minor|major|auto, then orbiter lock"
        in done.stderr
    )
    done = orbiter(path, "release")
    assert (done.returncode, "was released" in done.stderr) == (2, True)


def test_a_stale_released_lock_set_asks_for_the_next_release(path: Path, tmp_path: Path) -> None:
    assert orbiter(path, "lock", "--check").returncode == 0
    (tmp_path / "images.toml").write_text(IMAGES.replace('["true"]', '["false"]'))
    done = orbiter(path, "lock", "--check")
    assert done.returncode == 1
    assert "hint: start the next release: orbiter bump" in done.stderr


def test_a_stale_lock_set_is_not_released(path: Path, tmp_path: Path) -> None:
    for name in record("sha256:" + "0" * 64).files():
        (path / name).unlink()
    (tmp_path / "images.toml").write_text(IMAGES.replace('["true"]', '["false"]'))
    done = orbiter(path, "release")
    assert done.returncode == 2
    assert "is stale:\n  images.toml: image.debian.core" in done.stderr
    assert "hint: run orbiter lock" in done.stderr


def test_a_released_lock_set_is_compared_like_any_other(path: Path) -> None:
    done = orbiter(path, "diff-locks", "0.1.0", "0.1.0")
    assert (done.returncode, done.stderr) == (0, "")
