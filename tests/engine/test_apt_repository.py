"""A package of an own apt repository: locked, built, archived, and built again without it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.alpine_world import needs_world
from tests.support.apt_repository import AptRepository, apt_repository, clear, public_key
from tests.support.own_repository import RepositoryProject

pytestmark = [pytest.mark.engine, needs_world]

IMAGES = """
version = "0.1.0"
repository = "orbiter-test/apt-repository"

[apt-repository.own]
url = "{url}"
suite = "stable"
key-file = "own.asc"

[builder.debian]
from = "debian:trixie-slim"
apt-repositories = ["own"]

[image.debian.core]
apt = ["orbit-tool"]
"""
TAG = "orbiter-test/apt-repository:debian-core-0.1.0"
ARTIFACTS = "locks/0.1.0/build/debian-core/artifacts-linux-amd64.txt"


class Project(RepositoryProject):
    """An image set with an own apt repository."""

    def __init__(self, folder: Path, repository: AptRepository) -> None:
        super().__init__(folder)
        self.repository = repository
        (folder / "images.toml").write_text(IMAGES.format(url=repository.url))
        (folder / "own.asc").write_bytes(public_key())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with apt_repository() as repository:
        repository.write(("orbit-tool", "1.0", ""))
        folder = tmp_path_factory.mktemp("apt") / "project"
        folder.mkdir()
        yield Project(folder, repository)


def test_the_image_has_the_package_but_not_the_repository(project: Project) -> None:
    """The tests below use this lock set."""
    project.run("lock", "-q")
    assert "apt:own:pool/orbit-tool_1.0_all.deb\n" in (project.folder / ARTIFACTS).read_text()
    project.run("build", "-q")
    script = (
        "cat /usr/share/orbit-tool/version;"
        f" grep -rlF {project.repository.url} /etc /usr/share/keyrings /var/lib || true"
    )
    command = ["docker", "run", "--rm", "--user", "0", TAG, "sh", "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "1.0\n"
    assert project.run("lock", "--check") == "locks/0.1.0 is fresh\n"


def test_an_edit_is_stale_and_another_repository_is_a_difference(project: Project) -> None:
    images = project.folder / "images.toml"
    text = images.read_text()
    (project.folder / "own.asc").write_bytes(public_key("other"))
    stale = project.start("lock", "--check")
    assert stale.returncode == 1
    assert "apt-repository.own.key-file: content of own.asc changed" in stale.stdout
    (project.folder / "own.asc").write_bytes(public_key())
    renamed = text.replace('"0.1.0"', '"0.2.0"').replace("repository.own]", "repository.new]")
    images.write_text(renamed.replace('["own"]', '["new"]'))
    project.run("lock", "-q")
    report = project.run("diff-locks", "0.1.0", "0.2.0")
    assert "orbit-tool 1.0 moved" in report
    images.write_text(text)


def test_a_changed_package_is_refused(project: Project) -> None:
    file = project.repository.file("orbit-tool")
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        done = project.start("fetch", cache="empty")
        assert done.returncode == 2
        assert "apt/orbit-tool_1.0_all.deb" in done.stderr
        assert "ORBITER_APT_MIRROR" not in done.stderr
    finally:
        file.write_bytes(content)


def test_an_archive_replaces_the_repository(project: Project) -> None:
    archive = project.folder.parent / "archive"
    project.run("archive", str(archive))
    clear(project.repository)
    missing = project.start("fetch", cache="other")
    assert missing.returncode == 2
    assert "apt/orbit-tool_1.0_all.deb" in missing.stderr
    project.run("fetch", "-q", "--from", str(archive), cache="new")
    project.run("build", "-q", cache="new")
