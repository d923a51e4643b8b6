"""Targets that cannot take an archive or have none are errors, and keep what they have."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from orbiter.archive import keep as archive_keep
from orbiter.archive import target as archive_target
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from resolvers.errors import ExpectedError
from tests.support.archives import FILES, QUIET, archive, contents, digest_of, locked, run_orbiter
from tests.support.loopback_registry import NAME, LoopbackRegistry
from tests.support.paths import INVENTED_ORBITER

pytestmark = pytest.mark.usefixtures("loopback")


def test_denied_uploads_are_reported_before_anything_is_fetched(
    loopback: LoopbackRegistry, monkeypatch: pytest.MonkeyPatch, other_machine: Callable[[], None]
) -> None:
    release, target = locked(), f"oci://{loopback.server.host}/{NAME}"
    monkeypatch.setenv("DOCKER_CONFIG", "/nowhere")
    other_machine()
    with pytest.raises(ExpectedError, match=f"{target}: .*401") as caught:
        archive(release, target)
    assert f"docker login {loopback.server.host}" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "it does not exist"),
        ("missing.tar", "it does not exist"),
        ("project", "it has no file oci-layout"),
        ("text.tar", "is not an archive"),
        ("files.tar", "it has no file oci-layout"),
        ("broken", "truncated"),
    ],
)
def test_targets_without_an_archive(tmp_path: Path, name: str, why: str) -> None:
    for folder in ("project", "broken"):
        (tmp_path / folder).mkdir()
    (tmp_path / "project" / "images.toml").write_text("")
    (tmp_path / "broken" / "oci-layout").write_text("{}")
    (tmp_path / "broken" / "index.json").write_text("{")
    (tmp_path / "text.tar").write_text("no tar")
    with tarfile.open(tmp_path / "files.tar", "w") as tar:
        tar.add(tmp_path / "text.tar", "text")
    before = contents(tmp_path)
    with pytest.raises(ExpectedError, match=f"{tmp_path / name} .*{why}"):
        archive_keep.fetch_release(locked(), (), str(tmp_path / name), QUIET)
    if not name.startswith("missing"):
        with pytest.raises(ExpectedError, match=f"{tmp_path / name} .*{why}"):
            archive(locked(), str(tmp_path / name))
    assert contents(tmp_path) == before


def test_an_artifact_of_another_type(tmp_path: Path) -> None:
    archive(locked(), str(tmp_path / "carried"))
    (digest,) = (
        each["digest"]
        for each in json.loads((tmp_path / "carried/index.json").read_text())["manifests"]
    )
    manifest = json.loads((tmp_path / "carried/blobs/sha256" / digest[7:]).read_text())
    other = json.dumps({**manifest, "artifactType": "application/x"}).encode()
    (tmp_path / "carried/blobs/sha256" / digest_of(other)[7:]).write_bytes(other)
    index = tmp_path / "carried/index.json"
    index.write_text(index.read_text().replace(digest, digest_of(other)))
    with pytest.raises(ExpectedError, match="is not an archived release"):
        archive_keep.fetch_release(locked(), (), str(tmp_path / "carried"), QUIET)


def test_other_images_of_a_layout_stay(tmp_path: Path) -> None:
    archive(locked(), str(tmp_path / "carried"))
    index = tmp_path / "carried/index.json"
    read = json.loads(index.read_text())
    strange = {"mediaType": "x", "digest": digest_of(b"x"), "size": 1, "platform": {"os": "plan9"}}
    index.write_text(json.dumps({**read, "manifests": [*read["manifests"], strange]}))
    archive(locked(release="0.2.0"), str(tmp_path / "carried"))
    assert strange in json.loads(index.read_text())["manifests"]
    assert len(json.loads(index.read_text())["manifests"]) == 3


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("carried.tar.gz", "name a file that ends in .tar"),
        ("carried.tgz", "name a file that ends in .tar"),
        ("carried.tar.gz/", "name a file that ends in .tar"),
        ("carried.zip", "name a file that ends in .tar"),
        ("CARRIED.ZIP", "name a file that ends in .tar"),
        ("oci://team", "oci://registry/repository[:tag]"),
        ("oci://a/b@sha256:" + "a" * 64, "oci://registry/repository[:tag]"),
        ("oci://127.0.0.1:5000/Up/x", "lower case"),
        ("https://example.org/a/b", "write oci://example.org/a/b"),
        ("docker://example.org/a/b", "write oci://example.org/a/b"),
        ("OCI://example.org/a/b", "write oci://example.org/a/b"),
    ],
)
def test_invalid_targets(target: str, hint: str) -> None:
    with pytest.raises(ExpectedError, match=target) as caught:
        archive_target.open_storage(target)
    assert hint in caught.value.hint
    assert "debian:" not in caught.value.hint


@pytest.mark.parametrize("words", [("fetch", "--from", ""), ("archive", "")])
def test_an_empty_target_is_an_error(tmp_path: Path, words: tuple[str, ...]) -> None:
    lockset_folder.write(locked(), tmp_path / "locks" / "0.1.0")
    command = [sys.executable, INVENTED_ORBITER, *words, "--release", "0.1.0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "the name of the archive is empty" in done.stderr
    assert "oci://registry/repository[:tag]" in done.stderr


BIG = {"pip/a-1.whl": b"wheel" * 100_000}


@pytest.mark.parametrize("target", ["disk/kept", "disk/kept.tar"])
@pytest.mark.parametrize(
    ("disk", "reason", "hint"),
    [
        ("size=64k", "No space left on device", "free some space there"),
        ("size=64k,ro", "Read-only file system", "make it writable"),
    ],
    ids=["full", "read-only"],
)
def test_a_full_or_read_only_disk_of_the_target_is_named(
    tmp_path: Path, target: str, disk: str, reason: str, hint: str
) -> None:
    lockset_folder.write(locked(BIG), tmp_path / "locks" / "0.1.0")
    done = run_orbiter(tmp_path, "archive", target, disk=disk)
    folder = Path(target) if target.endswith("kept") else Path(target).parent
    assert done.returncode == 2
    assert done.stderr == (
        f"error: cannot write to {folder}: {reason}\n\nhint: {hint}, or name another target\n"
    )


@pytest.mark.parametrize(
    ("disk", "reason"),
    [("size=64k", "No space left on device"), ("size=64k,ro", "Read-only file system")],
    ids=["full", "read-only"],
)
def test_a_full_or_read_only_disk_of_the_store_ends_the_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: str, reason: str
) -> None:
    more = {f"pip/{name}-1.whl": name.encode() * 100_000 for name in "bcd"}
    lockset_folder.write(locked(BIG | more), tmp_path / "locks" / "0.1.0")
    assert run_orbiter(tmp_path, "archive", "kept").returncode == 0
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "disk"))
    done = run_orbiter(tmp_path, "fetch", "--from", "kept", disk=disk)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: cannot write to {tmp_path}/disk/store")
    assert f": {reason}\n" in done.stderr
    assert done.stderr.count(reason) == 1
    assert done.stderr.endswith("or name another folder in ORBITER_CACHE_DIR\n")


def test_an_image_under_the_tag_is_not_replaced(loopback: LoopbackRegistry) -> None:
    image = json.dumps({"schemaVersion": 2, "config": {}, "layers": []}).encode()
    other = json.dumps({"schemaVersion": 2, "artifactType": "application/x", "layers": []}).encode()
    loopback.manifests |= {"mine": image, "0.1.0": other}
    address = f"oci://{loopback.server.host}/{NAME}"
    with pytest.raises(
        ExpectedError, match=r"is not an archive: mine in it is something else \(an image\)"
    ):
        archive(locked(), f"{address}:mine")
    with pytest.raises(ExpectedError, match=r"0\.1\.0 in it is something else \(application/x\)"):
        archive(locked(), address)
    assert loopback.manifests == {"mine": image, "0.1.0": other}


@pytest.mark.parametrize("form", ["carried", "carried.tar"])
def test_an_image_in_a_layout_is_not_replaced(tmp_path: Path, form: str) -> None:
    archive(locked(), str(tmp_path / "carried"))
    put(tmp_path / "carried", "{}", "0.2.0")
    pack(tmp_path / "carried")
    before = contents(tmp_path)
    with pytest.raises(ExpectedError, match=r"0\.2\.0 in it is something else \(an image\)"):
        archive(locked(release="0.2.0"), str(tmp_path / form))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("form", ["carried", "carried.tar"])
def test_a_release_that_another_tool_copied_is_replaced(tmp_path: Path, form: str) -> None:
    archive(locked(), str(tmp_path / "carried"))
    index = tmp_path / "carried/index.json"
    read = json.loads(index.read_text())
    for each in read["manifests"]:
        del each["artifactType"]
    index.write_text(json.dumps(read))
    pack(tmp_path / "carried")
    assert "1 files added" in archive(
        locked({**FILES, "pip/d-1.whl": b"more"}), str(tmp_path / form)
    )


def put(folder: Path, manifest: str, name: str) -> None:
    """Add a manifest to an image layout, as another tool does."""
    digest = digest_of(manifest.encode())
    (folder / "blobs/sha256" / digest[7:]).write_text(manifest)
    index = folder / "index.json"
    read = json.loads(index.read_text())
    other = {
        "digest": digest,
        "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": name},
    }
    index.write_text(json.dumps({**read, "manifests": [*read["manifests"], other]}))


def pack(folder: Path) -> None:
    with tarfile.open(folder.with_suffix(".tar"), "w") as tar:
        tar.add(folder, ".")


@pytest.mark.parametrize("form", ["new", "new/carried.tar"])
def test_a_partial_lock_set_leaves_the_target_untouched(tmp_path: Path, form: str) -> None:
    partial = model.seal(locked().manifest, {"images.toml": locked().files["images.toml"]})
    with pytest.raises(ExpectedError, match="is partial"):
        archive(partial, str(tmp_path / form))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "form", ["file/carried", "file/carried.tar", "/proc/carried", "/proc/carried.tar"]
)
def test_an_unwritable_target_is_reported_before_anything_is_fetched(
    tmp_path: Path, other_machine: Callable[[], None], form: str
) -> None:
    release, target = locked(), str(tmp_path / form)
    (tmp_path / "file").write_text("")
    other_machine()  # nothing can be fetched there
    with pytest.raises(ExpectedError, match=f"cannot write {target}: "):
        archive(release, target)
