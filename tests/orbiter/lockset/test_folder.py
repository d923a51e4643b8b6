"""Lock sets on disk: what is written is read back, and every changed byte is noticed."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.lockset import folder, model, versions
from orbiter.lockset.model import LockSet, LockSetError, Manifest
from resolvers.errors import ExpectedError

FILES = {
    "images.toml": 'version = "0.1.0"\n',
    "debian/apt.lock": "format = 1\n",
    "build/docker-bake.json": "{}\n",
    "build/debian-core/Dockerfile": "FROM scratch\n",
}


def sealed(files: dict[str, str] | None = None, release: str = "0.1.0") -> LockSet:
    manifest = Manifest(
        release=release,
        cutoff="2026-11-01T00:00:00Z",
        source_date_epoch=1793491200,
        bases={"debian:trixie-slim": {"linux/amd64": "sha256:" + "a" * 64}},
    )
    return model.seal(manifest, FILES if files is None else files)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    place = tmp_path / "0.1.0"
    assert folder.write(sealed(), place)
    assert folder.read(place) == sealed()
    assert (place / "lockset.toml").read_text().startswith(f'root = "{sealed().root}"\n')


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?\.txt", fullmatch=True), st.text(), max_size=4
    )
)
def test_any_files_survive(tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]) -> None:
    content = {path: text.replace("\r", "") for path, text in files.items()}
    place = tmp_path_factory.mktemp("any") / "0.1.0"
    folder.write(sealed(content), place)
    assert folder.read(place).files == content


def test_writing_the_same_again_touches_nothing(tmp_path: Path) -> None:
    place = tmp_path / "0.1.0"
    folder.write(sealed(), place)
    before = {path: path.stat().st_ino for path in place.rglob("*")}
    assert not folder.write(sealed(), place)
    assert {path: path.stat().st_ino for path in place.rglob("*")} == before


@pytest.mark.parametrize("path", [*FILES, "lockset.toml"])
def test_a_flipped_byte_is_refused(tmp_path: Path, path: str) -> None:
    place = tmp_path / "0.1.0"
    folder.write(sealed(), place)
    content = bytearray((place / path).read_bytes())
    content[len(content) // 2] ^= 1
    (place / path).write_bytes(content)
    with pytest.raises(LockSetError, match=path.rpartition("/")[2]):
        folder.read(place)


def test_every_byte_of_the_manifest_counts(tmp_path: Path) -> None:
    place = tmp_path / "0.1.0"
    folder.write(sealed(), place)
    good = (place / "lockset.toml").read_bytes()
    for at in range(len(good)):
        (place / "lockset.toml").write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(LockSetError):
            folder.read(place)


def test_a_missing_file_and_a_stranger_are_named(tmp_path: Path) -> None:
    place = tmp_path / "0.1.0"
    folder.write(sealed(), place)
    (place / "build/debian-core/extra.sh").write_text("")
    with pytest.raises(LockSetError, match=r"extra\.sh: not named"):
        folder.read(place)
    (place / "build/debian-core/extra.sh").unlink()
    (place / "debian/apt.lock").unlink()
    with pytest.raises(LockSetError, match=r"apt\.lock: named in lockset\.toml, but missing"):
        folder.read(place)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "0.1.0"
    folder.write(sealed(), place)
    text = (place / "lockset.toml").read_text().replace("format = 1", "format = 2")
    (place / "lockset.toml").write_text(text)
    with pytest.raises(LockSetError, match="format 2 is newer"):
        folder.read(place)


def _rewrite_for_ever(place: Path) -> None:
    for count in range(10_000):
        folder.write(sealed({**FILES, "images.toml": f"# {count}\n"}), place)


def test_killed_while_writing_leaves_a_whole_lock_set(tmp_path: Path) -> None:
    place = tmp_path / "0.1.0"
    folder.write(sealed(), place)
    for attempt in range(8):
        child = multiprocessing.get_context("fork").Process(target=_rewrite_for_ever, args=(place,))
        child.start()
        time.sleep(0.05 + 0.013 * attempt)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        folder.read(folder.release_folder("0.1.0", tmp_path))
    assert folder.write(sealed({"a.txt": "next run\n"}), place)
    assert folder.read(place).files == {"a.txt": "next run\n"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.1.0"]


def test_a_new_release_starts_from_the_newest_before_it(tmp_path: Path) -> None:
    for release in ("0.1.0", "0.10.0", "0.9.0", "2.0.0"):
        folder.write(sealed(release=release), tmp_path / release)
    assert folder.releases(tmp_path) == ("0.1.0", "0.9.0", "0.10.0", "2.0.0")
    found = folder.previous("0.11.0", tmp_path)
    assert found is not None
    assert found.manifest.release == "0.10.0"
    assert folder.previous("0.0.1", tmp_path) is None


def test_releases_are_ordered_as_semantic_versions() -> None:
    names = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ]
    shuffled = [
        "1.0.0",
        "1.0.0-beta.11",
        "1.0.0-alpha.beta",
        "1.0.0-rc.1",
        "1.0.0-alpha",
        "1.0.0-beta.2",
        "1.0.0-alpha.1",
    ]
    assert sorted(shuffled, key=versions.precedence) == names
    with pytest.raises(ExpectedError, match="is no release"):
        versions.precedence("1.0")


def test_a_path_outside_the_lock_set_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "0.1.0"
    folder.write(sealed({"../outside.txt": "text\n"}), place)
    with pytest.raises(LockSetError, match="lies outside the lock set"):
        folder.read(place)
