"""Lock sets with aliases, overrides, addresses and registries of npm, made by real commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_server import git_server
from tests.support.loopback import Answer, Server, serving
from tests.support.npm_project import NpmProject
from tests.support.npm_tarballs import publish, tarball

pytestmark = pytest.mark.index


def test_an_alias_and_an_override_make_the_lock_set_stale_and_appear_in_the_diff(
    tmp_path: Path,
) -> None:
    project = NpmProject(tmp_path)
    project.write('"odd@npm:is-odd@3.0.0"')
    project.lock()
    assert project.stale() == ""
    before = project.contents()
    project.lock()
    assert project.contents() == before
    project.write('"odd@npm:is-odd@3.0.1"', 'npm-overrides = { is-number = "^7" }')
    stale = project.stale()
    assert "image.debian.base.build.npm: odd@npm:is-odd@3.0.0 -> odd@npm:is-odd@3.0.1" in stale
    assert "builder.debian.npm-overrides.is-number: (none) -> ^7" in stale
    project.write('"odd@npm:is-odd@3.0.1"', 'npm-overrides = { is-number = "^7" }', version="0.2.0")
    project.lock()
    assert project.stale() == ""
    diff = project.diff("0.1.0", "0.2.0")
    assert '"old": "odd@npm:is-odd@3.0.0", "new": "odd@npm:is-odd@3.0.1"' in json.dumps(diff)
    changes = {change["name"]: change for change in diff["changes"]}
    assert changes.keys() == {"is-odd", "is-number"}
    assert changes["is-odd"]["direct"]
    assert not changes["is-number"]["direct"]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def test_another_address_of_a_tarball_makes_the_lock_set_stale_and_appears_in_the_diff(
    tmp_path: Path, server: Server
) -> None:
    server.replies["/a/odd.tgz"] = Answer(200, tarball("odd", "1.0.0", "1"))
    server.replies["/b/odd.tgz"] = Answer(200, tarball("odd", "1.0.0", "2"))
    project = NpmProject(tmp_path, {"ORBITER_CACHE_DIR": str(tmp_path / "cache")})
    project.write(f'"odd@{server.url}/a/odd.tgz"')
    project.lock()
    assert project.stale() == ""
    before = project.contents()
    project.lock()
    assert project.contents() == before
    project.write(f'"odd@{server.url}/b/odd.tgz"')
    assert "image.debian.base.build.npm: odd@" in project.stale()
    project.write(f'"odd@{server.url}/b/odd.tgz"', version="0.2.0")
    project.lock()
    (change,) = project.diff("0.1.0", "0.2.0")["changes"]
    assert change["name"] == "odd"
    assert f"{server.url}/a/odd.tgz" in str(change)
    assert f"{server.url}/b/odd.tgz" in str(change)


def test_the_registry_of_a_scope_makes_the_lock_set_stale(tmp_path: Path, server: Server) -> None:
    for folder, version in (("/one/", "1.0.0"), ("/two/", "2.0.0")):
        publish(server, folder, "@lab/x", version, tarball("@lab/x", version))
    table = '[npm-registry.lab]\nscope = "@lab"\nurl = "{}"\n'
    project = NpmProject(tmp_path)
    project.write('"@lab/x"', top=table.format(f"{server.url}/one/"))
    project.lock()
    assert project.stale() == ""
    project.write('"@lab/x"', top=table.format(f"{server.url}/two"))
    assert 'npm-registry."@lab".url: ' in project.stale()
    report = project.lock("--upgrade-package", "@lab/x")
    assert "@lab/x 1.0.0 → 2.0.0" in report
    assert "127.0.0.1" not in project.lock_files()["package-lock.json"]


def test_mistakes_never_repeat_a_password(tmp_path: Path) -> None:
    project = NpmProject(tmp_path)
    table = '[npm-registry.lab]\nscope = "@lab"\nurl = "https://me:s3cret@host/"\n'
    project.write('"odd@https://me:s3cret@host/odd.tgz"', top=table)
    errors = project.fails("lock", "--only", "npm")
    assert "npm-registry.lab.url: contains credentials" in errors
    assert "the address of 'odd' contains credentials" in errors
    assert "s3cret" not in errors


def test_another_tag_of_a_repository_makes_the_lock_set_stale_and_appears_in_the_diff(
    tmp_path: Path,
) -> None:
    project = NpmProject(tmp_path, {"ORBITER_CACHE_DIR": str(tmp_path / "cache")})
    with git_server(tmp_path / "repositories") as repositories:
        package = {"package.json": '{"name": "odd", "version": "1.0.0"}'}
        first = repositories.commit("odd", package, "v1")
        second = repositories.commit("odd", {"index.js": "1\n"}, "v2")
        address = f"odd@git+{repositories.repository_url('odd')}"
        project.write(f'"{address}#v1"')
        project.lock()
        assert project.stale() == ""
        before = project.contents()
        project.lock()
        assert project.contents() == before
        project.write(f'"{address}#v2"', version="0.2.0")
        project.lock()
    project.write(f'"{address}#v3"', version="0.2.0")
    assert f"{address}#v2 -> {address}#v3" in project.stale()
    (change,) = project.diff("0.1.0", "0.2.0")["changes"]
    assert change["name"] == "odd"
    assert first in str(change)
    assert second in str(change)
