"""The configured archive: files come from the store, then the archive, then upstream."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orbiter.archive import keep
from orbiter.archive.configured import configured_archive
from orbiter.cli.board import Board
from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet
from orbiter.docker.shells import base_shell
from orbiter.fetch import fill
from orbiter.locking.environment import LocalEnvironment
from orbiter.lockset import folder, model
from orbiter.lockset.model import LockSet, Manifest
from orbiter.store.artifact_list import LockedFile, format_list
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.types.packages import Artifact, Pin
from tests.support.loopback import Answer, Server, serving
from tests.support.loopback_registry import NAME, USER, LoopbackRegistry, registry
from tests.support.paths import INVENTED_ORBITER

AMD64, QUIET = "linux/amd64", Board(quiet=True)
FILES = {
    "apk/c-1.apk": b"apk",
    "apt/c_1.deb": b"deb",
    "npm/b-1.tgz": b"tarball" * 9,
    "pip/a-1.whl": b"wheel" * 50,
}
SOURCES = {
    "apk/c-1.apk": "apk:v3.23/main/x86_64/c-1.apk",
    "apt/c_1.deb": "apt:pool/c_1.deb",
    "npm/b-1.tgz": "npm:b/-/b-1.tgz",
    "pip/a-1.whl": "pip:a/a-1.whl",
    "apk/d-1.apk": "apk:v3.23/main/x86_64/d-1.apk",
}


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def entry_of(path: str, content: bytes) -> LockedFile:
    algorithm = "sha512" if path.startswith("npm/") else "sha256"
    return LockedFile(
        path=path, hash=digest_of(content, algorithm), size=len(content), source=SOURCES[path]
    )


def image_on(server: Server) -> tuple[str, str]:
    """Serve a base image; return its reference and its digest."""
    parts = [b'{"os": "linux", "architecture": "amd64"}', b"layer" * 1000]
    for part in parts:
        server.replies[f"/v2/base/blobs/{digest_of(part)}"] = Answer(200, part)
    described = [{"mediaType": "x", "digest": digest_of(part), "size": len(part)} for part in parts]
    content = {"schemaVersion": 2, "config": described[0], "layers": described[1:]}
    manifest = json.dumps(content).encode()
    server.replies[f"/v2/base/manifests/{digest_of(manifest)}"] = Answer(200, manifest)
    return f"{server.host}/base:1", digest_of(manifest)


def locked(server: Server, files: dict[str, bytes] = FILES, release: str = "0.1.0") -> LockSet:
    """Return a lock set with these files and a base image."""
    reference, digest = image_on(server)
    builders = {"alpine": Builder(name="alpine", base=reference)}
    image_set = ImageSet(
        version=release, repository="a/b", platforms=(AMD64,), builders=builders, stages=()
    )
    bases = {reference: {AMD64: digest}}
    return model.seal(
        Manifest(release=release, cutoff="2026-11-01T00:00:00Z", source_date_epoch=1, bases=bases),
        {
            "images.toml": snapshot.dump(image_set),
            "build/docker-bake.json": "{}",
            "build/stage/artifacts-linux-amd64.txt": format_list(
                entry_of(*each) for each in files.items()
            ),
        },
    )


def serve(server: Server, files: dict[str, bytes]) -> None:
    """Serve these files as the index, the npm registry and the mirrors."""
    for path, content in files.items():
        server.replies[f"/{SOURCES[path].partition(':')[2]}"] = Answer(200, content)
    link = f'<a href="{server.url}/a/a-1.whl">a-1.whl</a>'
    server.replies["/simple/a/"] = Answer(200, link.encode(), {"Content-Type": "text/html"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """Start a server that is the index, the npm registry and the mirrors of this machine."""
    monkeypatch.setattr(http, "PAUSES", (0.0,))
    (tmp_path / "npmrc").write_text("")
    with serving() as server:
        for name in [name for name in os.environ if name.lower() == "npm_config_registry"]:
            monkeypatch.delenv(name)
        for name, value in {
            "ORBITER_APK_MIRROR": server.url,
            "ORBITER_APT_MIRROR": server.url,
            "ORBITER_ARCHIVE": "",
            "PIP_INDEX_URL": f"{server.url}/simple",
            "PIP_EXTRA_INDEX_URL": "",
            "PIP_FIND_LINKS": "",
            "PIP_CONFIG_FILE": os.devnull,
            "NPM_CONFIG_REGISTRY": server.url,
            "NPM_CONFIG_USERCONFIG": str(tmp_path / "npmrc"),
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    with registry() as found:
        users = {found.server.host: {"auth": base64.b64encode(":".join(USER).encode()).decode()}}
        (tmp_path / "docker" / "config.json").write_text(json.dumps({"auths": users}))
        yield found


@pytest.fixture(params=["folder", "tar", "registry"])
def target(request: pytest.FixtureRequest, tmp_path: Path, loopback: LoopbackRegistry) -> str:
    places = {"folder": str(tmp_path / "kept"), "tar": str(tmp_path / "kept.tar")}
    return places.get(request.param, f"oci://{loopback.server.host}/{NAME}")


@pytest.fixture
def new_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> Callable[[], None]:
    """Return a function that switches to an empty store and forgets all requests."""

    def empty() -> None:
        monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / uuid.uuid4().hex))
        server.requests.clear()

    return empty


@pytest.fixture
def archived(
    server: Server, target: str, new_store: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> str:
    """Configure an archive with release 0.1.0 and an empty store; return its name."""
    release = locked(server)
    for entry in fill.artifacts_by_stage(release)["stage", AMD64]:
        Store().add(FILES[entry.path], entry.hash)
    keep.archive_release(release, (), target, QUIET)
    new_store()
    monkeypatch.setenv("ORBITER_ARCHIVE", target)
    return target


@pytest.mark.usefixtures("archived")
def test_all_files_come_from_the_archive_without_other_requests(server: Server) -> None:
    release = locked(server)
    assert (
        str(fill.fill(release, (), QUIET, configured_archive()))
        == "7 files fetched (0 MB), 0 already present"
    )
    assert server.requests == []
    for entry in fill.all_files(release, (), Store()):
        Store().verify(entry.hash)


@pytest.mark.usefixtures("archived")
def test_files_that_the_archive_lacks_come_from_upstream(server: Server) -> None:
    """Files that are archived with another release are found too, with any hash."""
    serve(server, {"apk/d-1.apk": b"more"})
    release = locked(server, {**FILES, "apk/d-1.apk": b"more"}, "0.2.0")
    assert (
        str(fill.fill(release, (), QUIET, configured_archive()))
        == "8 files fetched (0 MB), 0 already present"
    )
    assert [request.path for request in server.requests] == ["/v3.23/main/x86_64/d-1.apk"]


def test_a_file_that_is_missing_everywhere_names_both_sources(
    server: Server, archived: str
) -> None:
    with pytest.raises(ExpectedError) as caught:
        fill.fill(
            locked(server, {**FILES, "apk/d-1.apk": b"more"}, "0.2.0"),
            (),
            QUIET,
            configured_archive(),
        )
    url = f"{server.url}/v3.23/main/x86_64/d-1.apk"
    assert caught.value.message == (
        "apk/d-1.apk is no longer available upstream: "
        f"not in {archived}; {url} returned 404 Not Found"
    )
    assert "ORBITER_APK_MIRROR" in caught.value.hint


def test_wrong_bytes_in_the_archive_are_fetched_from_upstream(
    server: Server, tmp_path: Path, new_store: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(server, FILES)
    keep.archive_release(locked(server), (), str(tmp_path / "kept"), QUIET)
    for path in (tmp_path / "kept/blobs/sha256").iterdir():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[:-1] + b"!")
    new_store()
    monkeypatch.setenv("ORBITER_ARCHIVE", str(tmp_path / "kept"))
    totals = fill.fill(locked(server), (), QUIET, configured_archive())
    assert str(totals).startswith("7 files fetched")
    for entry in fill.all_files(locked(server), (), Store()):
        Store().verify(entry.hash)


@pytest.mark.usefixtures("archived")
def test_locking_fetches_system_packages_from_the_archive_first(server: Server) -> None:
    entry = entry_of("apk/c-1.apk", FILES["apk/c-1.apk"])
    artifact = Artifact(
        file="c-1.apk", hash=entry.hash, size=entry.size, source=entry.source.removeprefix("apk:")
    )
    pins = {AMD64: (Pin(name="c", version="1", artifact=artifact),)}
    LocalEnvironment().store_artifacts("apk", pins, base_shell("none", {}), {}, lambda _line: None)
    Store().verify(entry.hash)
    assert server.requests == []


def fetch(project: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, INVENTED_ORBITER, "fetch", "-q", "--release", "0.1.0"]
    return subprocess.run(
        command, cwd=project, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["missing", "missing.tar", "project"])
def test_a_missing_archive_is_one_error(server: Server, tmp_path: Path, name: str) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "images.toml").write_text("")
    folder.write(locked(server), tmp_path / "locks" / "0.1.0")
    done = fetch(tmp_path, ORBITER_ARCHIVE=name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: ORBITER_ARCHIVE: {name} is not an archive: it ")
    assert len(done.stderr.partition("\n\n")[0].splitlines()) == 1
    assert "unset ORBITER_ARCHIVE" in done.stderr
    assert server.requests == []


def test_a_registry_without_the_archive_is_an_error(
    server: Server, loopback: LoopbackRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"oci://{loopback.server.host}/{NAME}"
    monkeypatch.setenv("ORBITER_ARCHIVE", address)
    with pytest.raises(
        ExpectedError,
        match=f"ORBITER_ARCHIVE: {address} is not an archive: the registry has no tags",
    ):
        fill.fill(locked(server), (), QUIET, configured_archive())
    monkeypatch.setenv("ORBITER_ARCHIVE", f"{address}:mine")
    with pytest.raises(ExpectedError, match="has no release mine"):
        fill.fill(locked(server), (), QUIET, configured_archive())


def test_an_invalid_name_is_an_error(server: Server, tmp_path: Path) -> None:
    folder.write(locked(server), tmp_path / "locks" / "0.1.0")
    done = fetch(tmp_path, ORBITER_ARCHIVE="https://example.org/a/b")
    assert done.returncode == 2
    assert "write oci://example.org/a/b" in done.stderr


def test_a_full_store_needs_no_archive(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(server, FILES)
    fill.fill(locked(server), (), QUIET, configured_archive())
    server.requests.clear()
    monkeypatch.setenv("ORBITER_ARCHIVE", str(tmp_path / "unplugged"))
    totals = fill.fill(locked(server), (), QUIET, configured_archive())
    assert str(totals).startswith("0 files fetched")
    assert server.requests == []


def test_the_configured_archive_can_be_created(
    server: Server, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(server, FILES)
    monkeypatch.setenv("ORBITER_ARCHIVE", target)
    assert "7 files added" in str(keep.archive_release(locked(server), (), target, QUIET))


def test_other_artifacts_in_the_registry_do_not_matter(
    server: Server,
    loopback: LoopbackRegistry,
    new_store: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(server, FILES)
    address = f"oci://{loopback.server.host}/{NAME}"
    keep.archive_release(locked(server), (), address, QUIET)
    loopback.manifests |= {
        "image": json.dumps({"schemaVersion": 2, "layers": []}).encode(),
        "odd": b"{",
    }
    new_store()
    monkeypatch.setenv("ORBITER_ARCHIVE", address)
    fill.fill(locked(server), (), QUIET, configured_archive())
    assert server.requests == []
