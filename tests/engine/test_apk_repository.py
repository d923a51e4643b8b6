"""Packages of an own apk repository and from an address: locked, built, archived, built again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.lockset import folder as lockset_folder
from orbiter.lockset.model import LockSetError
from orbiter.render.derived import derive
from tests.support.alpine_world import needs_world, served_folder, write_repository
from tests.support.apk_world import KEY, package_spec, public_key
from tests.support.lock_sets import changed
from tests.support.loopback import Answer, Server, serving
from tests.support.own_repository import RepositoryProject

pytestmark = [pytest.mark.engine, needs_world]

IMAGES = """
version = "0.1.0"
repository = "orbiter-test/apk-repository"

[apk-repository.lab]
url = "{url}"
key-file = "{key}.pub"

[builder.alpine]
from = "alpine:3.23"

[image.alpine.core]
apk = ["own-tool@lab"]
downloads = [{{ url = "{address}" }}]
"""
TAG = "orbiter-test/apk-repository:alpine-core-0.1.0"
ARTIFACTS = "locks/0.1.0/build/alpine-core/artifacts-linux-amd64.txt"


class Project(RepositoryProject):
    """An image set in a folder with an own repository beside those of the test world."""

    def __init__(self, folder: Path, repository: Path, server: Server) -> None:
        super().__init__(folder)
        self.repository, self.server = repository, server
        spec = package_spec("own-tool", "1")
        path = write_repository(
            repository, [(spec, {"usr/bin/own-tool": b"#!/bin/sh\necho own\n"})]
        )
        url = f"{os.environ['ORBITER_WORLD_HTTP_FROM_CONTAINERS']}/{path}"
        server.replies["/alone.apk"] = Answer(200, _package(folder.parent / "alone"))
        address = f"{server.url}/alone.apk"
        (folder / "images.toml").write_text(IMAGES.format(url=url, key=KEY, address=address))
        (folder / f"{KEY}.pub").write_text(public_key())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with served_folder() as repository, serving() as server:
        folder = tmp_path_factory.mktemp("apk") / "project"
        folder.mkdir()
        yield Project(folder, repository, server)


def _package(folder: Path) -> bytes:
    """Return a package that no repository has, with a dependency from the test world."""
    folder.mkdir()
    spec = package_spec("alone", "1", depend="bash")
    files = {"usr/bin/alone": b"#!/bin/bash\necho $BASH_VERSINFO\n"}
    write_repository(folder, [(spec, files)])
    (file,) = folder.rglob("*.apk")
    return file.read_bytes()


def test_the_image_has_the_package_but_neither_key_nor_tag(project: Project) -> None:
    """The tests below use this lock set."""
    project.run("lock", "-q")
    artifacts = (project.folder / ARTIFACTS).read_text()
    assert " apk:lab:x86_64/own-tool-1-r0.apk\n" in artifacts
    assert "/alone.apk\n" in artifacts
    project.run("build", "-q")
    show = "ls /etc/apk/keys; grep -r lab /etc/apk; grep -E 'own|alone' /etc/apk/world"
    script = f"own-tool; alone; {show}"
    command = ["docker", "run", "--rm", "--user", "0", TAG, "sh", "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = done.splitlines()
    assert (lines[:2], lines[-2:]) == (["own", "5"], ["alone", "own-tool"])
    assert f"{KEY}.pub" not in lines
    assert project.run("lock", "--check") == "locks/0.1.0 is fresh\n"


def test_an_address_that_is_not_a_download_is_refused(project: Project) -> None:
    lock_set = lockset_folder.read(project.folder / "locks/0.1.0")
    text = lock_set.files["alpine/apk.lock"].replace("/alone.apk", "/other.apk")
    with pytest.raises(LockSetError, match=r"alone comes from .*/other.apk, which is not a dow"):
        derive(changed(lock_set, {"alpine/apk.lock": text}))


def test_an_edited_key_makes_the_lock_set_stale(project: Project) -> None:
    key = project.folder / f"{KEY}.pub"
    key.write_text(public_key().replace("\n", "\r\n"))
    stale = project.start("lock", "--check")
    key.write_text(public_key())
    assert stale.returncode == 1
    assert f"apk-repository.lab.key-file: content of {KEY}.pub changed" in stale.stdout


def test_an_archive_replaces_the_repository_and_changed_files_are_refused(
    project: Project,
) -> None:
    archive = project.folder.parent / "archive"
    project.run("archive", str(archive))
    project.server.replies["/alone.apk"] = Answer(200, b"changed")
    other_bytes = project.start("fetch", cache="third")
    assert other_bytes.returncode == 2
    assert "/alone.apk: expected sha256:" in other_bytes.stderr
    (file,) = project.repository.rglob("own-tool-1-r0.apk")
    file.write_bytes(file.read_bytes() + b"x")
    refused = project.start("fetch", cache="other")
    assert refused.returncode == 2
    assert "apk/own-tool-1-r0.apk" in refused.stderr
    shutil.rmtree(project.repository / "v3.23")
    assert project.start("fetch", cache="other").returncode == 2
    project.run("fetch", "-q", "--from", str(archive), cache="new")
    project.run("build", "-q", cache="new")
