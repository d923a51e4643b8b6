"""Tarballs of npm packages in git: fetched, archived, and fetched from the archive."""

import hashlib
from pathlib import Path

from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers.npm import git_tarball
from resolvers.npm.address import GitAddress
from tests.orbiter.fetch.test_direct_files import orbiter
from tests.orbiter.fetch.test_fill import OF_PACKAGES, write_lock_set
from tests.support.git_server import GitServer, git_server

FILES = {"package.json": '{"name": "odd", "version": "1.0.0"}'}


def of_a_commit(repositories: GitServer, folder: Path) -> LockedFile:
    """Commit a package, and return the entry of its tarball."""
    commit = repositories.commit("odd", FILES)
    address = GitAddress(repositories.repository_url("odd"), commit)
    git_tarball.write_tarball(address, folder / "odd.tar")
    digest = hashlib.sha512((folder / "odd.tar").read_bytes()).hexdigest()
    return LockedFile(path="npm/odd-1.0.0.tgz", hash=f"sha512:{digest}", source=f"npm:{address}")


def test_a_commit_is_fetched_archived_and_fetched_from_the_archive(tmp_path: Path) -> None:
    with git_server(tmp_path / "repositories") as repositories:
        file = of_a_commit(repositories, tmp_path)
        write_lock_set(tmp_path, [file], OF_PACKAGES)
        done = orbiter(tmp_path, "first", "fetch")
        assert done.returncode == 0, done.stderr
        done = orbiter(tmp_path, "first", "archive", "kept")
        assert done.returncode == 0, done.stderr
    done = orbiter(tmp_path, "second", "fetch", "--from", "kept")
    assert done.returncode == 0, done.stderr
    Store(tmp_path / "second/store").verify(file.hash)


def test_a_repository_with_other_files_at_the_commit_is_refused(tmp_path: Path) -> None:
    with git_server(tmp_path / "repositories") as repositories:
        file = of_a_commit(repositories, tmp_path)
        changed = repositories.commit("odd", {"index.js": "other"})
        source = file.source.partition("#")[0] + f"#{changed}"
        write_lock_set(
            tmp_path, [LockedFile(path=file.path, hash=file.hash, source=source)], OF_PACKAGES
        )
        done = orbiter(tmp_path, "first", "fetch")
    assert done.returncode == 2
    assert f"expected {file.hash}" in done.stderr
