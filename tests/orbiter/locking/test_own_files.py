"""Own files from images.toml to the lock set: stale, edited, hostile, compared, fetched."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from orbiter.build import inputs
from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.diff.compare import diff
from orbiter.diff.types import Diff
from orbiter.fetch.fill import artifacts
from orbiter.fetch.sources import FetchSettings, MissingUpstreamError, UpstreamLocator
from orbiter.lockfiles.lock_set import as_lock
from orbiter.locking.environment import LocalEnvironment
from orbiter.locking.lock import lock
from orbiter.locking.work import LockOptions
from orbiter.lockset import check, folder
from orbiter.lockset.model import LockSet, LockSetError
from orbiter.render.derived import derive, underivable
from orbiter.report import json as json_report
from orbiter.report import markdown
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from tests.support.lock_sets import PROJECT, changed, small

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FILES = """
[image.debian.core.files]
"start.sh" = "/usr/local/bin/"
"config/" = "/opt/env/etc/"
"large.bin" = "/opt/large.bin"
"""
LARGE = b"large" * 20_000


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "config").mkdir()
    (tmp_path / "start.sh").write_bytes(b"#!/bin/sh\necho 1\necho 2\r\n")
    (tmp_path / "config/binary").write_bytes(b"\0\xff\xfe")
    (tmp_path / "large.bin").write_bytes(LARGE)
    (tmp_path / "images.toml").write_text((PROJECT / "images.toml").read_text() + FILES)
    return tmp_path


def image_set_of(place: Path) -> ImageSet:
    return read_image_set(place / "images.toml")


def locked(place: Path, previous: LockSet | None = None) -> LockSet:
    return lock(
        image_set_of(place),
        previous or small(),
        LockOptions(now=NOW),
        LocalEnvironment(place),
        lambda _title: lambda _line: None,
    )


def own(content: bytes) -> str:
    return f"files/{hashlib.sha256(content).hexdigest()}"


def compared(old: LockSet, new: LockSet) -> Diff:
    return diff(as_lock(old, "old"), as_lock(new, "new"))


def lines(result: Diff) -> Mapping[str, tuple[str, ...]]:
    return {file.path: file.lines for file in result.files if ":" in file.path}


def test_a_lock_set_keeps_small_files_and_stores_large_ones(place: Path) -> None:
    lock_set = locked(place)
    kept = {path for path in lock_set.files if path.startswith("files/")}
    assert kept == {own(b"\0\xff\xfe"), own(b"#!/bin/sh\necho 1\necho 2\r\n")}
    assert underivable(lock_set) == ()
    assert locked(place, lock_set) is lock_set

    folder.write(lock_set, place / "locks/0.1.0")
    assert (place / "locks/0.1.0" / own(b"\0\xff\xfe")).read_bytes() == b"\0\xff\xfe"
    assert folder.read(place / "locks/0.1.0") == lock_set
    assert check.read_fresh(image_set_of(place), place / "locks") == lock_set

    (large,) = [file for file in artifacts(lock_set, ()) if file.source.startswith("file:")]
    assert (large.source, large.size) == ("file:large.bin", len(LARGE))
    assert Store().path(large.hash).read_bytes() == LARGE
    with pytest.raises(MissingUpstreamError, match=r"'large\.bin' is an own file"):
        list(UpstreamLocator(FetchSettings()).locate(large))


def test_a_changed_or_added_file_makes_the_lock_set_stale(place: Path) -> None:
    folder.write(locked(place), place / "locks/0.1.0")
    (place / "start.sh").write_bytes(b"#!/bin/sh\necho 1\necho 2\n")
    (place / "config/new").write_bytes(b"new")
    (place / "large.bin").unlink()
    (place / "large.bin").write_bytes(LARGE + b"x")
    with pytest.raises(ExpectedError) as caught:
        check.read_fresh(image_set_of(place), place / "locks")
    assert caught.value.message.splitlines()[1:] == [
        "  images.toml: image.debian.core.files: /opt/env/etc/new added",
        "  images.toml: image.debian.core.files: content of large.bin changed",
        "  images.toml: image.debian.core.files: content of start.sh changed",
    ]


def test_the_cutoff_and_the_pins_stay(place: Path) -> None:
    first = locked(place)
    (place / "start.sh").write_bytes(b"other\n")
    second = locked(place, first)
    assert second.manifest.cutoff == first.manifest.cutoff
    assert second.files["debian/poetry.lock"] == first.files["debian/poetry.lock"]
    assert own(b"#!/bin/sh\necho 1\necho 2\r\n") not in second.files


def test_a_diff_shows_lines_of_text_and_hashes_of_other_files(place: Path) -> None:
    first = locked(place)
    (place / "start.sh").write_bytes(b"#!/bin/sh\necho 1\necho 3\n")
    (place / "start.sh").chmod(0o755)
    (place / "config/binary").write_bytes(b"\0")
    (place / "large.bin").write_bytes(b"short\n")
    result = compared(first, locked(place, first))
    found = lines(result)
    assert found["debian-core:/usr/local/bin/start.sh"] == (
        "mode 0644 -> 0755",
        "@@ -2,2 +2,2 @@",
        " echo 1",
        "-echo 2",
        "+echo 3",
    )
    before, after = found["debian-core:/opt/env/etc/binary"][1:]
    assert before.startswith("-3 bytes, sha256:")
    assert after.startswith("+1 bytes, sha256:")
    assert found["debian-core:/opt/large.bin"][1].startswith("-100,000 bytes, sha256:")
    paths = [file["path"] for file in json.decode(json_report.render(result))["files"]]
    assert "debian-core:/usr/local/bin/start.sh" in paths
    assert "+echo 3" in markdown.render(result)
    assert lines(compared(first, first)) == {}


def test_added_files_are_shown(place: Path) -> None:
    found = {file.path: file for file in compared(small(), locked(place)).files}
    assert found["debian-core:/usr/local/bin/start.sh"].kind == "added"
    assert "+echo 1" in found["debian-core:/usr/local/bin/start.sh"].lines


def test_content_that_images_toml_does_not_list_is_refused(place: Path) -> None:
    lock_set = locked(place)
    path = own(b"\0\xff\xfe")
    variants = {
        "it is not the content of 'config/binary'": changed(lock_set, {path: "other"}),
        "it is missing: the content of 'config/binary'": changed(lock_set, {path: None}),
        "Orbiter writes no such file": changed(lock_set, {own(b"x"): "x"}),
        "the lock files give no such file": changed(
            lock_set, {f"build/debian-core/{path}": "other"}
        ),
        "it differs from what the lock files give": changed(
            lock_set, {"build/debian-core/files.txt": "0644 0:0 /etc/shadow /opt/x\n"}
        ),
    }
    for problem, hostile in variants.items():
        with pytest.raises(LockSetError, match=problem):
            derive(hostile)
    older = replace(lock_set.manifest, templates="")
    with pytest.raises(LockSetError, match="is not the content"):
        derive(changed(LockSet(manifest=older, files=lock_set.files, root=""), {path: "other"}))


def test_an_edited_or_linked_file_of_a_lock_set_is_refused(place: Path) -> None:
    lock_set = locked(place)
    release = place / "locks/0.1.0"
    path = release / own(b"\0\xff\xfe")
    folder.write(lock_set, release)
    path.write_bytes(b"\0\xff\xfd")
    with pytest.raises(LockSetError, match=path.name):
        folder.read(release)
    path.unlink()
    path.symlink_to(place / "config/binary")
    with pytest.raises(LockSetError, match="is a symbolic link"):
        folder.read(release)


def test_a_lock_file_that_is_not_text_is_refused(place: Path) -> None:
    release = place / "locks/0.1.0"
    name = "debian/apt.lock"
    binary = changed(small(), {name: "\udcff"})
    folder.write(binary, release)
    with pytest.raises(LockSetError, match=f"{name}: not UTF-8"):
        folder.read(release)


def test_a_build_gets_copies_in_the_folder_of_the_stage(place: Path) -> None:
    inputs._write_own_files(locked(place), place / "build")
    written = [path for path in (place / "build").rglob("*") if path.is_file()]
    assert {path.parent for path in written} == {place / "build/debian-core/files"}
    assert all(path.stat().st_nlink == 1 for path in written)
    with pytest.raises(FileExistsError):
        inputs._write_own_files(locked(place), place / "build")
