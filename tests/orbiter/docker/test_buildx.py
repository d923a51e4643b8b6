"""Properties of builders and the version, as buildx prints them."""

from pathlib import Path

import pytest

from orbiter.docker import bake, buildx, client
from resolvers.errors import ExpectedError

BUILDER_OF_THE_ENGINE = """\
Name:          default
Driver:        docker
Last Activity: 2026-11-21 07:22:55 +0000 UTC

Nodes:
Name:             default
BuildKit version: v0.0.0+unknown
Platforms:        linux/amd64, linux/386
"""
BUILDER_ON_TWO_MACHINES = """\
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
def docker_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the program docker by one that prints the content of the returned file."""
    program, output = tmp_path / "docker", tmp_path / "output"
    program.write_text(f"#!/bin/sh\ncat {output}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return output


def test_the_properties_of_a_builder(docker_output: Path) -> None:
    docker_output.write_text(BUILDER_OF_THE_ENGINE)
    assert buildx.inspect_builder("")["buildkit version"] == ("v0.0.0+unknown",)
    docker_output.write_text(BUILDER_ON_TWO_MACHINES)
    assert buildx.inspect_builder("orbiter")["buildkit version"] == ("v0.25.1", "v0.24.0")


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("github.com/docker/buildx v0.29.1 a32761aeb3debd39be1eca514af3693af0db334b\n", "0.29.1"),
        ("github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n", "0.13.1+ds1"),
    ],
)
def test_the_version_of_buildx(docker_output: Path, output: str, version: str) -> None:
    docker_output.write_text(output)
    assert buildx.buildx_version() == version


def test_a_docker_without_buildx_is_reported_before_anything_is_built(
    docker_output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_output.with_name("docker").write_text(
        "#!/bin/sh\necho \"docker: 'buildx' is not a docker command.\" >&2\nexit 1\n"
    )
    expected = r"docker has no buildx: (.|\n)*is not a docker command"
    with pytest.raises(ExpectedError, match=expected) as caught:
        bake.run_bake(
            tmp_path,
            {"target": {}, "group": {"default": {"targets": []}}},
            bake.BakeOptions(targets=()),
            lambda _title: pytest.fail("the build started"),
        )
    assert caught.value.hint == buildx.INSTALL_HINT
    # An engine that answers: there is one in some of the places where tests run.
    monkeypatch.setattr(client, "connect", lambda: None)
    assert client.unavailable_reason().startswith("docker has no buildx: ")
