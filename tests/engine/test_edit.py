"""``orbiter add``, ``remove`` and ``update`` with packages that apt and apk resolve."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.alpine_project import Project, temporary_project
from tests.support.alpine_world import base_image, needs_world, served_folder, write_repository
from tests.support.apk_world import package_spec
from tests.support.apt_repository import apt_repository, public_key
from tests.support.own_repository import RepositoryProject

pytestmark = [pytest.mark.engine, needs_world]

APT = """\
version = "0.1.0"
repository = "orbiter-test/edit"

[sets]
tools = ["orbit-core"]  # all images need it

[apt-repository.own]
url = "{url}"
suite = "stable"
key-file = "own.asc"

[builder.debian]
from = "debian:trixie-slim"
apt-repositories = ["own"]

[image.debian.core]
apt = ["@tools"]
"""
APK = """\
version = "0.1.0"
repository = "{repository}"

[builder.alpine]
from = "{base}"
python = "3.13"

[image.alpine.core]
apk = [
    "orbit-core",  # the first
]
"""


def test_apt(tmp_path: Path) -> None:
    with apt_repository() as repository:
        repository.write(
            ("orbit-core", "1.0", ""), ("orbit-tool", "1.0", "Depends: orbit-core (>= 1.0)")
        )
        (tmp_path / "images.toml").write_text(APT.format(url=repository.url))
        (tmp_path / "own.asc").write_bytes(public_key())
        project = RepositoryProject(tmp_path)
        project.run("lock", "-q")
        printed = project.run("add", "orbit-tool", "--manager", "apt", "-q")
        text = (tmp_path / "images.toml").read_text()
        assert 'apt = ["@tools", "orbit-tool"]\n' in text
        assert "+ orbit-tool 1.0: asked for" in printed
        refused = project.start("add", "orbit-core=9.9", "-q", "--manager", "apt")
        assert refused.returncode == 2, refused.stdout
        assert (tmp_path / "images.toml").read_text() == text
        repository.write(
            ("orbit-core", "1.1", ""), ("orbit-tool", "2.0", "Depends: orbit-core (>= 1.1)")
        )
        held = project.start("update", "orbit-tool", "--minor", "-q")
        assert "orbit-tool was not upgraded: orbit-tool 1.0 → 2.0 is a major step" in held.stderr
        assert "unchanged" in held.stdout
        assert "↑ orbit-tool 1.0 → 2.0: asked for" in project.run("update", "orbit-tool", "-q")
        project.run("remove", "orbit-tool", "-q")
        assert (tmp_path / "images.toml").read_text() == APT.format(url=repository.url)
        assert project.run("lock", "--check") == "locks/0.1.0 is fresh\n"


@pytest.fixture
def served() -> Iterator[Path]:
    with served_folder() as folder:
        yield folder


@pytest.fixture
def alpine(served: Path, tmp_path: Path) -> Iterator[Project]:
    files = {"usr/bin/orbit": b"#!/bin/sh\n"}
    specs = [
        package_spec("orbit-core", "1.0"),
        package_spec("orbit-tool", "1.0", D="orbit-core>=1.0"),
    ]
    contents = [
        (spec, {f"{path}-{spec.name}": text for path, text in files.items()}) for spec in specs
    ]
    own = write_repository(served, contents)
    with (
        base_image(own) as base,
        temporary_project(
            tmp_path / "project", tmp_path / "cache", APK.replace("{base}", base)
        ) as project,
    ):
        project.lock()
        yield project


def test_apk(alpine: Project) -> None:
    path = alpine.folder / "images.toml"
    before = path.read_bytes()
    printed = alpine.run("add", "orbit-tool", "--manager", "apk", "-q")
    assert '    "orbit-core",  # the first\n    "orbit-tool",\n]' in path.read_text()
    assert "+ orbit-tool 1.0-r0: asked for" in printed
    assert "apk" in alpine.run("update", "orbit-tool", "--patch", "-q")
    alpine.run("remove", "orbit-tool", "-q")
    assert path.read_bytes() == before
    assert alpine.run("lock", "--check") == "locks/0.1.0 is fresh\n"
