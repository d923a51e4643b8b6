"""Availability of locked files upstream, checked by HEAD requests without downloads."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet
from orbiter.fetch.sources import FetchSettings, LocatorError
from orbiter.fetch.upstream import MissingFile, UpstreamReport, check_files
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from orbiter.lockset.model import Manifest
from orbiter.store.artifact_list import LockedFile, format_list
from orbiter.store.store import Store
from resolvers.apk import manager as apk
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.types.options import SystemOptions
from resolvers.types.request import Group, Request
from tests.support.apk_world import AMD64, alpine_with_repositories
from tests.support.loopback import Answer, Server, serving
from tests.support.paths import INVENTED_ORBITER

PLATFORM, FOLDER = "linux/amd64", "/alpine/v3.23/main/x86_64"
VARIABLES = ("ORBITER_APK_MIRROR", "ORBITER_APT_MIRROR", "ORBITER_ARCHIVE")
WORLD = ("ORBITER_WORLD_APK_1", "ORBITER_WORLD_APK_2")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http, "PAUSES", (0.0,))
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with serving() as server:
        yield server


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def apk_of(name: str) -> LockedFile:
    """Return a package whose bytes are its name."""
    source = f"apk:v3.23/main/x86_64/{name}.apk"
    return LockedFile(
        path=f"apk/{name}.apk", hash=digest_of(name.encode()), size=len(name), source=source
    )


def serve(server: Server, *names: str) -> None:
    for name in names:
        server.replies[f"{FOLDER}/{name}.apk"] = Answer(200, name.encode())


def mirrors(server: Server, *folders: str) -> FetchSettings:
    return FetchSettings(
        apk_mirrors=lambda: tuple(f"{server.url}/{folder}" for folder in folders or ("alpine",))
    )


def test_available_and_missing_files(server: Server) -> None:
    entries = [apk_of(f"p{number}-1") for number in range(40)]
    serve(server, *(f"p{number}-1" for number in range(40) if number not in {7, 8}))
    server.replies[f"{FOLDER}/p8-1.apk"] = Answer(410)
    reason = f"{server.url}{FOLDER}/p7-1.apk returned 404 Not Found"
    counts: list[int] = []
    found = check_files(
        [*entries, entries[0]], mirrors(server), lambda state: counts.append(state.files)
    )
    assert (found.available, found.unknown, found.unchecked) == (38, (), 0)
    assert found.missing[0] == MissingFile(path="apk/p7-1.apk", reason=reason)
    assert [each.path for each in found.missing] == ["apk/p7-1.apk", "apk/p8-1.apk"]
    assert {request.method for request in server.requests} == {"HEAD"}
    assert len(server.requests) == 40
    assert counts[-1] == 40


def test_one_mirror_that_has_it_is_enough(server: Server) -> None:
    serve(server, "a-1")
    found = check_files([apk_of("a-1"), apk_of("b-1")], mirrors(server, "none", "alpine"))
    assert found.available == 1
    (missing,) = found.missing
    assert missing.reason.count("returned 404 Not Found") == 2


def test_another_file_of_the_name_is_not_the_locked_one(server: Server) -> None:
    server.replies[f"{FOLDER}/a-1.apk"] = Answer(200, b"rebuilt")
    found = check_files([apk_of("a-1")], mirrors(server))
    assert (
        found.missing[0].reason
        == f"{server.url}{FOLDER}/a-1.apk is another file now: 7 bytes instead of 3"
    )


@pytest.mark.parametrize("status", [403, 500])
def test_an_unclear_answer_does_not_count_as_missing(server: Server, status: int) -> None:
    serve(server, "b-1")
    server.replies[f"{FOLDER}/a-1.apk"] = Answer(status)
    found = check_files([apk_of("a-1"), apk_of("b-1")], mirrors(server, "none", "alpine"))
    assert (found.available, found.missing) == (1, ())
    assert f"returned {status}" in str(found.unknown[0])
    assert str(found.unknown[0]).startswith("apk/a-1.apk: ")


def test_no_known_mirror_is_an_error(server: Server) -> None:  # noqa: ARG001 - it unsets the variables
    with pytest.raises(LocatorError, match="no mirror with Alpine packages is known"):
        check_files([apk_of("a-1")], FetchSettings())


def test_mirrors_that_cannot_be_read_are_one_error(server: Server) -> None:  # noqa: ARG001
    asked = []

    def none() -> tuple[str, ...]:
        asked.append(1)
        raise ExpectedError("no engine is running")

    with pytest.raises(LocatorError, match="no engine is running"):
        check_files([apk_of("a-1"), apk_of("b-1")], FetchSettings(apk_mirrors=none))
    assert len(asked) == 1


def test_other_managers(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.lower().startswith(("npm_config", "pip_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "npmrc").write_text(
        f"registry={server.url}/npm/\n//{server.host}/npm/:_authToken=t0ken\n"
    )
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "b-1-py3-none-any.whl").write_bytes(b"b")
    for name, value in {
        "NPM_CONFIG_USERCONFIG": str(tmp_path / "npmrc"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{server.url}/simple",
        "PIP_FIND_LINKS": str(tmp_path / "links"),
    }.items():
        monkeypatch.setenv(name, value)
    page = f'<a href="/files/a-1.whl#sha256={"0" * 64}">x</a><a href="/files/a-2.whl">x</a>'
    server.replies["/simple/a/"] = Answer(200, page.encode(), {"Content-Type": "text/html"})
    server.replies["/files/a-2.whl"] = server.replies["/npm/v/-/v-6.tgz"] = Answer(200, b"a")
    sources = ["pip:a/a-1.whl", "pip:a/a-2.whl", "pip:b/b-1-py3-none-any.whl", "pip:c/c-1.whl"]
    sources += [
        "npm:v/-/v-6.tgz",
        "npm:w/-/w-6.tgz",
        "apt:pool/x.deb",
        "conda:https://channel/noarch/a-1-0.conda",
    ]
    entries = [
        LockedFile(path=source, hash=digest_of(source[-5:-4].encode()), source=source)
        for source in sources
    ]
    entries[2] = LockedFile(path=sources[2], hash=digest_of(b"b"), source=sources[2])
    found = check_files(entries, FetchSettings(apt_mirrors=lambda: (server.url,)))
    assert (found.available, found.unknown, found.unchecked) == (3, (), 1)
    assert [each.path for each in found.missing] == [
        "apt:pool/x.deb",
        "npm:w/-/w-6.tgz",
        "pip:a/a-1.whl",
        "pip:c/c-1.whl",
    ]
    assert "only with other bytes" in found.missing[2].reason
    assert "does not have this file" in found.missing[3].reason
    assert {
        r.headers.get("authorization") for r in server.requests if r.path.startswith("/npm")
    } == {"Bearer t0ken"}


def write_lock_set(project: Path, entries: list[LockedFile]) -> None:
    """Write a lock set with these artifacts."""
    builders = {"alpine": Builder(name="alpine", base="alpine:3.23")}
    image_set = ImageSet(
        version="0.1.0", repository="a/b", platforms=(PLATFORM,), builders=builders, stages=()
    )
    manifest = Manifest(release="0.1.0", cutoff="2026-11-01T00:00:00Z", source_date_epoch=1)
    files = {
        "images.toml": snapshot.dump(image_set),
        "build/docker-bake.json": "{}",
        "build/stage/artifacts-linux-amd64.txt": format_list(entries),
    }
    lockset_folder.write(model.seal(manifest, files), project / "locks" / "0.1.0")


def fetch(project: Path, server: Server, *words: str) -> "subprocess.CompletedProcess[str]":
    """Fetch without an engine."""
    server.requests.clear()
    variables = {
        **os.environ,
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        "ORBITER_APK_MIRROR": f"{server.url}/alpine",
    }
    command = [sys.executable, INVENTED_ORBITER, "fetch", "-q", "--release", "0.1.0", *words]
    return subprocess.run(
        command, cwd=project, env=variables, capture_output=True, text=True, check=False
    )


def test_the_command(server: Server, tmp_path: Path) -> None:
    write_lock_set(tmp_path, [apk_of("a-1"), apk_of("b-1")])
    serve(server, "a-1", "b-1")
    done = fetch(tmp_path, server, "--upstream")
    assert done.stdout.splitlines() == [
        "2 files fetched (0 MB), 0 already present",
        "2 of 2 locked files are still available upstream, 0 are missing",
    ]
    assert done.returncode == 0
    del server.replies[f"{FOLDER}/b-1.apk"]
    done = fetch(tmp_path, server, "--upstream")
    assert done.stdout.splitlines() == [
        "0 files fetched (0 MB), 2 already present",
        f"missing upstream: apk/b-1.apk ({server.url}{FOLDER}/b-1.apk returned 404 Not Found)",
        "1 of 2 locked files are still available upstream, 1 is missing; "
        "keep them with: orbiter archive TARGET",
    ]
    assert done.returncode == 1
    assert done.stderr == ""


def test_a_full_store_needs_no_requests(server: Server, tmp_path: Path) -> None:
    Store().add(b"a-1", digest_of(b"a-1"))
    write_lock_set(tmp_path, [apk_of("a-1")])
    done = fetch(tmp_path, server)
    assert (done.returncode, done.stdout) == (0, "0 files fetched (0 MB), 1 already present\n")
    assert server.requests == []


def test_missing_files_are_shown_even_if_others_cannot_be_checked(
    server: Server, tmp_path: Path
) -> None:
    for name in ("a-1", "b-1"):
        Store().add(name.encode(), digest_of(name.encode()))
    write_lock_set(tmp_path, [apk_of("a-1"), apk_of("b-1")])
    server.replies[f"{FOLDER}/b-1.apk"] = Answer(403)
    done = fetch(tmp_path, server, "--upstream")
    assert done.returncode == 2
    assert "missing upstream: apk/a-1.apk" in done.stdout
    assert done.stderr.startswith(f"error: apk/b-1.apk: {server.url}{FOLDER}/b-1.apk returned 403")


def test_a_file_that_is_missing_everywhere_is_named(server: Server, tmp_path: Path) -> None:
    write_lock_set(tmp_path, [apk_of("a-1"), apk_of("b-1")])
    done = fetch(tmp_path, server)
    assert done.returncode == 2
    for name in ("a-1", "b-1"):
        url = f"{server.url}{FOLDER}/{name}.apk"
        message = f"  apk/{name}.apk is no longer available upstream: {url} returned 404"
        assert message in done.stderr


def test_an_archive_and_upstream_exclude_each_other(server: Server, tmp_path: Path) -> None:
    done = fetch(tmp_path, server, "--upstream", "--from", "kept")
    assert done.returncode == 2
    assert "--upstream needs the network, which --from does not use" in done.stderr


@pytest.mark.engine
@pytest.mark.skipif(
    not all(map(os.environ.get, WORLD)), reason=f"needs two snapshots in {' and '.join(WORLD)}"
)
def test_a_real_repository_that_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (os.environ[variable] for variable in WORLD)
    shell = alpine_with_repositories(f"{first}/main", f"{first}/community")
    group = Group(
        name="alpine-core", requirements=("cloud-utils-growpart", "orbit-gone", "brotli-libs")
    )
    pins = apk.select(
        apk.resolve(Request(groups=(group,), targets=(AMD64,), system=SystemOptions(shell=shell))),
        AMD64,
        (group.name,),
    )
    entries = [
        LockedFile(path=f"apk/{a.file}", hash=a.hash, size=a.size, source=f"apk:{a.source}")
        for a in (pin.artifact for pin in pins)
    ]
    monkeypatch.setenv("ORBITER_APK_MIRROR", first.removesuffix("v3.23"))
    assert check_files(entries, FetchSettings()) == UpstreamReport(
        available=len(entries), missing=(), unknown=(), unchecked=0
    )
    monkeypatch.setenv("ORBITER_APK_MIRROR", second.removesuffix("v3.23"))
    found = check_files(entries, FetchSettings())
    deleted = [each.path for each in found.missing if "returned 404 Not Found" in each.reason]
    assert deleted == ["apk/cloud-utils-growpart-0.33-r1.apk", "apk/orbit-gone-7.0-r0.apk"]
    assert found.available + len(found.missing) == len(entries)
