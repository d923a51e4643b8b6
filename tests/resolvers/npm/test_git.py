"""npm packages from git repositories that git itself serves on the loopback interface."""

import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha512
from pathlib import Path

import pytest

from resolvers import process
from resolvers.errors import ExpectedError
from resolvers.npm import git_tarball
from resolvers.npm import manager as npm
from resolvers.npm.address import GitAddress, git_address, git_commit, source_of
from resolvers.types.request import LockWarning
from tests.resolvers.npm.test_direct import G, entry, solve
from tests.support.git_server import GitServer, git_server
from tests.support.npm_install import install_offline

PACKAGE = {"name": "odd", "version": "1.2.0"}
FILES = {"package.json": json.dumps(PACKAGE), "index.js": "module.exports = 1\n"}


@pytest.fixture
def repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "orbiter"))
    with git_server(tmp_path / "repositories") as server:
        yield server


@pytest.mark.index
def test_a_tag_is_locked_to_its_commit_and_installed_offline(
    repositories: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repositories.commit("odd", FILES, "v1.2")
    address = f"git+{repositories.repository_url('odd')}"
    files = solve(f"odd@{address}#v1.2")
    assert entry(files, "odd")["resolved"] == f"{address}#{commit}"
    assert json.loads(files["package.json"])["dependencies"] == {"odd": f"{address}#v1.2"}
    (package,) = npm.read(files)
    assert (package.version, package.build) == ("1.2.0", commit)
    moved = repositories.commit("odd", {"index.js": "module.exports = 2\n"}, "v1.2")
    for cache in ("orbiter", "empty"):
        monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / cache))
        assert solve(f"odd@{address}#v1.2", previous=files) == files
    folder = install_offline(files, (G,), tmp_path)
    script = "console.log(require('odd'))"
    assert process.run(["node", "-e", script], cwd=folder, name="node") == "1\n"
    upgraded = solve(f"odd@{address}#v1.2", previous=files, upgrade={"odd": ""})
    assert entry(upgraded, "odd")["resolved"] == f"{address}#{moved}"
    for reference in ("", "#main", f"#{moved}"):
        same = solve(f"odd@{address}{reference}", previous=files)
        assert entry(same, "odd")["resolved"] == f"{address}#{moved}"


@pytest.mark.index
def test_scripts_never_run_and_lock_warns_about_them(
    repositories: GitServer, tmp_path: Path
) -> None:
    scripts = {"prepare": f"touch {tmp_path}/ran", "install": f"touch {tmp_path}/ran"}
    files = {**FILES, "package.json": json.dumps(PACKAGE | {"scripts": scripts})}
    repositories.commit("odd", files)
    warnings: list[LockWarning] = []
    address = f"git+{repositories.repository_url('odd')}"
    locked = solve(f"odd@{address}", as_of=datetime.now(UTC), warnings=warnings)
    install_offline(locked, (G,), tmp_path)
    assert not (tmp_path / "ran").exists()
    texts = [warning.text for warning in warnings]
    assert "comes from git, and its scripts prepare do not run" in texts
    assert any("--as-of does not change it" in text for text in texts)
    assert any("its install scripts will not run" in text for text in texts)


@pytest.mark.index
def test_a_missing_tag_or_repository_is_an_error_with_the_remedy(repositories: GitServer) -> None:
    repositories.commit("odd", FILES)
    address = f"git+{repositories.repository_url('odd')}"
    with pytest.raises(ExpectedError, match=r"odd\.git has no tag or branch 'v9'") as error:
        solve(f"odd@{address}#v9")
    assert "git ls-remote" in error.value.hint
    with pytest.raises(ExpectedError, match=r"git cannot read http.*odd\.git: fatal"):
        solve(f"odd@{address}#{'1' * 40}")
    with pytest.raises(ExpectedError, match=r"git cannot read http.*none\.git: .*not found"):
        solve(f"odd@git+{repositories.repository_url('none')}")
    repositories.commit("empty", {"README": "text"})
    with pytest.raises(ExpectedError, match=r"has no package\.json in its top folder"):
        solve(f"odd@git+{repositories.repository_url('empty')}")


def test_the_tarball_of_a_commit_has_the_same_bytes_whatever_the_settings(
    repositories: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes = {".gitattributes": "b filter=lfs\n"}
    repositories.commit(
        "odd", {**FILES, **attributes, "z/run.sh": "#!/bin/sh\n", "a/é.txt": "a\r\n"}
    )
    folder = repositories.folder / "odd.git"
    (folder / "z/run.sh").chmod(0o755)
    (folder / "link").symlink_to("/etc/passwd")
    commit = repositories.commit("odd", {"b": "text\n"})
    address = GitAddress(repositories.repository_url("odd"), commit)
    digests = set()
    users = {"core.autocrlf": "true", "tar.umask": "0077", "filter.lfs.smudge": "tr a-z A-Z"}
    for setting, value in {"core.abbrev": "10", **users}.items():
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", setting)
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", value)
        git_tarball.write_tarball(address, tmp_path / "package.tar")
        digests.add(sha512((tmp_path / "package.tar").read_bytes()).hexdigest())
    assert len(digests) == 1
    with tarfile.open(tmp_path / "package.tar") as tarball:
        modes = {member.name: member.mode for member in tarball}
        owners = {(member.uid, member.gid, member.mtime) for member in tarball}
    assert modes == {
        "package/.gitattributes": 0o644,
        "package/a/é.txt": 0o644,
        "package/b": 0o644,
        "package/index.js": 0o644,
        "package/package.json": 0o644,
        "package/z/run.sh": 0o755,
    }
    assert owners == {(0, 0, git_tarball.MTIME)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("github:ada/odd", "git+https://github.com/ada/odd.git"),
        ("gitlab:ada/odd.git#v1", "git+https://gitlab.com/ada/odd.git#v1"),
        ("git+ssh://git@host.example/ada/odd.git#v1", "git+ssh://git@host.example/ada/odd.git#v1"),
        ("git+https://host.example/odd#feature/x", "git+https://host.example/odd#feature/x"),
        ("git+https://ada:pw@host.example/odd", ""),
        ("git+ssh://git:pw@host.example/odd", ""),
        ("git+https://host.example/odd#--upload-pack=x", ""),
        ("git+https://host.example/odd#semver:^1", ""),
        ("git+ext::sh -c x", ""),
        ("git+ssh://-oProxyCommand/x", ""),
        ("git+file:///odd", ""),
        ("git+https://host.example/odd\n", ""),
    ],
)
def test_addresses_of_repositories(text: str, expected: str) -> None:
    address = git_address(text)
    assert (str(address) if address else "") == expected


def test_a_lock_has_complete_commits_only() -> None:
    complete = f"git+https://host.example/odd#{'a' * 40}"
    assert source_of(complete) == complete
    assert git_commit("git+https://host.example/odd#v1") is None
    assert source_of("git+https://host.example/odd#aaaaaaa") == ""
    assert source_of("file:../odd") == ""
