"""What buildx tells of a builder, and what a bake file says of the exporter."""

import json
from pathlib import Path

import pytest

from orbiter.docker import bake
from resolvers.errors import ExpectedError

OF_THE_ENGINE = """\
Name:          default
Driver:        docker
Last Activity: 2026-11-21 07:22:55 +0000 UTC

Nodes:
Name:             default
BuildKit version: v0.0.0+unknown
Platforms:        linux/amd64, linux/386
"""
OF_TWO_MACHINES = """\
Name:   orbiter
Driver: docker-container

Nodes:
Name:             orbiter0
Driver Options:   network="host"
Status:           running
BuildKit version: v0.25.1
Name:             orbiter1
Status:           running
BuildKit version: v0.24.0
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for the docker program: prints what the test writes there."""
    program, says = tmp_path / "docker", tmp_path / "says"
    program.write_text(f"#!/bin/sh\ncat {says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return says


def test_what_buildx_tells_of_a_builder(docker: Path) -> None:
    docker.write_text(OF_THE_ENGINE)
    assert bake.inspect_builder("")["buildkit version"] == ("v0.0.0+unknown",)
    assert not bake.can_push("")
    docker.write_text(OF_TWO_MACHINES)
    assert bake.inspect_builder("orbiter")["buildkit version"] == ("v0.25.1", "v0.24.0")
    assert bake.can_push("orbiter")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("github.com/docker/buildx v0.29.1 a32761aeb3debd39be1eca514af3693af0db334b\n", "0.29.1"),
        ("github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n", "0.13.1+ds1"),
    ],
)
def test_the_version_of_buildx(docker: Path, said: str, version: str) -> None:
    docker.write_text(said)
    assert bake.buildx_version() == version


def test_a_docker_without_buildx_is_told_before_anything_is_built(
    docker: Path, tmp_path: Path
) -> None:
    docker.with_name("docker").write_text(
        "#!/bin/sh\necho \"docker: 'buildx' is not a docker command.\" >&2\nexit 1\n"
    )
    with pytest.raises(
        ExpectedError, match=r"docker has no buildx: (.|\n)*is not a docker command"
    ) as caught:
        bake.run_bake(
            tmp_path,
            "sha256:0",
            bake.BuildOptions(),
            lambda _title: pytest.fail("it began to build"),
        )
    assert caught.value.hint == bake.DOCKER


def test_the_exporter_options_that_decide_a_digest() -> None:
    target = {
        "tags": ["a/b:c"],
        "output": ["type=oci,dest=${OUTPUT}/a.tar,oci-mediatypes=true,compression=zstd"],
    }
    text = json.dumps({"target": {"a": target, "without-image": {}}})
    assert bake.exporter_options(text) == {"oci-mediatypes": "true", "compression": "zstd"}
