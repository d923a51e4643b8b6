"""The builder alpine with packages, keys and platforms that are not what they should be: clear errors, nothing lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from resolvers.npm import manager as npm
from resolvers.pip import manager as pip
from tests.support.alpine_project import Project, inside, project
from tests.support.alpine_world import base_image, image, needs_world, served, write_repository
from tests.support.apk_world import KEY, package_spec

pytestmark = [pytest.mark.engine, pytest.mark.index, needs_world]

IMAGES = """
version = "0.1.0"
repository = "{repository}"

[builder.alpine]
from = "{base}"
python = "3.13"

[image.alpine.core]
apk = ["orbit-own"]
"""
OWN = package_spec("orbit-own", "1.0")
FILES = {"usr/bin/orbit-own": b"#!/bin/sh\necho own\n"}
PLATFORMS = 'platforms = ["linux/amd64", "linux/arm64"]\n\n[builder.alpine]'
PIP = 'apk = ["python3"]\npip = ["numpy"]\nnpm = ["semver"]'
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(44)
"""The head of a program for arm64."""


@pytest.fixture
def place() -> Iterator[Path]:
    with served() as folder:
        yield folder


@pytest.fixture
def small(place: Path, tmp_path: Path) -> Iterator[Project]:
    """One package of our own, locked."""
    own = write_repository(place, [(OWN, FILES)])
    with (
        base_image(own) as base,
        project(tmp_path / "project", tmp_path / "cache", IMAGES.replace("{base}", base)) as built,
    ):
        built.lock()
        yield built


def test_a_flipped_byte_in_the_store_is_noticed_and_fetched_again(small: Project) -> None:
    (file,) = (small.cache / "store").rglob(
        small.locked().files["build/alpine-core/apk-linux-amd64.sha256"].split()[0]
    )
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    file.write_bytes(content)
    assert "orbit-own-1.0-r0.apk was changed in the store" in small.refused("build")
    small.build()
    assert inside(small.tag("alpine-core"), "orbit-own") == "own\n"


def test_a_package_that_no_trusted_key_has_signed_is_not_installed(small: Project) -> None:
    """Here the key goes before the locked packages come."""
    locked = small.locked()
    name = "build/alpine-core/Dockerfile"
    head, user, steps = locked.files[name].partition("\nUSER 0\n")
    text = f"{head}{user}RUN rm /etc/apk/keys/{KEY}.pub\n{steps}"
    lockset_folder.write(
        model.seal(locked.manifest, {**locked.files, name: text}), small.folder / "locks/0.1.0"
    )
    said = small.refused("build")
    assert "error: building alpine-core failed at 'apk':" in said
    assert "UNTRUSTED signature" in said


def test_an_index_by_an_unknown_key_is_not_locked(small: Project, place: Path) -> None:
    with base_image(f"{place.name}/v3.23/tests", trusting=False) as wary:
        small.edit(small.base, wary)
        said = small.refused("lock")
    assert "apk update failed on linux/amd64" in said
    assert "UNTRUSTED signature" in said


def test_a_package_that_our_key_has_not_signed_is_not_locked(
    small: Project, place: Path, tmp_path: Path
) -> None:
    newer = package_spec("orbit-own", "2.0")
    write_repository(place, [(newer, FILES)], key="unknown.rsa")
    small.cache = tmp_path / "other"
    said = small.refused("lock", "--upgrade")
    assert (
        "a package is incomplete, or not signed by a key that the base image trusts, on linux/amd64"
        in said
    )
    assert "BAD signature" in said


def test_a_platform_that_the_base_image_is_not_made_for(small: Project) -> None:
    small.edit("[builder.alpine]", PLATFORMS)
    small.edit(small.base, "alpine:3.23")
    said = small.refused("lock")
    assert (
        "error: the base image 'alpine:3.23' is not available for linux/arm64, only for linux/amd64"
        in said
    )
    assert "leave the platform out of 'platforms'" in said


def test_a_platform_whose_programs_the_engine_cannot_run(
    small: Project, two_platforms: str
) -> None:
    small.edit("[builder.alpine]", PLATFORMS)
    small.edit(small.base, two_platforms)
    small.edit("orbit-own", "tini")
    said = small.refused("lock")
    assert f"error: the shell in {two_platforms} for linux/arm64 failed" in said
    assert "exec format error" in said
    assert "lock what needs none of them: orbiter lock --only conda,pip,npm" in said


@pytest.fixture
def two_platforms() -> Iterator[str]:
    """A base image for both platforms, of which this machine can run one."""
    dockerfile = "FROM alpine:3.23 AS amd64\nFROM scratch AS arm64\nCOPY --chmod=755 sh /bin/sh\nFROM $TARGETARCH\n"
    with image(dockerfile, {"sh": PROGRAM}, "--platform", "linux/amd64,linux/arm64") as tag:
        yield tag


@pytest.mark.parametrize("engine", ["poetry", "uv"])
def test_pip_and_npm_are_locked_for_both_platforms_without_running_either(
    tmp_path: Path, engine: str
) -> None:
    text = IMAGES.replace("{base}", "alpine:3.23").replace(
        "[builder.alpine]", f'{PLATFORMS}\npip-engine = "{engine}"'
    )
    with project(tmp_path, tmp_path / "cache", text.replace('apk = ["orbit-own"]', PIP)) as made:
        made.told("lock", "--only", "pip,npm")
    for platform, machine in (("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")):
        (numpy,) = pip.select(made.lock_files("pip"), made.target(platform), ("alpine-core",))
        assert "-cp313-cp313-musllinux_" in numpy.artifact.file
        assert numpy.artifact.file.endswith(f"_{machine}.whl")
        (semver,) = npm.select(made.lock_files("npm"), made.target(platform), ("alpine-core",))
        assert semver.name == "semver"
