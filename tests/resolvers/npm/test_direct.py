"""npm packages from addresses and from registries of scopes, served on the loopback interface."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orbiter.fetch.fetch import fetch
from orbiter.fetch.sources import FetchSettings
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers import process
from resolvers.errors import ExpectedError
from resolvers.npm import manager as npm
from resolvers.types.options import NpmOptions
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, LockWarning, Request, Upgrade
from tests.support.loopback import Answer, Server, serving
from tests.support.npm_cases import AMD64
from tests.support.npm_install import install_offline
from tests.support.npm_tarballs import integrity_of, publish, tarball

pytestmark = pytest.mark.index  # without an npm on PATH, one is installed from the index
G = "debian-base-build"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "orbiter"))
    with serving() as server:
        yield server


def solve(
    *requirements: str,
    options: NpmOptions | None = None,
    previous: LockFiles | None = None,
    upgrade: Mapping[str, str] | None = None,
    as_of: datetime | None = None,
    warnings: list[LockWarning] | None = None,
) -> LockFiles:
    return npm.resolve(
        Request(
            groups=(Group(name=G, requirements=requirements),),
            targets=(AMD64,),
            previous=previous or {},
            upgrade=Upgrade(packages=upgrade or {}),
            as_of=as_of,
            warn=(warnings if warnings is not None else []).append,
            npm=options or NpmOptions(),
        )
    )


def entry(files: LockFiles, name: str) -> dict[str, str]:
    entries: dict[str, dict[str, str]] = json.loads(files["package-lock.json"])["packages"]
    return entries[f"node_modules/{name}"]


def locked_files(files: LockFiles) -> list[LockedFile]:
    return [
        LockedFile(path=f"npm/{pin.artifact.file}", hash=pin.artifact.hash, source=source)
        for pin in npm.select(files, AMD64, (G,))
        for source in [pin.artifact.source]
    ]


def test_the_tarball_at_an_address_is_locked_and_installed_offline(
    server: Server, tmp_path: Path
) -> None:
    content = tarball("odd", "1.0.0", "n => require('leaf') + n", dependencies={"leaf": "*"})
    server.replies["/files/odd.tgz"] = Answer(200, content)
    server.replies["/leaf.tgz"] = Answer(200, tarball("leaf", "2.0.0", "40"))
    requirements = (f"odd@{server.url}/files/odd.tgz", f"leaf@{server.url}/leaf.tgz")
    files = solve(*requirements)
    assert entry(files, "odd") == {
        "version": "1.0.0",
        "resolved": f"{server.url}/files/odd.tgz",
        "integrity": integrity_of(content),
        "dependencies": {"leaf": "*"},
    }
    server.requests.clear()
    assert solve(*requirements, previous=files) == files
    assert server.requests == []
    folder = install_offline(files, (G,), tmp_path)
    script = "console.log(require('odd')(2))"
    assert process.run(["node", "-e", script], cwd=folder, name="node") == "42\n"


def test_other_bytes_at_an_address_are_refused_until_an_upgrade(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies["/odd.tgz"] = Answer(200, tarball("odd", "1.0.0", "1"))
    requirement = f"odd@{server.url}/odd.tgz"
    files = solve(requirement)
    changed = tarball("odd", "1.0.0", "2")
    server.replies["/odd.tgz"] = Answer(200, changed)
    with pytest.raises(ExpectedError, match=r"odd-1\.0\.0\.tgz"):
        fetch(locked_files(files), Store(tmp_path / "store"), FetchSettings())
    assert solve(requirement, previous=files) == files  # from the cache
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(ExpectedError, match=r"odd\.tgz is another file now") as error:
        solve(requirement, previous=files)
    assert "orbiter lock --upgrade-package odd" in error.value.hint
    upgraded = solve(requirement, previous=files, upgrade={"odd": ""})
    assert entry(upgraded, "odd")["integrity"] == integrity_of(changed)
    with pytest.raises(ExpectedError, match="odd comes from an address, not in version"):
        solve(requirement, previous=files, upgrade={"odd": "1.1.0"})


def test_a_package_moves_between_a_registry_and_an_address(server: Server) -> None:
    server.replies["/is-number.tgz"] = Answer(200, tarball("is-number", "7.0.0"))
    address = f"is-number@{server.url}/is-number.tgz"
    plain = solve("is-number@7.0.0")
    direct = solve(address, previous=plain)
    assert entry(direct, "is-number")["resolved"] == f"{server.url}/is-number.tgz"
    assert solve("is-number@7.0.0", previous=direct) == plain


def test_a_package_with_another_name_is_an_error_that_gives_it(server: Server) -> None:
    server.replies["/odd.tgz"] = Answer(200, tarball("even", "1.0.0"))
    with pytest.raises(ExpectedError, match="has the name even, not odd") as error:
        solve(f"odd@{server.url}/odd.tgz")
    assert error.value.hint == f"write even@{server.url}/odd.tgz"


def test_an_address_that_a_package_requires_needs_a_requirement_and_an_override(
    server: Server,
) -> None:
    leaf = f"{server.url}/leaf.tgz"
    server.replies["/leaf.tgz"] = Answer(200, tarball("leaf", "2.0.0"))
    server.replies["/odd.tgz"] = Answer(200, tarball("odd", "1.0.0", dependencies={"leaf": leaf}))
    odd = f"odd@{server.url}/odd.tgz"
    with pytest.raises(ExpectedError, match=r"npm: leaf 2\.0\.0 .* not come from a reg") as error:
        solve(odd)
    assert 'add leaf = "$leaf" to npm-overrides' in error.value.hint
    files = solve(odd, f"leaf@{leaf}", options=NpmOptions(overrides={"leaf": "$leaf"}))
    assert entry(files, "leaf")["resolved"] == leaf


def test_as_of_warns_about_addresses(server: Server) -> None:
    server.replies["/odd.tgz"] = Answer(200, tarball("odd", "1.0.0"))
    warnings: list[LockWarning] = []
    solve(f"odd@{server.url}/odd.tgz", as_of=datetime.now(UTC), warnings=warnings)
    (warning,) = warnings
    assert warning.package == "odd"
    assert "--as-of does not change it" in warning.text


def test_a_missing_file_is_an_error_that_names_the_address(server: Server) -> None:
    with pytest.raises(ExpectedError, match=rf"{server.url}/odd\.tgz"):
        solve(f"odd@{server.url}/odd.tgz")


def test_all_packages_of_a_scope_come_from_its_registry(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npmrc = tmp_path / "npmrc"
    npmrc.write_text(
        f"registry={server.url}/main/\n@lab:registry={server.url}/other/\n"
        f"//{server.host}/lab/:_authToken=t0ken\n"
    )
    for name in ("NPM_CONFIG_USERCONFIG", "npm_config_userconfig"):
        monkeypatch.setenv(name, str(npmrc))
    monkeypatch.setenv("npm_config_registry", f"{server.url}/main/")
    publish(server, "/lab/", "@lab/x", "2.0.0", tarball("@lab/x", "2.0.0"))
    publish(server, "/other/", "@lab/x", "9.0.0", tarball("@lab/x", "9.0.0"))
    publish(server, "/main/", "leaf", "1.0.0", tarball("leaf", "1.0.0"))
    registries = {"@lab": f"{server.url}/lab/"}
    files = solve("@lab/x", "leaf", options=NpmOptions(registries=registries))
    assert entry(files, "@lab/x")["version"] == "2.0.0"
    assert "127.0.0.1" not in files["package-lock.json"]
    requests = {request.path: request.headers for request in server.requests}
    assert requests.keys() == {"/lab/@lab%2fx", "/main/leaf"}
    assert requests["/lab/@lab%2fx"]["authorization"] == "Bearer t0ken"
    assert "authorization" not in requests["/main/leaf"]
    server.requests.clear()
    pins = [
        LockedFile(path=each.path, hash=each.hash, source=f"npm:{each.source}")
        for each in locked_files(files)
    ]
    fetch(pins, Store(tmp_path / "store"), FetchSettings(npm_registries=registries))
    paths = {request.path for request in server.requests}
    assert paths == {"/lab/@lab/x/-/x-2.0.0.tgz", "/main/leaf/-/leaf-1.0.0.tgz"}
