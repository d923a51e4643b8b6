"""Lock sets on disk are read back as written, and every changed byte is detected."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orbiter.lockset import exchange, folder, model, versions
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


def test_a_lock_set_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    assert folder.write(sealed(), path)
    assert folder.read(path) == sealed()
    assert (path / "lockset.toml").read_text().startswith(f'root = "{sealed().root}"\n')


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?\.txt", fullmatch=True), st.text(), max_size=4
    )
)
def test_any_files_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]
) -> None:
    content = {name: text.replace("\r", "") for name, text in files.items()}
    path = tmp_path_factory.mktemp("any") / "0.1.0"
    folder.write(sealed(content), path)
    assert folder.read(path).files == content


def test_writing_the_same_lock_set_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    before = {file: file.stat().st_ino for file in path.rglob("*")}
    assert not folder.write(sealed(), path)
    assert {file: file.stat().st_ino for file in path.rglob("*")} == before


@pytest.mark.parametrize("name", [*FILES, "lockset.toml"])
def test_a_flipped_byte_is_rejected(tmp_path: Path, name: str) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    content = bytearray((path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (path / name).write_bytes(content)
    with pytest.raises(LockSetError, match=name.rpartition("/")[2]):
        folder.read(path)


def test_every_byte_of_the_manifest_counts(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    good = (path / "lockset.toml").read_bytes()
    for index in range(len(good)):
        (path / "lockset.toml").write_bytes(
            good[:index] + bytes([good[index] ^ 1]) + good[index + 1 :]
        )
        with pytest.raises(LockSetError):
            folder.read(path)


def test_a_missing_and_an_unknown_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    (path / "build/debian-core/extra.sh").write_text("")
    with pytest.raises(LockSetError, match=r"extra\.sh: not listed in lockset\.toml"):
        folder.read(path)
    (path / "build/debian-core/extra.sh").unlink()
    (path / "debian/apt.lock").unlink()
    with pytest.raises(LockSetError, match=r"apt\.lock: listed in lockset\.toml, but missing"):
        folder.read(path)


def test_a_newer_format_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    text = (path / "lockset.toml").read_text().replace("format = 1", "format = 2")
    (path / "lockset.toml").write_text(text)
    with pytest.raises(LockSetError, match="format 2 is newer"):
        folder.read(path)


def test_newer_rules_of_assembly_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    manifest = replace(sealed().manifest, assembly=model.ASSEMBLY)
    folder.write(model.seal(manifest, FILES), path)
    assert folder.read(path).manifest.assembly == 1
    newer = model.seal(replace(manifest, assembly=2), FILES)
    folder.write(newer, tmp_path / "newer")
    with pytest.raises(LockSetError) as caught:
        folder.read(tmp_path / "newer")
    assert caught.value.message == (
        f"{tmp_path}/newer/lockset.toml: assembly 2 is newer than the supported assembly 1"
    )
    assert caught.value.hint == "install a newer Orbiter"


def test_a_lock_set_without_rules_of_assembly_keeps_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    before = (path / "lockset.toml").read_bytes()
    assert b"assembly" not in before
    older = folder.read(path)
    assert older.manifest.assembly == 0
    folder.freeze(older, path, {"digests.toml": ""})
    assert (path / "lockset.toml").read_bytes() == before
    assert folder.read(path) == older


def _rewrite_forever(path: Path) -> None:
    for count in range(10_000):
        folder.write(sealed({**FILES, "images.toml": f"# {count}\n"}), path)


def test_a_killed_writer_leaves_a_complete_lock_set(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed(), path)
    for attempt in range(8):
        child = multiprocessing.get_context("fork").Process(target=_rewrite_forever, args=(path,))
        child.start()
        time.sleep(0.05 + 0.013 * attempt)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        exchange.recover(tmp_path)
        folder.read(folder.release_folder("0.1.0", tmp_path))
    assert folder.write(sealed({"a.txt": "next run\n"}), path)
    assert folder.read(path).files == {"a.txt": "next run\n"}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0.1.0"]


def test_a_new_release_starts_from_the_newest_older_one(tmp_path: Path) -> None:
    for release in ("0.1.0", "0.10.0", "0.9.0", "2.0.0"):
        folder.write(sealed(release=release), tmp_path / release)
    assert folder.releases(tmp_path) == ("0.1.0", "0.9.0", "0.10.0", "2.0.0")
    previous = folder.previous("0.11.0", tmp_path)
    assert previous is not None
    assert previous.manifest.release == "0.10.0"
    assert folder.previous("0.0.1", tmp_path) is None


def test_releases_are_sorted_as_semantic_versions() -> None:
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
    with pytest.raises(ExpectedError, match="is not a release"):
        versions.precedence("1.0")


def test_a_path_outside_the_lock_set_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "0.1.0"
    folder.write(sealed({"../outside.txt": "text\n"}), path)
    with pytest.raises(LockSetError, match="is outside the lock set"):
        folder.read(path)


def test_errors_of_the_manifest_name_the_line_in_the_file(tmp_path: Path) -> None:
    (tmp_path / model.MANIFEST).write_text('root = "a"\nformat = 1\nx y\n')
    with pytest.raises(LockSetError, match="at line 3, column 3"):
        folder.read(tmp_path)
