"""Files of pip from an address: fetched, archived, and fetched from the archive."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers.index.git_sdist import sdist_of
from tests.orbiter.fetch.test_fill import OF_PACKAGES, write_lock_set
from tests.support.acme_repository import Repository
from tests.support.git_server import git_server
from tests.support.loopback import Answer, Server, serving
from tests.support.paths import INVENTED_ORBITER


def orbiter(project: Path, cache: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command for the release 0.1.0 with a cache of its own, without an engine."""
    env = {**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:1", "ORBITER_ARCHIVE": ""}
    env["ORBITER_CACHE_DIR"] = str(project / cache)
    command = [sys.executable, INVENTED_ORBITER, *words, "-q", "--release", "0.1.0"]
    return subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )


def of_an_address(server: Server, content: bytes, *, locked: bytes = b"") -> LockedFile:
    """Serve a file; return its entry, with the hash of ``locked`` if that is given."""
    server.replies["/acme-1.0-py3-none-any.whl"] = Answer(200, content)
    digest = hashlib.sha256(locked or content).hexdigest()
    return LockedFile(
        path="pip/acme-1.0-py3-none-any.whl",
        hash=f"sha256:{digest}",
        size=len(content),
        source=f"url:{server.url}/acme-1.0-py3-none-any.whl",
    )


def test_a_file_of_an_address_is_fetched_archived_and_fetched_from_the_archive(
    tmp_path: Path,
) -> None:
    with serving() as server:
        file = of_an_address(server, b"wheel")
        write_lock_set(tmp_path, [file], OF_PACKAGES)
        assert orbiter(tmp_path, "first", "fetch").returncode == 0
        done = orbiter(tmp_path, "first", "archive", "kept")
        assert done.returncode == 0, done.stderr
    done = orbiter(tmp_path, "second", "fetch", "--from", "kept")
    assert done.returncode == 0, done.stderr
    Store(tmp_path / "second/store").verify(file.hash)


def test_a_changed_file_of_an_address_is_refused(tmp_path: Path) -> None:
    with serving() as server:
        file = of_an_address(server, b"wheel", locked=b"whale")
        write_lock_set(tmp_path, [file], OF_PACKAGES)
        done = orbiter(tmp_path, "first", "fetch")
    assert done.returncode == 2
    assert f"expected {file.hash}" in done.stderr
    assert not Store(tmp_path / "first/store").has(file.hash)


def test_a_conda_package_of_an_address_is_fetched_from_the_archive(tmp_path: Path) -> None:
    with serving() as server:
        content = b"package"
        server.replies["/direct-1.0-0.conda"] = Answer(200, content)
        file = LockedFile(
            path="conda/direct-1.0-0.conda",
            hash=f"sha256:{hashlib.sha256(content).hexdigest()}",
            source=f"conda:{server.url}/direct-1.0-0.conda",
        )
        write_lock_set(tmp_path, [file], OF_PACKAGES)
        done = orbiter(tmp_path, "first", "archive", "kept")
        assert done.returncode == 0, done.stderr
    done = orbiter(tmp_path, "second", "fetch", "--from", "kept")
    assert done.returncode == 0, done.stderr
    Store(tmp_path / "second/store").verify(file.hash)


def test_an_sdist_of_a_commit_is_made_again_archived_and_fetched_from_the_archive(
    tmp_path: Path,
) -> None:
    with git_server(tmp_path / "git") as server:
        repository = Repository(server)
        commit = repository.commit()
        source = f"git:{repository.url}@{commit}"
        content = sdist_of(source, "acme-1.0.tar.gz")
        file = LockedFile(
            path="pip/acme-1.0.tar.gz",
            hash=f"sha256:{hashlib.sha256(content).hexdigest()}",
            size=len(content),
            source=source,
        )
        write_lock_set(tmp_path, [file], OF_PACKAGES)
        assert orbiter(tmp_path, "first", "fetch").returncode == 0
        done = orbiter(tmp_path, "first", "archive", "kept")
        assert done.returncode == 0, done.stderr
        wrong = replace(file, hash=f"sha256:{'0' * 64}")
        write_lock_set(tmp_path, [wrong], OF_PACKAGES)
        done = orbiter(tmp_path, "third", "fetch")
        assert done.returncode == 2
        assert f"got {file.hash}" in done.stderr
    write_lock_set(tmp_path, [file], OF_PACKAGES)
    done = orbiter(tmp_path, "second", "fetch", "--from", "kept")
    assert done.returncode == 0, done.stderr
    Store(tmp_path / "second/store").verify(file.hash)
    done = orbiter(tmp_path, "third", "fetch")  # nothing serves the repository any more
    assert done.returncode == 2
    assert "git cannot read" in done.stderr
