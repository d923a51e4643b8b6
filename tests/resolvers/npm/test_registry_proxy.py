"""npm with the proxy between it and registries on loopback, which a test fills."""

import base64
import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.net import http
from resolvers.npm import manager as npm
from resolvers.npm import program
from resolvers.npm.config import NpmConfig
from resolvers.npm.registry_proxy import NpmRequirement, RegistryProxy, resolve_alias
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, LockWarning, Request, Target
from tests.support.loopback import Answer, Server, in_turn, serving

pytestmark = pytest.mark.slow  # each test runs npm
TARGET = Target(platform="linux/amd64", glibc="2.41")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def npmrc(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    file = tmp_path / "npmrc"
    file.write_text(f"registry={server.url}/\n")
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(file))
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    monkeypatch.delenv("npm_config_registry", raising=False)
    return file


@pytest.fixture
def registry(server: Server, npmrc: Path) -> Server:
    """Return the server, configured as npm's registry."""
    assert npmrc.exists()
    return server


def tarball(name: str, version: str, **more: Any) -> bytes:
    manifest = json.dumps({"name": name, "version": version, **more}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("package/package.json")
        member.size = len(manifest)
        tar.addfile(member, io.BytesIO(manifest))
    return gzip.compress(packed.getvalue(), mtime=0)


def packument(
    name: str, *versions: str, host: str = "https://registry.invalid", **more: Any
) -> bytes:
    """Return metadata of equal versions; the last one is the latest."""

    def entry(version: str) -> dict[str, object]:
        integrity = base64.b64encode(
            hashlib.sha512(tarball(name, version, **more)).digest()
        ).decode()
        address = f"{host}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        return {
            "name": name,
            "version": version,
            **more,
            "dist": {"integrity": f"sha512-{integrity}", "tarball": address},
        }

    times = dict.fromkeys(versions, "2024-01-01T00:00:00.000Z")
    tags = {"latest": versions[-1]}
    return json.dumps(
        {
            "name": name,
            "dist-tags": tags,
            "versions": {v: entry(v) for v in versions},
            "time": times,
        }
    ).encode()


def put(server: Server, name: str, *versions: str, path: str = "/", **more: Any) -> None:
    server.replies[path + name.replace("/", "%2f")] = Answer(
        200, packument(name, *versions, **more)
    )


def solve(*requirements: str, previous: LockFiles | None = None) -> LockFiles:
    group = Group(name="debian-base-build", requirements=requirements)
    return npm.resolve(Request(groups=(group,), targets=(TARGET,), previous=previous or {}))


def locked(files: LockFiles) -> set[tuple[str, str]]:
    return {(package.name, package.version) for package in npm.read(files)}


def requested_paths(server: Server) -> list[str]:
    return [request.path for request in server.requests]


def test_each_response_of_the_registry_is_requested_once(registry: Server) -> None:
    put(registry, "a", "1.0.0", dependencies={"b": "^1.0.0", "renamed": "npm:@acme/c@1"})
    put(registry, "b", "1.0.0", "1.2.0", "2.0.0", peerDependencies={"d": "*"})
    put(registry, "@acme/c", "1.0.0", "1.0.1")
    put(registry, "d", "3.0.0")
    files = solve("a")
    assert locked(files) == {("a", "1.0.0"), ("b", "1.2.0"), ("@acme/c", "1.0.1"), ("d", "3.0.0")}
    assert "127.0.0.1" not in str(files)
    assert sorted(requested_paths(registry)) == ["/@acme%2fc", "/a", "/b", "/d"]


def solve_with_warnings(
    requirement: str, previous: LockFiles | None = None, warnings: tuple[LockWarning, ...] = ()
) -> tuple[LockFiles, list[LockWarning]]:
    found: list[LockWarning] = []
    group = Group(name="debian-base-build", requirements=(requirement,))
    request = Request(
        groups=(group,),
        targets=(TARGET,),
        previous=previous or {},
        warn=found.append,
        warnings=warnings,
    )
    return npm.resolve(request), found


def test_deprecated_packages_are_reported_until_another_version_is_locked(
    registry: Server,
) -> None:
    message = "use @acme/b:\n  it is maintained"
    put(registry, "a", "1.0.0", dependencies={"b": "1"})
    put(registry, "b", "1.0.0", deprecated=message)
    files, warnings = solve_with_warnings("a")
    assert warnings == [
        LockWarning("b", "version 1.0.0 is deprecated: use @acme/b: it is maintained")
    ]
    assert "maintained" not in str(files)
    # npm does not ask about a kept pin, so the warning comes from the lock set.
    again, kept = solve_with_warnings("a", files, tuple(warnings))
    assert (again, kept) == (files, warnings)
    put(registry, "a", "2.0.0")
    _, without = solve_with_warnings("a@2", files, tuple(warnings))
    assert without == []


def test_locked_packages_are_not_requested_again(registry: Server) -> None:
    put(registry, "a", "1.0.0", dependencies={"b": "1"})
    put(registry, "b", "1.0.0")
    first = solve("a")
    put(registry, "c", "1.0.0", dependencies={"a": "1", "d": "1"})
    put(registry, "d", "1.0.0")
    registry.requests.clear()
    assert locked(solve("a", "c", previous=first)) == locked(first) | {
        ("c", "1.0.0"),
        ("d", "1.0.0"),
    }
    assert sorted(requested_paths(registry)) == ["/c", "/d"]


def test_scopes_have_their_own_registry_and_token(
    server: Server, npmrc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_TOKEN", "t0ken")
    with npmrc.open("a") as file:
        file.write(
            f"@acme:registry={server.url}/acme\n//{server.host}/acme/:_authToken=${{ACME_TOKEN}}\n"
        )
    put(server, "@acme/a", "1.0.0", path="/acme/", dependencies={"b": "1"})
    put(server, "b", "1.0.0")
    assert locked(solve("@acme/a")) == {("@acme/a", "1.0.0"), ("b", "1.0.0")}
    sent = {request.path: request.headers.get("authorization") for request in server.requests}
    assert sent == {"/acme/@acme%2fa": "Bearer t0ken", "/b": None}


def test_tarballs_are_passed_through(server: Server, npmrc: Path) -> None:
    """Serve a tarball at the public registry's address, whose host npm replaces."""
    public = (
        program.run(["config", "get", "registry", f"--userconfig={npmrc}.none"]).strip().rstrip("/")
    )
    inside: dict[str, Any] = {"bundleDependencies": ["b"], "dependencies": {"b": "1"}}
    put(server, "a", "1.0.0", host=public, **inside)
    put(server, "b", "1.0.0")
    server.replies["/a/-/a-1.0.0.tgz"] = Answer(200, tarball("a", "1.0.0", **inside))
    assert ("a", "1.0.0") in locked(solve("a"))
    assert "/a/-/a-1.0.0.tgz" in requested_paths(server)


def test_errors_name_the_registry_instead_of_the_proxy(registry: Server) -> None:
    put(registry, "a", "1.0.0", dependencies={"nowhere": "1"})
    with pytest.raises(UnsolvableError) as caught:
        solve("a")
    assert f"{registry.url}/nowhere" in caught.value.message
    assert "code E404" in caught.value.message


def test_a_request_that_fails_once_is_repeated(registry: Server) -> None:
    put(registry, "a", "1.0.0")
    registry.replies["/a"] = in_turn(Answer(503), registry.replies["/a"])  # type: ignore[arg-type] # put() stored an Answer
    assert locked(solve("a")) == {("a", "1.0.0")}


def test_a_registry_that_stops_answering_is_named(registry: Server) -> None:
    put(registry, "a", "1.0.0", dependencies={"b": "1"})
    registry.replies["/b"] = Answer(200, b"cut off here", sent=3)
    with pytest.raises(ExpectedError, match=f"{registry.url}/b did not respond"):
        solve("a")


@pytest.mark.parametrize(
    "line",
    ["https-proxy=http://127.0.0.1:9/", "//127.0.0.1/:_password=c2VjcmV0", "strict-ssl=false"],
)
def test_npm_connects_itself_if_the_proxy_lacks_a_setting(
    server: Server, npmrc: Path, line: str
) -> None:
    with npmrc.open("a") as file:
        file.write(f"{line}\n")
    assert not program.config().is_simple
    put(server, "a", "1.0.0")
    assert locked(solve("a")) == {("a", "1.0.0")}
    assert all(request.headers["user-agent"].startswith("npm/") for request in server.requests)


@pytest.mark.parametrize("more", ["", "strict-ssl=false\n"])
def test_the_npmrc_of_the_project_is_used_with_and_without_the_proxy(
    server: Server, npmrc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    npmrc.write_text("registry=http://127.0.0.1:9/nowhere/\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / ".npmrc").write_text(
        f"registry={server.url}/p/\n//{server.host}/p/:_authToken=t0ken\n{more}"
    )
    monkeypatch.chdir(project)
    assert program.config().is_simple is not bool(more)
    put(server, "a", "1.0.0", path="/p/")
    assert locked(solve("a")) == {("a", "1.0.0")}
    assert {request.headers.get("authorization") for request in server.requests} == {"Bearer t0ken"}


def test_npm_connects_itself_if_the_proxy_cannot(
    registry: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(url: str, **_more: object) -> http.Response:
        raise http.HTTPError(f"{url} did not respond: CERTIFICATE_VERIFY_FAILED")

    monkeypatch.setattr(http, "get", unreachable)
    put(registry, "a", "1.0.0")
    assert locked(solve("a")) == {("a", "1.0.0")}


@pytest.mark.parametrize(
    ("range_", "needed"),
    [
        ("^1.0.0", "one"),
        ("1.x", "one"),
        ("v1", "one"),
        ("1.0.0", "exact"),
        ("~0.2.3", "zero"),
        ("*", "two"),
        ("", "two"),
        (">=1", "two"),
        ("^9", "two"),
        ("^1 || ^2", "two"),
    ],
)
def test_prefetching_follows_the_likely_version(server: Server, range_: str, needed: str) -> None:
    of = {
        "0.2.9": "zero",
        "1.0.0": "exact",
        "1.9.0": "old",
        "1.10.0": "one",
        "1.11.0-rc.1": "rc",
        "2.0.0": "two",
    }
    versions = {version: {"dependencies": {name: "*"}} for version, name in of.items()}
    answer = {"versions": versions, "dist-tags": {"latest": "2.0.0"}}
    server.replies["/a"] = Answer(200, json.dumps(answer).encode())
    proxy = RegistryProxy(NpmConfig(registries={"": server.url}), {})
    assert proxy.requirements_of(NpmRequirement("a", range_)) == [NpmRequirement(needed, "*")]


@pytest.mark.parametrize(
    "content", [b"no JSON", b"[]", b'{"versions": {"1.0.0": {"dependencies": []}}}', b"{}"]
)
def test_malformed_metadata_is_not_followed(server: Server, content: bytes) -> None:
    server.replies["/a"] = Answer(200, content)
    assert (
        RegistryProxy(NpmConfig(registries={"": server.url}), {}).requirements_of(
            NpmRequirement("a", "1.0.0")
        )
        == ()
    )


def test_aliases_name_the_real_package() -> None:
    assert resolve_alias("a", "^1") == NpmRequirement("a", "^1")
    assert resolve_alias("a", "npm:b@^1") == NpmRequirement("b", "^1")
    assert resolve_alias("a", "npm:@acme/b@^1") == NpmRequirement("@acme/b", "^1")
    assert resolve_alias("a", "npm:@acme/b") == NpmRequirement("@acme/b", "")


def test_packages_of_one_level_are_requested_together(registry: Server) -> None:
    """Serve twenty slow siblings, which npm alone would request one after the other."""
    answers = ConcurrentAnswers()
    names = [f"p{number}" for number in range(20)]
    put(registry, "a", "1.0.0", dependencies=dict.fromkeys(names, "1"))
    for name in names:
        registry.replies[f"/{name}"] = answers.answering(packument(name, "1.0.0"))
    solve("a")
    assert answers.most > 4


class ConcurrentAnswers:
    """Counts the requests at the same time, and answers none until there are five."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.are_enough = Event()

    def answering(self, content: bytes) -> Callable[[object], Answer]:
        def answer(_request: object) -> Answer:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.most > 4:
                self.are_enough.set()
            self.are_enough.wait(10)
            self.now -= 1
            return Answer(200, content)

        return answer
