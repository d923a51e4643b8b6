"""Downloads from images.toml to the lock set: requested once, checked, compared and fetched."""

import base64
import hashlib
import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orbiter.build import archives
from orbiter.config.read import read_image_set
from orbiter.diff.compare import diff
from orbiter.fetch.fetch import fetch
from orbiter.fetch.fill import artifacts
from orbiter.fetch.sources import FetchSettings
from orbiter.fetch.upstream import check_files
from orbiter.lockfiles.lock_set import as_lock
from orbiter.locking.environment import LocalEnvironment
from orbiter.locking.lock import lock
from orbiter.locking.merge import combine
from orbiter.locking.work import LockOptions
from orbiter.lockset import check, folder
from orbiter.lockset.model import LockSet, LockSetError
from orbiter.render.derived import derive, underivable
from orbiter.store.store import Store
from orbiter.tasks import TaskState
from resolvers.errors import ExpectedError
from resolvers.types.request import Upgrade
from tests.support.lock_sets import PROJECT, changed, small
from tests.support.loopback import Answer, Server, serving

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TOOL = b"#!/bin/sh\necho tool\n"
LOCK = "debian/downloads.lock"


def archive(content: bytes = b"text") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("app-1/bin/app")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


APP = archive()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        running.replies = {"/tool": Answer(200, TOOL), "/app.tgz": Answer(200, APP)}
        yield running


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    write(
        tmp_path,
        f'{{ url = "{server.url}/tool", to = "/usr/local/bin/", mode = "755" }}, '
        f'{{ url = "{server.url}/app.tgz", to = "/opt/env/app/", unpack = true, strip = 1 }}',
    )
    return tmp_path


def write(place: Path, entries: str) -> None:
    text = (PROJECT / "images.toml").read_text()
    head, table, tail = text.partition("[image.debian.core]\n")
    assert table
    (place / "images.toml").write_text(f"{head}{table}downloads = [{entries}]\n{tail}")


def edit(place: Path, before: str, after: str) -> None:
    text = (place / "images.toml").read_text()
    assert before in text
    (place / "images.toml").write_text(text.replace(before, after))


def locked(
    place: Path,
    previous: LockSet | None = None,
    *,
    upgrade: bool = False,
    packages: tuple[str, ...] = (),
    as_of: str | None = None,
    lines: list[str] | None = None,
) -> LockSet:
    image_set = read_image_set(place / "images.toml")
    upgrades = Upgrade(everything=upgrade, packages=dict.fromkeys(packages, ""))
    cutoff = datetime.fromisoformat(as_of) if as_of else None
    # npm has no requirements here, so the pins of all managers stay.
    options = LockOptions(now=NOW, as_of=cutoff, upgrade=upgrades, only=("npm",))
    shown = [] if lines is None else lines

    def report(line: str | TaskState) -> None:
        shown.append(str(line))

    start = previous or small()
    return lock(image_set, start, options, LocalEnvironment(place), lambda _title: report)


def paths(server: Server) -> list[str]:
    return [request.path for request in server.requests]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_each_file_is_requested_once_and_kept_without_a_request(
    place: Path, server: Server
) -> None:
    first = locked(place)
    assert sorted(paths(server)) == ["/app.tgz", "/tool"]
    assert first.files[LOCK] == (
        "# Written by Orbiter: the files of downloads. "
        "To get another one, edit images.toml and lock.\n\n"
        "format = 1\n\n"
        f'[[download]]\nurl = "{server.url}/app.tgz"\nplatforms = ["linux/amd64"]\n'
        f'sha256 = "{digest(APP)}"\nsize = {len(APP)}\n\n'
        f'[[download]]\nurl = "{server.url}/tool"\nplatforms = ["linux/amd64"]\n'
        f'sha256 = "{digest(TOOL)}"\nsize = {len(TOOL)}\n'
    )
    assert underivable(first) == ()
    assert Store().path(f"sha256:{digest(TOOL)}").read_bytes() == TOOL

    server.replies = {}
    assert locked(place, first) is first
    assert len(server.requests) == 2


def test_an_upgrade_requests_the_address_again(place: Path, server: Server) -> None:
    first = locked(place)
    other = b"other"
    server.replies = {"/tool": Answer(200, other), "/app.tgz": Answer(200, APP)}
    url = f"{server.url}/tool"
    lines: list[str] = []
    second = locked(place, first, packages=(url,), lines=lines)
    note = f"note: {url} has another file now: sha256 {digest(TOOL)} -> {digest(other)}"
    assert note in lines
    assert paths(server)[2:] == ["/tool"]
    assert digest(other) in second.files[LOCK]
    assert second.manifest.cutoff == first.manifest.cutoff
    locked(place, second, upgrade=True)
    assert sorted(paths(server)[3:]) == ["/app.tgz", "/tool"]
    with pytest.raises(ExpectedError, match=r"https://e\.org/x not found in any lock file"):
        locked(place, second, packages=("https://e.org/x",))


def test_a_given_hash_is_checked_also_for_a_known_address(place: Path, server: Server) -> None:
    first = locked(place)
    edit(place, 'mode = "755"', f'mode = "755", sha256 = "{digest(TOOL)}"')
    same = locked(place, first)
    assert same.files[LOCK] == first.files[LOCK]
    assert len(server.requests) == 2
    edit(place, digest(TOOL), "0" * 64)
    with pytest.raises(ExpectedError, match=f"{server.url}/tool: expected sha256:0000"):
        locked(place, first)


def test_credentials_come_from_netrc_and_stay_there(
    place: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "netrc").write_text("machine 127.0.0.1 login somebody password hidden-word\n")
    (place / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(place / "netrc"))
    lock_set = locked(place)
    expected = "Basic " + base64.b64encode(b"somebody:hidden-word").decode()
    assert {request.headers.get("authorization") for request in server.requests} == {expected}
    assert not [path for path, text in lock_set.files.items() if "hidden-word" in text]


def test_an_address_has_one_hash(place: Path, server: Server) -> None:
    url = f"{server.url}/tool"
    entries = (
        f'{{ url = "{url}", to = "/{name}", sha256 = "{digit * 64}" }}'
        for name, digit in (("a", "1"), ("b", "2"))
    )
    write(place, ", ".join(entries))
    with pytest.raises(ExpectedError, match="has several hashes"):
        locked(place)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(404), "returned 404"),
        (Answer(200, b"<html>"), "cannot be unpacked"),
        (Answer(200, APP, sent=20), "did not respond"),
    ],
)
def test_a_download_that_fails_changes_nothing(
    place: Path, server: Server, answer: Answer, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.net.http.PAUSES", ())
    server.replies["/app.tgz"] = answer
    with pytest.raises(ExpectedError, match=problem):
        locked(place)
    left = [path for path in (place / "cache/store/downloads").rglob("*") if path.is_file()]
    assert left == []


def test_a_broken_connection_is_tried_again_from_the_beginning(place: Path, server: Server) -> None:
    answers = [Answer(200, TOOL, sent=3), Answer(200, TOOL)]
    server.replies["/tool"] = lambda _request: answers.pop(0)
    assert digest(TOOL) in locked(place).files[LOCK]
    assert all("range" not in request.headers for request in server.requests)


def test_as_of_says_what_it_cannot(place: Path) -> None:
    lines: list[str] = []
    locked(place, as_of="2026-10-01T00:00:00+00:00", lines=lines)
    assert [line for line in lines if "as-of" in line] == [
        "note: as-of has no effect on downloads: an address only has its current file"
    ]


def test_an_edit_makes_the_lock_set_stale(place: Path, server: Server) -> None:
    folder.write(locked(place), place / "locks/0.1.0")
    image_set = read_image_set(place / "images.toml")
    assert check.read_fresh(image_set, place / "locks") == folder.read(place / "locks/0.1.0")
    edit(place, "/tool", "/tool-2")
    with pytest.raises(ExpectedError) as caught:
        check.read_fresh(read_image_set(place / "images.toml"), place / "locks")
    assert caught.value.message.splitlines()[:2] == [
        "the lock set of release 0.1.0 is stale:",
        "  images.toml: image.debian.core.downloads: /usr/local/bin/tool for linux/amd64 removed",
    ]
    assert len(server.requests) == 2


def test_a_diff_shows_address_hash_and_size(place: Path, server: Server) -> None:
    first = locked(place)
    edit(place, "/app.tgz", "/app-2.tgz")
    other = archive(b"other")
    server.replies["/app-2.tgz"] = Answer(200, other)
    second = locked(place, first)
    result = diff(as_lock(first, "old"), as_lock(second, "new"))
    found = {file.path: file.lines for file in result.files if ":" in file.path}
    assert found == {
        "debian-core:/opt/env/app": tuple(
            f"{sign}linux/amd64: {server.url}/{name}, {len(content)} bytes, "
            f"sha256:{digest(content)}, unpacked with strip 1"
            for sign, name, content in (("-", "app.tgz", APP), ("+", "app-2.tgz", other))
        )
    }
    added = diff(as_lock(small(), "old"), as_lock(second, "new")).files
    kinds = {file.path: file.kind for file in added if ":" in file.path}
    assert kinds == dict.fromkeys(
        ("debian-core:/opt/env/app", "debian-core:/usr/local/bin/tool"), "added"
    )


def test_a_changed_byte_upstream_is_refused(place: Path, server: Server) -> None:
    files = [file for file in artifacts(locked(place), ()) if file.source.startswith("url:")]
    assert {file.source for file in files} == {
        f"url:{server.url}/tool",
        f"url:{server.url}/app.tgz",
    }
    assert check_files(files, FetchSettings()).available == 2
    empty = Store(place / "empty")
    server.replies["/tool"] = Answer(200, TOOL.replace(b"tool", b"fool"))
    with pytest.raises(ExpectedError, match=f"/tool: expected sha256:{digest(TOOL)}"):
        fetch(files, empty, FetchSettings())
    assert not empty.has(f"sha256:{digest(TOOL)}")
    assert empty.has(f"sha256:{digest(APP)}")
    server.replies = {}
    with pytest.raises(ExpectedError, match="2 files could not be fetched") as caught:
        fetch(files, Store(place / "other"), FetchSettings())
    assert "edit the address in images.toml and lock again" in caught.value.hint
    assert {file.path for file in check_files(files, FetchSettings()).missing} == {
        file.path for file in files
    }


def test_the_build_folder_has_the_files_and_tar_files(place: Path) -> None:
    lock_set = locked(place)
    listed = lock_set.files["build/debian-core/downloads-linux-amd64.txt"]
    tar = f"downloads/{digest(APP)}-1-1000-100.tar"
    assert listed == (
        f"0755 0:0 /artifacts/downloads/{digest(TOOL)} /usr/local/bin/tool\n"
        f"tar 1000:100 /artifacts/{tar} /opt/env/app\n"
    )
    downloads = place / "artifacts/debian-core/downloads/linux-amd64"
    downloads.mkdir(parents=True)
    for content in (TOOL, APP):
        (downloads / digest(content)).write_bytes(content)
    archives.write_archives(derive(lock_set).plan, (), place / "artifacts")
    names = {path.name for path in downloads.iterdir()}
    assert names == {digest(TOOL), Path(tar).name}


def test_a_hostile_lock_file_is_refused(place: Path, server: Server) -> None:
    lock_set = locked(place)
    text = lock_set.files[LOCK]
    variants = {
        "is not locked for linux/amd64": changed(lock_set, {LOCK: None}),
        "does not have exactly the addresses": changed(
            lock_set, {LOCK: text + text[text.index("\n[[") :].replace(server.url, "https://e.org")}
        ),
        "in the order and layout": changed(lock_set, {LOCK: f"{text}# more\n"}),
        "Invalid initial character": changed(lock_set, {LOCK: "["}),
        "Object contains unknown field": changed(lock_set, {LOCK: f"{text}more = 1\n"}),
        "not the supported format 1": changed(
            lock_set, {LOCK: text.replace("format = 1", "format = 2")}
        ),
        "matching regex": changed(lock_set, {LOCK: text.replace(digest(TOOL), "../x")}),
        "Orbiter writes no such file": changed(small(), {LOCK: text}),
        "it differs from what the lock files give": changed(
            lock_set,
            {"build/debian-core/downloads-linux-amd64.txt": "0644 0:0 /etc/shadow /opt/x\n"},
        ),
    }
    for problem, hostile in variants.items():
        with pytest.raises(LockSetError, match=problem):
            derive(hostile)


def test_a_merge_keeps_the_downloads_of_both_sides(place: Path, server: Server) -> None:
    app = locked(place)
    edit(place, "/app.tgz", "/app-2.tgz")
    server.replies["/app-2.tgz"] = Answer(200, APP)
    other = locked(place, app)
    combined = combine(app, other, None)
    for name in ("app.tgz", "app-2.tgz", "tool"):
        assert f"{server.url}/{name}" in combined.files[LOCK]
    requests = len(server.requests)
    assert locked(place, combined).files[LOCK] == other.files[LOCK]
    assert len(server.requests) == requests


def test_a_package_of_apt_from_an_address_must_be_a_download(place: Path, server: Server) -> None:
    lock_set = locked(place)
    evil = """
[[package]]
name = "zzz"
version = "1"
architecture = "all"
platforms = ["linux/amd64"]
groups = ["debian-core"]
file = "zzz_1_all.deb"
size = 1
sha256 = "HASH"
url = "URL"
"""
    apt = lock_set.files["debian/apt.lock"]
    for url, sha256 in (("https://e.org/zzz.deb", "0" * 64), (f"{server.url}/tool", "0" * 64)):
        text = apt + evil.replace("URL", url).replace("HASH", sha256)
        with pytest.raises(LockSetError, match="which is not a download"):
            derive(changed(lock_set, {"debian/apt.lock": text}))
    text = apt + evil.replace("URL", f"{server.url}/tool").replace("HASH", digest(TOOL))
    packages = as_lock(changed(lock_set, {"debian/apt.lock": text}), "new").packages
    found = [entry for entries in packages.values() for entry in entries if entry.name == "zzz"]
    assert {(entry.direct, entry.source) for entry in found} == {(True, server.url)}
