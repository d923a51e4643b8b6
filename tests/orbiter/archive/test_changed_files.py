"""Changed files in archives and in the store are found, and repaired where that is possible."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orbiter.archive import keep as archive_keep
from orbiter.lockset import folder as lockset_folder
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from tests.support.archives import (
    AMD64,
    BASE,
    FILES,
    QUIET,
    archive,
    contents,
    digest_of,
    locked,
    run_orbiter,
)
from tests.support.loopback_registry import LoopbackRegistry

pytestmark = pytest.mark.usefixtures("loopback")


def flip(content: bytes) -> bytes:
    return content.replace(b"wheelwheel", b"wheelwheeL", 1)


def test_a_flipped_byte_is_refused(
    target: str, loopback: LoopbackRegistry, other_machine: Callable[[], None]
) -> None:
    release = locked()
    archive(release, target)
    digest = digest_of(FILES["pip/a-1.whl"])
    if target.startswith("oci:"):
        loopback.blobs[digest] = flip(loopback.blobs[digest])
    else:
        path = Path(target) / "blobs/sha256" / digest[7:] if Path(target).is_dir() else Path(target)
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(flip(content))
    other_machine()
    with pytest.raises(ExpectedError, match=f"pip/a-1.whl: .*{target}: expected {digest}"):
        archive_keep.fetch_release(release, (), target, QUIET)
    assert not Store().has(digest)
    assert Store().has(digest_of(b"deb"))  # the others came


def test_a_changed_file_in_an_archive_is_repaired_or_reported(tmp_path: Path) -> None:
    release = locked()
    folder, file = tmp_path / "carried", tmp_path / "carried.tar"
    for place in (folder, file):
        archive(release, str(place))
    before = contents(folder)
    blob = folder / "blobs/sha256" / digest_of(FILES["pip/a-1.whl"])[7:]
    blob.unlink()
    blob.write_bytes(b"half of it")
    assert "1 files added (0.0 MB), 5 already present" in archive(release, str(folder))
    assert contents(folder) == before
    file.write_bytes(flip(file.read_bytes()))
    broken = file.read_bytes()
    with pytest.raises(ExpectedError, match="expected sha256:"):
        archive(locked({"pip/d-1.whl": b"more"}, "0.2.0"), str(file))
    assert file.read_bytes() == broken


def test_the_next_run_completes_the_archive_of_a_killed_run(tmp_path: Path) -> None:
    left = tmp_path / "carried" / ".orbiter-new-left"
    left.mkdir(parents=True)
    (left / "half").write_text("half")
    assert "6 files added" in archive(locked(), str(tmp_path / "carried"))
    assert not left.exists()


def test_verify_finds_the_bytes_that_a_fetch_overlooks(tmp_path: Path) -> None:
    release = locked()
    lockset_folder.write(release, tmp_path / "locks" / "0.1.0")
    assert run_orbiter(tmp_path, "archive", "kept.tar").returncode == 0
    layer = digest_of(b"layer" * 1000)
    wheel = digest_of(FILES["pip/a-1.whl"])
    for digest in (layer, wheel):
        path = Store().path(digest)
        content = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(content.replace(b"e", b"E", 1))
    overlooked = run_orbiter(tmp_path, "fetch", "--from", "kept.tar")
    assert overlooked.stdout == "0 files fetched (0 MB), 6 already present\n"

    found = run_orbiter(tmp_path, "fetch", "--verify", "--from", "kept.tar")
    assert found.returncode == 1
    lines = found.stdout.splitlines()
    assert [line.partition(" was changed in the store")[0] for line in lines[:2]] == [
        f"image/{layer[7:]}",
        "pip/a-1.whl",
    ]
    assert lines[2:] == [
        "4 files in the store are intact, 2 are not",
        "2 files fetched (0 MB), 4 already present",
    ]
    fine = run_orbiter(tmp_path, "fetch", "--verify", "--from", "kept.tar")
    assert (fine.returncode, fine.stdout.splitlines()[0]) == (
        0,
        "6 files in the store are intact, 0 are not",
    )


def test_verify_reports_a_changed_manifest_of_a_base_image(tmp_path: Path) -> None:
    release = locked()
    lockset_folder.write(release, tmp_path / "locks" / "0.1.0")
    assert run_orbiter(tmp_path, "archive", "kept").returncode == 0
    manifest = Store().path(release.manifest.bases[BASE][AMD64])
    content = manifest.read_bytes()
    manifest.unlink()  # the archive has a hard link to it
    manifest.write_bytes(content.replace(b"2", b"3", 1))
    found = run_orbiter(tmp_path, "fetch", "--verify", "--from", "kept")
    assert (found.returncode, "the manifest of debian" in found.stdout) == (1, True)
    assert run_orbiter(tmp_path, "fetch", "--verify", "--from", "kept").returncode == 0
