"""The Docker engine of another machine, which only ssh reaches: here it is this machine's own."""

import os
import shutil
from collections.abc import Iterator, Mapping

import pytest

from tests.support.alpine_project import Project, temporary_project
from tests.support.alpine_world import docker, needs_world
from tests.support.json_output import read_document
from tests.support.ssh_server import ssh_server

pytestmark = [
    pytest.mark.engine,
    needs_world,
    pytest.mark.skipif(not shutil.which("ssh"), reason="needs the program ssh"),
]

IMAGES = """
version = "0.1.0"
repository = "{repository}"

[builder.alpine]
from = "alpine:3.23"

[image.alpine.base]
apk = ["orbit-hello"]
verify = ["test -e /etc/alpine-release"]
"""


class Remote(Project):
    """A project whose commands find the Docker engine by ``variables``."""

    variables: Mapping[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self.variables}


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    folder = tmp_path_factory.mktemp("remote")
    with (
        temporary_project(folder / "project", folder / "cache", IMAGES) as local,
        ssh_server(folder) as server,
    ):
        images = (local.folder / "images.toml").read_text()
        remote = Remote(local.folder, local.cache, images)
        path = f"{server.programs}{os.pathsep}{os.environ['PATH']}"
        remote.variables = {"DOCKER_HOST": server.address, "PATH": path}
        remote.lock()
        remote.digests = remote.build()
        yield remote


def test_the_engine_builds_and_keeps_the_images(remote: Remote) -> None:
    assert [*remote.digests] == ["alpine-base"]
    tag = remote.tag("alpine-base")
    found = docker("image", "inspect", "--format", "{{.Id}}", tag).strip()
    assert found == remote.digests["alpine-base"]
    (listed,) = read_document("images", remote.run("images", "--format", "json"))["images"]
    assert (listed["tag"], listed["state"]) == (tag, "fresh")


def test_tests_run_on_the_engine(remote: Remote) -> None:
    assert "test -e /etc/alpine-release" in remote.run("test")


def test_an_audit_reads_the_image_from_the_engine(remote: Remote) -> None:
    tag = remote.tag("alpine-base")
    audit = read_document("audit", remote.run("audit", "--quiet", "--format", "json", tag))
    assert audit["digest"] == remote.digests["alpine-base"]


def test_doctor_names_the_address(remote: Remote) -> None:
    done = remote.start("doctor", "--format", "json")
    checks = {each["name"]: each for each in read_document("doctor", done.stdout)["checks"]}
    assert checks["Docker engine"]["state"] == "ok"
    host = remote.variables["DOCKER_HOST"].partition("@")[2]
    assert checks["Docker engine"]["address"] == f"ssh://{host}"
    assert checks["apk in a container"]["state"] == "ok"
