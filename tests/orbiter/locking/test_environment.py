"""System packages are in the store as soon as they are locked."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.locking.environment import LocalEnvironment
from orbiter.store.store import Store
from resolvers.apk import manager as apk
from resolvers.apk.solve import cache_folder
from resolvers.types.options import Shell, SystemOptions
from resolvers.types.packages import Artifact, Pin
from resolvers.types.request import Group, Request
from tests.support.apk_world import (
    AMD64,
    alpine_with_repositories,
    core,
    lock,
    package_spec,
    repository,
)
from tests.support.loopback import Answer, Server, serving

PLATFORM = "linux/amd64"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server:
        monkeypatch.setenv("ORBITER_ARCHIVE", "")
        monkeypatch.setenv("ORBITER_APT_MIRROR", "")
        monkeypatch.setenv("ORBITER_APK_MIRROR", server.url)
        for name in ("a", "b"):
            server.replies[f"/v3.23/main/x86_64/{name}-1.apk"] = Answer(200, name.encode())
        yield server


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def pin(name: str) -> Pin:
    file = f"{name}-1.apk"
    artifact = Artifact(
        file=file, hash=digest_of(name.encode()), size=1, source=f"v3.23/main/x86_64/{file}"
    )
    return Pin(name=name, version="1", artifact=artifact)


def leave_in_apk_cache(**contents: bytes) -> None:
    """Write files that apk downloads while it resolves; their content may be wrong."""
    folder = Path(cache_folder(PLATFORM), "0123456789abcdef")
    folder.mkdir(parents=True)
    lines = [f"{digest_of(name.encode())[7:]} 1 {name}-1.00000000.apk" for name in contents]
    (folder / "sums").write_text("".join(f"{line}\n" for line in lines))
    for name, content in contents.items():
        (folder / f"{name}-1.00000000.apk").write_bytes(content)


def no_shell(script: str, *, platform: str, cache: str = "") -> str:
    raise AssertionError(f"a container was started on {platform} with {cache}: {script}")


def store(shell: Shell, *pins: Pin) -> list[str]:
    messages: list[str] = []
    LocalEnvironment().store_artifacts("apk", {PLATFORM: pins}, shell, {}, messages.append)
    return messages


def test_files_that_apk_fetched_are_not_fetched_again(server: Server) -> None:
    leave_in_apk_cache(a=b"a")
    assert store(no_shell, pin("a"), pin("b"))[-1] == "1 files fetched (0 MB), 1 already present"
    assert [request.path for request in server.requests] == ["/v3.23/main/x86_64/b-1.apk"]
    for name in (b"a", b"b"):
        assert Store().verify(digest_of(name)).read_bytes() == name


@pytest.mark.parametrize("content", [b"x", b"", b"aa"])
def test_a_changed_file_of_apk_is_not_used(server: Server, content: bytes) -> None:
    leave_in_apk_cache(a=content)
    store(no_shell, pin("a"))
    assert len(server.requests) == 1
    Store().verify(digest_of(b"a"))


def test_the_store_is_independent_of_the_cache_of_apk(server: Server) -> None:  # noqa: ARG001
    leave_in_apk_cache(a=b"a")
    store(no_shell, pin("a"))
    for file in Path(cache_folder(PLATFORM)).glob("*/a-1.*"):
        file.write_bytes(b"x")
    Store().verify(digest_of(b"a"))


@pytest.mark.engine
def test_all_files_are_stored_after_a_lock(server: Server) -> None:
    with repository(package_spec("a", "1"), package_spec("b", "1", depend="a")) as alpine:
        files = lock(alpine.shell, core("b"))
        pins = apk.select(files, AMD64, ("alpine-core",))
        server.requests.clear()
        alpine.downloads()
        assert store(no_shell, *pins)[-1] == "0 files fetched (0 MB), 2 already present"
        assert (server.requests, alpine.downloads()) == ([], [])
        for package in pins:
            Store().verify(package.artifact.hash)


@pytest.mark.engine
def test_missing_files_come_from_the_mirrors_of_the_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = os.environ.get("ORBITER_WORLD_APK_1")
    if not first:
        pytest.skip("needs the address of a snapshot in ORBITER_WORLD_APK_1")
    shell = alpine_with_repositories(f"{first}/main")
    group = Group(name="alpine-core", requirements=("cloud-utils-growpart",))
    request = Request(groups=(group,), targets=(AMD64,), system=SystemOptions(shell=shell))
    pins = apk.select(apk.resolve(request), AMD64, (group.name,))
    for variable in ("ORBITER_APK_MIRROR", "ORBITER_ARCHIVE"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path))
    assert store(shell, *pins)[-1].startswith(f"{len(pins)} files fetched")
    for package in pins:
        Store().verify(package.artifact.hash)
