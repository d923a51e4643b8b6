"""The alpine builder rejects wrong packages, keys and platforms with a clear error."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from resolvers.npm import manager as npm
from resolvers.pip import manager as pip
from tests.support.alpine_project import Project, run_inside, temporary_project
from tests.support.alpine_world import (
    base_image,
    needs_world,
    registry_image,
    served_folder,
    write_repository,
)
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
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\xf3\0\x01\0\0\0" + bytes(40)
"""The header of a program for riscv64, which machines rarely emulate, unlike arm64."""


@pytest.fixture
def served() -> Iterator[Path]:
    with served_folder() as folder:
        yield folder


@pytest.fixture
def small(served: Path, tmp_path: Path) -> Iterator[Project]:
    """Lock a single package."""
    own = write_repository(served, [(OWN, FILES)])
    with (
        base_image(own) as base,
        temporary_project(
            tmp_path / "project", tmp_path / "cache", IMAGES.replace("{base}", base)
        ) as project,
    ):
        project.lock()
        yield project


def test_a_corrupt_file_in_the_store_is_detected_and_fetched_again(small: Project) -> None:
    (file,) = (small.cache / "store").rglob(
        small.lock_set().files["build/alpine-core/apk-linux-amd64.sha256"].split()[0]
    )
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    file.write_bytes(content)
    assert "orbit-own-1.0-r0.apk was changed in the store" in small.run_rejected("build")
    small.build()
    assert run_inside(small.tag("alpine-core"), "orbit-own") == "own\n"


def test_a_package_is_not_installed_without_a_trusted_key(small: Project) -> None:
    """The key is removed before the locked packages are installed."""
    locked = small.lock_set()
    name = "build/alpine-core/Dockerfile"
    head, user, steps = locked.files[name].partition("\nUSER 0\n")
    script = f"RUN --network=none <<'KEY'\nrm /etc/apk/keys/{KEY}.pub\nKEY\n"
    # Another version of Orbiter may have rendered such a step.
    other_templates = replace(locked.manifest, templates="")
    files = {**locked.files, name: f"{head}{user}{script}{steps}"}
    lockset_folder.write(model.seal(other_templates, files), small.folder / "locks/0.1.0")
    errors = small.run_rejected("build")
    assert "error: building alpine-core failed at 'apk':" in errors
    assert "UNTRUSTED signature" in errors


def test_an_index_signed_by_an_unknown_key_is_not_locked(small: Project, served: Path) -> None:
    with base_image(f"{served.name}/v3.23/tests", trusted=False) as base:
        small.edit(small.base, base)
        errors = small.run_rejected("lock")
    assert "apk update failed on linux/amd64" in errors
    assert "UNTRUSTED signature" in errors


def test_a_package_signed_by_an_unknown_key_is_not_locked(
    small: Project, served: Path, tmp_path: Path
) -> None:
    newer = package_spec("orbit-own", "2.0")
    write_repository(served, [(newer, FILES)], key="unknown.rsa")
    small.cache = tmp_path / "other"
    errors = small.run_rejected("lock", "--upgrade")
    assert (
        "a package is incomplete, or not signed by a key that the base image trusts, on linux/amd64"
        in errors
    )
    assert "BAD signature" in errors


def test_a_platform_that_the_base_image_lacks_is_rejected(small: Project) -> None:
    small.edit("[builder.alpine]", PLATFORMS)
    small.edit(small.base, "alpine:3.23")
    errors = small.run_rejected("lock")
    assert (
        "error: the base image 'alpine:3.23' is not available for linux/arm64, only for linux/amd64"
        in errors
    )
    assert "leave the platform out of 'platforms'" in errors


def test_a_platform_that_the_engine_cannot_run_is_rejected(
    small: Project, two_platforms: str
) -> None:
    small.edit("[builder.alpine]", PLATFORMS)
    small.edit(small.base, two_platforms)
    small.edit("orbit-own", "tini")
    errors = small.run_rejected("lock")
    assert f"error: the shell in {two_platforms} for linux/arm64 failed" in errors
    assert "exec format error" in errors.lower()
    assert "lock only the managers that do not need it: orbiter lock --only conda,pip,npm" in errors


@pytest.fixture
def two_platforms() -> Iterator[str]:
    """Yield a base image for two platforms; this machine can run one of them."""
    dockerfile = (
        "FROM alpine:3.23 AS amd64\n"
        "FROM scratch AS arm64\nCOPY --chmod=755 sh /bin/sh\n"
        "FROM $TARGETARCH\n"
    )
    with registry_image(
        dockerfile, {"sh": PROGRAM}, "--platform", "linux/amd64,linux/arm64"
    ) as tag:
        yield tag


@pytest.mark.parametrize("engine", ["poetry", "uv", "pip-tools"])
def test_pip_and_npm_are_locked_for_both_platforms_without_running_either(
    tmp_path: Path, engine: str
) -> None:
    text = IMAGES.replace("{base}", "alpine:3.23").replace(
        "[builder.alpine]", f'{PLATFORMS}\npip-engine = "{engine}"'
    )
    with temporary_project(
        tmp_path, tmp_path / "cache", text.replace('apk = ["orbit-own"]', PIP)
    ) as project:
        project.run("lock", "--only", "pip,npm")
    for platform, machine in (("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")):
        (numpy,) = pip.select(project.lock_files("pip"), project.target(platform), ("alpine-core",))
        assert "-cp313-cp313-musllinux_" in numpy.artifact.file
        assert numpy.artifact.file.endswith(f"_{machine}.whl")
        (semver,) = npm.select(
            project.lock_files("npm"), project.target(platform), ("alpine-core",)
        )
        assert semver.name == "semver"
