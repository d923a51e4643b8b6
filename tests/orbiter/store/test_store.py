import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from orbiter.store.download import HashMismatchError
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.loopback import Answer, Server, in_turn, ranged, serving

CONTENT = bytes(range(256)) * 4096  # 1 MB
HASH = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http, "PAUSES", ())
    with serving() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def open_url(url: str, headers: Mapping[str, str]) -> AbstractContextManager[http.Stream]:
    return http.stream(url, headers=headers)


def download(store: Store, server: Server, size: int = 0) -> None:
    store.download(HASH, partial(open_url, f"{server.url}/f"), name="the file", size=size)


def part_path(store: Store) -> Path:
    path = store.path(HASH)
    return path.with_name(f"{path.name}.part")


def files(store: Store) -> list[str]:
    return sorted(path.name for path in store.root.rglob("*") if path.is_file())


def test_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path))
    assert Store().root == tmp_path / "store"
    monkeypatch.delenv("ORBITER_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert Store().root == tmp_path / "x/orbiter/store"


def test_download(store: Store, server: Server) -> None:
    server.replies["/f"] = Answer(200, CONTENT)
    assert not store.has(HASH)
    download(store, server, len(CONTENT))
    hexadecimal = HASH.removeprefix("sha256:")
    assert store.path(HASH) == store.root / "sha256" / hexadecimal[:2] / hexadecimal
    assert store.path(HASH).read_bytes() == CONTENT
    assert store.has(HASH, len(CONTENT))
    assert not store.has(HASH, 1)
    assert files(store) == [hexadecimal]


def test_sha512(store: Store) -> None:
    digest = f"sha512:{hashlib.sha512(CONTENT).hexdigest()}"
    store.add(CONTENT, digest)
    assert store.verify(digest).parts[-3] == "sha512"


def test_an_interrupted_download_resumes(store: Store, server: Server) -> None:
    first, rest = Answer(200, CONTENT, sent=300_000), ranged(CONTENT)
    server.replies["/f"] = lambda request: rest(request) if "range" in request.headers else first
    download(store, server)
    assert [request.headers.get("range") for request in server.requests] == [None, "bytes=300000-"]
    assert store.path(HASH).read_bytes() == CONTENT


def test_a_failed_attempt_keeps_the_part_file(store: Store, server: Server) -> None:
    server.replies["/f"] = in_turn(Answer(200, CONTENT, sent=300_000), Answer(404))
    with pytest.raises(http.HTTPError, match="404"):
        download(store, server)
    assert part_path(store).stat().st_size == 300_000
    server.replies["/f"] = ranged(CONTENT)
    download(store, server)
    assert server.requests[-1].headers["range"] == "bytes=300000-"
    assert files(store) == [store.path(HASH).name]


def test_a_server_without_ranges_sends_the_whole_file(store: Store, server: Server) -> None:
    part_path(store).parent.mkdir(parents=True)
    part_path(store).write_bytes(CONTENT[:1000])
    server.replies["/f"] = Answer(200, CONTENT)
    download(store, server)
    assert store.path(HASH).read_bytes() == CONTENT


@pytest.mark.parametrize("leftover", [b"x" * 1000, CONTENT + b"more", b"x" * len(CONTENT)])
def test_a_wrong_part_file_is_discarded(store: Store, server: Server, leftover: bytes) -> None:
    part_path(store).parent.mkdir(parents=True)
    part_path(store).write_bytes(leftover)
    server.replies["/f"] = ranged(CONTENT)
    download(store, server, len(CONTENT))
    assert store.path(HASH).read_bytes() == CONTENT


def test_a_complete_part_file_is_only_renamed(store: Store, server: Server) -> None:
    part_path(store).parent.mkdir(parents=True)
    part_path(store).write_bytes(CONTENT)
    download(store, server)
    assert (store.path(HASH).read_bytes(), server.requests) == (CONTENT, [])


@pytest.mark.parametrize(
    "content", [b"", b"<html>log in</html>", CONTENT[:-1] + b"x", CONTENT + b"x"]
)
@pytest.mark.parametrize("size", [0, len(CONTENT)])
def test_a_hash_mismatch(store: Store, server: Server, content: bytes, size: int) -> None:
    server.replies["/f"] = Answer(200, content)
    with pytest.raises(HashMismatchError, match=f"the file: expected {HASH}.*got sha256:"):
        download(store, server, size)
    assert files(store) == []


def test_a_wrong_size_in_the_lock(store: Store, server: Server) -> None:
    server.replies["/f"] = Answer(200, CONTENT)
    with pytest.raises(
        HashMismatchError, match=rf"\({len(CONTENT) + 1} bytes\), got .* \({len(CONTENT)} bytes\)"
    ):
        download(store, server, len(CONTENT) + 1)
    assert files(store) == []


def test_a_missing_file_leaves_nothing_behind(store: Store, server: Server) -> None:
    with pytest.raises(http.HTTPError, match="404"):
        download(store, server)
    assert files(store) == []


FETCH_SCRIPT = """
import sys
from functools import partial
from pathlib import Path
from orbiter.store.store import Store
from resolvers.net import http
store, url, digest = sys.argv[1:]
store = Store(Path(store))
store.download(digest, lambda headers: http.stream(url, headers=headers), name="f")
"""


def start_fetching(store: Store, server: Server) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", FETCH_SCRIPT, str(store.root), f"{server.url}/f", HASH]
    )


def test_killed_in_the_middle(store: Store, server: Server) -> None:
    server.replies["/f"] = ranged(CONTENT, pause=0.05)
    process = start_fetching(store, server)
    while not part_path(store).exists() or part_path(store).stat().st_size < 200_000:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not store.has(HASH)
    server.replies["/f"] = ranged(CONTENT)
    download(store, server)
    assert (
        int(server.requests[-1].headers["range"].removeprefix("bytes=").removesuffix("-"))
        >= 200_000
    )
    assert files(store) == [store.path(HASH).name]
    store.verify(HASH)


def test_two_processes_fetch_a_file_once(store: Store, server: Server) -> None:
    server.replies["/f"] = ranged(CONTENT, pause=0.05)
    both = [start_fetching(store, server) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(server.requests) == 1
    assert files(store) == [store.path(HASH).name]
    store.verify(HASH)


def fetch_many(root: Path, url: str) -> None:
    for number in range(20):
        content = b"%d" % number
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        Store(root).download(digest, partial(open_url, f"{url}/{number}"), name=str(number))


def test_two_processes_fetch_many_files(store: Store, server: Server) -> None:
    for number in range(20):
        server.replies[f"/{number}"] = Answer(200, b"%d" % number)
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=fetch_many, args=(store.root, server.url)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(server.requests) == len(files(store)) == 20


def test_add(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(CONTENT)
    store.add(file, HASH)
    store.add(CONTENT, HASH)
    assert store.verify(HASH).read_bytes() == CONTENT
    with pytest.raises(HashMismatchError, match="file: expected"):
        store.add(file, f"sha256:{'0' * 64}")
    assert files(store) == [store.path(HASH).name]


def test_link(store: Store, tmp_path: Path) -> None:
    store.add(CONTENT, HASH)
    destination = tmp_path / "artifacts" / "pip" / "f"
    store.link(HASH, destination)
    store.link(HASH, destination)
    assert destination.samefile(store.path(HASH))


def test_link_to_another_file_system(store: Store, tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    store.add(CONTENT, HASH)
    destination = other / f"orbiter-test-{os.getpid()}"
    try:
        store.link(HASH, destination)
        assert destination.read_bytes() == CONTENT
    finally:
        destination.unlink(missing_ok=True)


def test_a_changed_file_is_refused(store: Store, tmp_path: Path, server: Server) -> None:
    store.add(CONTENT, HASH)
    path = store.path(HASH)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(500_000)
        file.write(b"\x00" if CONTENT[500_000] else b"\x01")
    with pytest.raises(
        HashMismatchError, match=f"was changed in the store: expected {HASH}"
    ) as caught:
        store.link(HASH, tmp_path / "f")
    assert "orbiter fetch" in caught.value.hint
    assert not (tmp_path / "f").exists()
    assert not store.has(HASH)
    server.replies["/f"] = Answer(200, CONTENT)
    download(store, server)
    store.link(HASH, tmp_path / "f")


def test_all_link_failures_are_reported_together(store: Store, tmp_path: Path) -> None:
    store.add(CONTENT, HASH)
    missing = [f"sha256:{digit * 64}" for digit in "12"]
    links = {digest: tmp_path / f"file-{number}" for number, digest in enumerate([HASH, *missing])}
    with pytest.raises(ExpectedError) as caught:
        store.link_all(links.items())
    assert caught.value.message.splitlines()[0] == "2 files cannot be used from the store:"
    assert [digest in caught.value.message for digest in links] == [False, True, True]
    assert "orbiter fetch" in caught.value.hint
