"""Errors for base images of another architecture, and of another distribution."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.docker import client
from orbiter.docker.shells import base_shell
from orbiter.oci import base_image
from resolvers.apk import manager as apk
from resolvers.apt import manager as apt
from resolvers.errors import ExpectedError

pytestmark = pytest.mark.engine
RISCV = "linux/riscv64"
AMD = "linux/amd64"
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\xf3\0\x01\0\0\0" + bytes(40)
"""The header of a program for riscv64, which machines rarely emulate, unlike arm64."""


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Build an image that this machine cannot run; return its tag and digest."""
    tag = f"orbiter-test/foreign:{uuid.uuid4().hex}"
    (tmp_path / "sh").write_bytes(PROGRAM)
    (tmp_path / "sh").chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY sh /bin/sh\n")
    build = [
        "docker",
        "build",
        "--quiet",
        "--provenance=false",
        "--platform",
        RISCV,
        "--tag",
        tag,
        str(tmp_path),
    ]
    subprocess.run(build, check=True, capture_output=True)
    find = ["docker", "image", "inspect", "--format", "{{index .RepoDigests 0}}", tag]
    name = subprocess.run(find, check=True, capture_output=True, text=True).stdout.strip()
    yield tag, name.partition("@")[2]
    subprocess.run(["docker", "image", "rm", tag], check=True, capture_output=True)


def test_a_platform_that_the_engine_cannot_run_is_an_error_with_the_remedy(
    foreign: tuple[str, str],
) -> None:
    tag, digest = foreign
    with pytest.raises(ExpectedError) as caught:
        apk.inspect_base(base_shell(tag, {RISCV: digest}), RISCV)
    assert tag in caught.value.message
    assert f"for {RISCV}" in caught.value.message
    assert "orbiter lock --only conda,pip,npm" in caught.value.hint


def test_a_base_image_of_another_distribution_is_an_error_with_the_remedy() -> None:
    shells = {}
    for reference in ("alpine:3.23", "debian:trixie-slim"):
        pinned = base_image.pin(reference, AMD, mirrors=client.mirrors())
        shells[reference] = base_shell(reference, {AMD: pinned.digest})
    with pytest.raises(ExpectedError) as caught:
        apt.inspect_base(shells["alpine:3.23"], AMD)
    assert "image of Debian" in caught.value.hint
    with pytest.raises(ExpectedError) as caught:
        apk.inspect_base(shells["debian:trixie-slim"], AMD)
    assert "image of Alpine" in caught.value.hint
