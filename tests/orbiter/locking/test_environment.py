"""System packages are put into the store as soon as they are locked."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.locking.environment import LocalEnvironment
from orbiter.store.store import Store
from resolvers.apk import manager as apk
from resolvers.apk.solve import cache_folder
from resolvers.types import Artifact, Group, Pin, Request, Shell, SystemOptions
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


def left(**contents: bytes) -> None:
    """What apk has left behind of packages while it solved, whatever it was then."""
    folder = Path(cache_folder(PLATFORM), "0123456789abcdef")
    folder.mkdir(parents=True)
    lines = [f"{digest_of(name.encode())[7:]} 1 {name}-1.00000000.apk" for name in contents]
    (folder / "sums").write_text("".join(f"{line}\n" for line in lines))
    for name, content in contents.items():
        (folder / f"{name}-1.00000000.apk").write_bytes(content)


def no_shell(script: str, *, platform: str, cache: str = "") -> str:
    raise AssertionError(f"a container was started on {platform} with {cache}: {script}")


def keep(shell: Shell, *pins: Pin) -> list[str]:
    told: list[str] = []
    LocalEnvironment().store_artifacts("apk", {PLATFORM: pins}, shell, told.append)
    return told


def test_what_apk_fetched_is_not_fetched_again(server: Server) -> None:
    left(a=b"a")
    assert keep(no_shell, pin("a"), pin("b"))[-1] == "1 files fetched (0 MB), 1 already present"
    assert [request.path for request in server.requests] == ["/v3.23/main/x86_64/b-1.apk"]
    for name in (b"a", b"b"):
        assert Store().verify(digest_of(name)).read_bytes() == name


@pytest.mark.parametrize("content", [b"x", b"", b"aa"])
def test_a_changed_file_of_apk_is_not_taken(server: Server, content: bytes) -> None:
    left(a=content)
    keep(no_shell, pin("a"))
    assert len(server.requests) == 1
    Store().verify(digest_of(b"a"))


def test_the_store_is_independent_of_what_apk_keeps(server: Server) -> None:  # noqa: ARG001
    left(a=b"a")
    keep(no_shell, pin("a"))
    for file in Path(cache_folder(PLATFORM)).glob("*/a-1.*"):
        file.write_bytes(b"x")
    Store().verify(digest_of(b"a"))


@pytest.mark.engine
def test_a_lock_leaves_nothing_to_fetch(server: Server) -> None:
    with repository(package_spec("a", "1"), package_spec("b", "1", depend="a")) as alpine:
        files = lock(alpine.shell, core("b"))
        pins = apk.select(files, AMD64, ("alpine-core",))
        server.requests.clear()
        alpine.downloads()
        assert keep(no_shell, *pins)[-1] == "0 files fetched (0 MB), 2 already present"
        assert (server.requests, alpine.downloads()) == ([], [])
        for each in pins:
            Store().verify(each.artifact.hash)


@pytest.mark.engine
def test_the_mirrors_of_the_image_have_the_rest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = os.environ.get("ORBITER_WORLD_APK_1")
    if not first:
        pytest.skip("needs the address of a snapshot in ORBITER_WORLD_APK_1")
    shell, group = (
        alpine_with_repositories(f"{first}/main"),
        Group(name="alpine-core", requirements=("cloud-utils-growpart",)),
    )
    pins = apk.select(
        apk.resolve(Request(groups=(group,), targets=(AMD64,), system=SystemOptions(shell=shell))),
        AMD64,
        (group.name,),
    )
    for variable in ("ORBITER_APK_MIRROR", "ORBITER_ARCHIVE"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path))
    assert keep(shell, *pins)[-1].startswith(f"{len(pins)} files fetched")
    for each in pins:
        Store().verify(each.artifact.hash)
