"""Archives in a folder, a tar file and a registry give back every byte that they were given."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orbiter.archive import keep as archive_keep
from orbiter.archive import target as archive_target
from orbiter.archive.configured import configured_archive
from orbiter.cli.board import Board
from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet
from orbiter.fetch import fill
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from orbiter.lockset.model import LockSet, Manifest
from orbiter.store.artifact_list import LockedFile, format_list, parse_list
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.loopback_registry import NAME, USER, LoopbackRegistry, registry
from tests.support.paths import INVENTED_ORBITER

AMD64, BASE = "linux/amd64", "debian:trixie-slim"
KINDS = ("folder", "tar", "registry")
QUIET = Board(quiet=True)
FILES = {"pip/a-1.whl": b"wheel" * 50, "npm/b-1.tgz": b"tarball", "apt/c_1_amd64.deb": b"deb"}
WHEELS = """\
sha256:b6a85871a79d2e3b22d2d1b94ac2824226a63c6b741c88f7ae975f18b6778374 5892 \
pip/iniconfig-2.0.0-py3-none-any.whl pip:iniconfig/iniconfig-2.0.0-py3-none-any.whl
sha256:69297d5da0cc9281c77efffb4e730254dd45943f45bbfb461de5991713989b1e 0 \
pip/idna-3.9-py3-none-any.whl pip:idna/idna-3.9-py3-none-any.whl
"""


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def entry_of(path: str, content: bytes) -> LockedFile:
    algorithm = "sha512" if path.startswith("npm/") else "sha256"
    return LockedFile(
        path=path, hash=digest_of(content, algorithm), size=len(content), source=f"pip:x/{path}"
    )


def store_blobs(*contents: bytes) -> list[dict[str, object]]:
    """Put blobs of an image into the store; return their descriptors."""
    for content in contents:
        Store().add(content, digest_of(content))
    return [
        {"mediaType": "x", "digest": digest_of(content), "size": len(content)}
        for content in contents
    ]


def locked_of(entries: list[LockedFile], release: str = "0.1.0") -> LockSet:
    """Return a lock set with these artifacts, on a base image that is in the store."""
    config_part, layer = store_blobs(b'{"os": "linux", "architecture": "amd64"}', b"layer" * 1000)
    manifest = json.dumps({"schemaVersion": 2, "config": config_part, "layers": [layer]}).encode()
    store_blobs(manifest)
    builders = {"debian": Builder(name="debian", base=BASE)}
    image_set = ImageSet(
        version=release, repository="a/b", platforms=(AMD64,), builders=builders, stages=()
    )
    return model.seal(
        Manifest(
            release=release,
            cutoff="2026-11-01T00:00:00Z",
            source_date_epoch=1,
            bases={BASE: {AMD64: digest_of(manifest)}},
        ),
        {
            "images.toml": snapshot.dump(image_set),
            "build/docker-bake.json": "{}",
            "build/debian-base/artifacts-linux-amd64.txt": format_list(entries),
        },
    )


def locked(files: dict[str, bytes] = FILES, release: str = "0.1.0") -> LockSet:
    """Return a lock set of these files, which are in the store."""
    entries = [entry_of(path, content) for path, content in files.items()]
    for entry in entries:
        Store().add(files[entry.path], entry.hash)
    return locked_of(entries, release)


def store_contents() -> dict[str, bytes]:
    root = Store().root
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def archive(locked: LockSet, target: str) -> str:
    return str(archive_keep.archive_release(locked, (), target, QUIET))


@pytest.fixture(autouse=True)
def loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackRegistry]:
    """Start a registry whose password is in the configuration of docker."""
    monkeypatch.setattr(http, "PAUSES", (0.0,))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    with registry() as found:
        users = {found.server.host: {"auth": base64.b64encode(":".join(USER).encode()).decode()}}
        (tmp_path / "docker" / "config.json").write_text(json.dumps({"auths": users}))
        yield found


@pytest.fixture
def other_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that switches to an empty store, without any index or mirror."""

    def switch() -> None:
        for variable in ("PIP_INDEX_URL", "ORBITER_APT_MIRROR"):
            monkeypatch.setenv(variable, "http://127.0.0.1:1")
        monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / uuid.uuid4().hex))

    return switch


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path, loopback: LoopbackRegistry) -> str:
    return {
        "folder": str(tmp_path / "places" / "carried"),
        "tar": str(tmp_path / "places" / "carried.tar"),
        "registry": f"oci://{loopback.server.host}/{NAME}",
    }[request.param]


def test_an_archive_gives_back_all_files(target: str, other_machine: Callable[[], None]) -> None:
    release = locked()
    before = store_contents()
    assert "6 files added (0.0 MB), 0 already present" in archive(release, target)
    assert "0 files added (0.0 MB), 6 already present" in archive(release, target)
    other_machine()
    assert (
        str(archive_keep.fetch_release(release, (), target, QUIET))
        == "6 files fetched (0 MB), 0 already present"
    )
    assert store_contents() == before
    assert (
        str(archive_keep.fetch_release(release, (), target, QUIET))
        == "0 files fetched (0 MB), 6 already present"
    )
    assert str(fill.fill(release, (), QUIET, configured_archive())).startswith(
        "0 files fetched"
    )  # nobody else is asked for anything


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.dictionaries(
        st.sampled_from(
            [f"{manager}/{name}" for manager in ("pip", "npm", "apt") for name in "abcd"]
        ),
        st.binary(max_size=9),
    )
)
def test_any_files_survive(
    tmp_path: Path, other_machine: Callable[[], None], files: dict[str, bytes]
) -> None:
    places = [str(tmp_path / uuid.uuid4().hex / name) for name in ("carried", "carried.tar")]
    other_machine()
    release = locked(files)
    before = store_contents()
    summaries = {archive(release, place).partition(" (")[2].partition(")")[0] for place in places}
    assert len(summaries) == 1
    for place in places:
        other_machine()
        archive_keep.fetch_release(release, (), place, QUIET)
        assert store_contents() == before


def test_all_storages_have_one_digest(tmp_path: Path, loopback: LoopbackRegistry) -> None:
    release = locked()
    for place in ("carried", "carried.tar"):
        archive(release, str(tmp_path / place))
    archive(release, f"oci://{loopback.server.host}/{NAME}")
    with tarfile.open(tmp_path / "carried.tar") as tar:
        names = tar.getnames()
        tar.extractall(tmp_path / "unpacked", filter="data")
    assert contents(tmp_path / "unpacked") == contents(tmp_path / "carried")
    manifest = loopback.manifests["0.1.0"]
    assert f"blobs/sha256/{digest_of(manifest)[7:]}" in names
    assert len(names) == len(loopback.blobs) + 3  # the manifest, and the two files of the layout
    read = json.loads(manifest)
    assert read["artifactType"] == "application/vnd.orbiter.archive.v1"
    assert read["annotations"]["org.orbiter.lockset"] == release.root
    titles = {
        layer["annotations"]["org.opencontainers.image.title"]: layer for layer in read["layers"]
    }
    assert set(FILES) < set(titles)
    assert titles["npm/b-1.tgz"]["digest"] == digest_of(b"tarball")
    assert titles["npm/b-1.tgz"]["annotations"]["org.orbiter.hash"] == digest_of(
        b"tarball", "sha512"
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_releases_share_their_files(target: str, other_machine: Callable[[], None]) -> None:
    first, second = locked(), locked({**FILES, "pip/d-1.whl": b"more"}, "0.2.0")
    archive(first, target)
    summary = archive(second, target)
    assert "release 0.2.0" in summary
    assert "1 files added (0.0 MB), 6 already present" in summary
    for release, count in ((first, 6), (second, 7)):
        other_machine()
        assert (
            str(archive_keep.fetch_release(release, (), target, QUIET))
            == f"{count} files fetched (0 MB), 0 already present"
        )


def test_a_tar_file_does_not_depend_on_the_order_of_releases(tmp_path: Path) -> None:
    first, second = locked(), locked({"pip/d-1.whl": b"more"}, "0.2.0")
    for name, releases in {"a.tar": (first, second), "b.tar": (second, first, first)}.items():
        for release in releases:
            archive(release, str(tmp_path / name))
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*")) == ["a.tar", "b.tar", "docker"]


def test_files_of_a_folder_are_hard_links(tmp_path: Path) -> None:
    archive(locked(), str(tmp_path / "carried"))
    blob = tmp_path / "carried/blobs/sha256" / digest_of(FILES["pip/a-1.whl"])[7:]
    assert blob.samefile(Store().path(digest_of(FILES["pip/a-1.whl"])))
    assert {path.name for path in (tmp_path / "carried").iterdir()} == {
        "blobs",
        "index.json",
        "oci-layout",
    }


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


def test_files_that_the_archive_lacks_are_all_named(
    target: str, other_machine: Callable[[], None]
) -> None:
    archive(locked(), target)
    more = locked({**FILES, "pip/d-1.whl": b"more", "npm/e-1.tgz": b"most"})
    other_machine()
    with pytest.raises(ExpectedError) as caught:
        archive_keep.fetch_release(more, (), target, QUIET)
    assert caught.value.message.splitlines() == [
        "2 files could not be fetched:",
        f"  npm/e-1.tgz: not in {target} ({digest_of(b'most', 'sha512')})",
        f"  pip/d-1.whl: not in {target} ({digest_of(b'more')})",
    ]
    assert "another lock set" in caught.value.hint


def test_another_lock_set_of_the_release_is_accepted_if_no_file_is_missing(
    target: str, other_machine: Callable[[], None]
) -> None:
    archive(locked(), target)
    fewer = locked({"apt/c_1_amd64.deb": b"deb"})
    other_machine()
    assert (
        str(archive_keep.fetch_release(fewer, (), target, QUIET))
        == "4 files fetched (0 MB), 0 already present"
    )


def test_a_missing_release_names_the_available_ones(target: str) -> None:
    for release in ("0.1.0", "0.2.0"):
        archive(locked(release=release), target)
    with pytest.raises(ExpectedError, match=r"has no release 0\.3\.0; it has 0\.1\.0, 0\.2\.0"):
        archive_keep.fetch_release(locked(release="0.3.0"), (), target, QUIET)


def test_a_custom_tag(loopback: LoopbackRegistry, other_machine: Callable[[], None]) -> None:
    release, target = locked(), f"oci://{loopback.server.host}/{NAME}:mine"
    archive(release, target)
    assert list(loopback.manifests) == ["mine"]
    other_machine()
    assert "6 files fetched" in str(archive_keep.fetch_release(release, (), target, QUIET))
    with pytest.raises(ExpectedError, match=r"has no release 0\.1\.0; it has mine"):
        archive_keep.fetch_release(release, (), target.removesuffix(":mine"), QUIET)


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


def test_the_next_run_completes_the_archive_of_a_killed_run(tmp_path: Path) -> None:
    left = tmp_path / "carried" / ".orbiter-new-left"
    left.mkdir(parents=True)
    (left / "half").write_text("half")
    assert "6 files added" in archive(locked(), str(tmp_path / "carried"))
    assert not left.exists()


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("carried.tar.gz", "name a file that ends in .tar"),
        ("carried.tgz", "name a file that ends in .tar"),
        ("carried.tar.gz/", "name a file that ends in .tar"),
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


def orbiter(folder: Path, *words: str, disk: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command on release 0.1.0; ``disk`` has the options of a disk at ``folder/disk``."""
    command = [sys.executable, INVENTED_ORBITER, *words, "--release", "0.1.0", "-q"]
    if disk:
        (folder / "disk").mkdir(exist_ok=True)
        mount = f'mount -t tmpfs -o {disk} tmpfs disk && exec "$@"'
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", *command]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if disk and "Operation not permitted" in done.stderr:
        pytest.skip(f"no disk can be mounted: {done.stderr}")
    assert "Traceback" not in done.stderr
    return done


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
    done = orbiter(tmp_path, "archive", target, disk=disk)
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
    assert orbiter(tmp_path, "archive", "kept").returncode == 0
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "disk"))
    done = orbiter(tmp_path, "fetch", "--from", "kept", disk=disk)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: cannot write to {tmp_path}/disk/store")
    assert f": {reason}\n" in done.stderr
    assert done.stderr.count(reason) == 1
    assert done.stderr.endswith("or name another folder in ORBITER_CACHE_DIR\n")


def test_verify_finds_the_bytes_that_a_fetch_overlooks(tmp_path: Path) -> None:
    release = locked()
    lockset_folder.write(release, tmp_path / "locks" / "0.1.0")
    assert orbiter(tmp_path, "archive", "kept.tar").returncode == 0
    layer = digest_of(b"layer" * 1000)
    wheel = digest_of(FILES["pip/a-1.whl"])
    for digest in (layer, wheel):
        path = Store().path(digest)
        content = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(content.replace(b"e", b"E", 1))
    overlooked = orbiter(tmp_path, "fetch", "--from", "kept.tar")
    assert overlooked.stdout == "0 files fetched (0 MB), 6 already present\n"

    found = orbiter(tmp_path, "fetch", "--verify", "--from", "kept.tar")
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
    fine = orbiter(tmp_path, "fetch", "--verify", "--from", "kept.tar")
    assert (fine.returncode, fine.stdout.splitlines()[0]) == (
        0,
        "6 files in the store are intact, 0 are not",
    )


def test_verify_reports_a_changed_manifest_of_a_base_image(tmp_path: Path) -> None:
    release = locked()
    lockset_folder.write(release, tmp_path / "locks" / "0.1.0")
    assert orbiter(tmp_path, "archive", "kept").returncode == 0
    manifest = Store().path(release.manifest.bases[BASE][AMD64])
    content = manifest.read_bytes()
    manifest.unlink()  # the archive has a hard link to it
    manifest.write_bytes(content.replace(b"2", b"3", 1))
    found = orbiter(tmp_path, "fetch", "--verify", "--from", "kept")
    assert (found.returncode, "the manifest of debian" in found.stdout) == (1, True)
    assert orbiter(tmp_path, "fetch", "--verify", "--from", "kept").returncode == 0


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


@pytest.mark.index
def test_wheels_of_the_real_index_are_fetched_first(
    tmp_path: Path, other_machine: Callable[[], None]
) -> None:
    release = locked_of(list(parse_list(WHEELS)))
    assert "5 files added" in archive(release, str(tmp_path / "carried"))
    other_machine()
    assert "5 files fetched" in str(
        archive_keep.fetch_release(release, (), str(tmp_path / "carried"), QUIET)
    )


@pytest.fixture
def real() -> str:
    address = os.environ.get("ORBITER_WORLD_REGISTRY")
    if not address:
        pytest.skip("no registry to push to is known (ORBITER_WORLD_REGISTRY)")
    return f"{address}/orbiter-test/archive-{uuid.uuid4().hex}"


@pytest.mark.engine
def test_a_real_registry(real: str, other_machine: Callable[[], None]) -> None:
    first, second = locked(), locked({**FILES, "pip/d-1.whl": b"more"}, "0.2.0")
    assert "6 files added" in archive(first, f"oci://{real}")
    assert "1 files added (0.0 MB), 6 already present" in archive(second, f"oci://{real}")
    before = store_contents()
    other_machine()
    archive_keep.fetch_release(second, (), f"oci://{real}", QUIET)
    assert store_contents() == before


@pytest.mark.engine
def test_skopeo_copies_an_archive_between_storages(
    real: str, tmp_path: Path, other_machine: Callable[[], None]
) -> None:
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    release, places = (
        locked(),
        [f"oci:{tmp_path}/carried:0.1.0", f"docker://{real}:0.1.0", f"oci:{tmp_path}/back:0.1.0"],
    )
    archive(release, str(tmp_path / "carried"))
    for one, other in pairwise(places):
        skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", one, other)
    assert len({skopeo("inspect", "--raw", "--tls-verify=false", place) for place in places}) == 1
    other_machine()
    archive_keep.fetch_release(release, (), str(tmp_path / "back"), QUIET)


def skopeo(*words: str) -> str:
    return subprocess.run(["skopeo", *words], capture_output=True, text=True, check=True).stdout
