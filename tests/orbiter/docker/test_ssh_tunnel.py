"""Engines that ssh reaches, with the real ssh and a server on the loopback interface."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.docker import client, ssh_tunnel
from orbiter.docker.ssh_tunnel import ssh_command
from resolvers.errors import ExpectedError
from tests.support.ssh_server import SshServer, ssh_server

needs_ssh = pytest.mark.skipif(not shutil.which("ssh"), reason="needs the program ssh")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    client._connection.cache_clear()
    ssh_tunnel.tunnel.cache_clear()
    with ssh_server(tmp_path) as server:
        monkeypatch.setenv("PATH", f"{server.programs}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("DOCKER_HOST", server.address)
        yield server
    client._connection.cache_clear()


def remote_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the other machine have another program docker."""
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def problem() -> ExpectedError:
    with pytest.raises(ExpectedError) as caught:
        client.connect()
    return caught.value


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ssh://build-server", ["--", "build-server", "docker system dial-stdio"]),
        ("ssh://ann@[::1]:22", ["-l", "ann", "-p", "22", "::1"]),
        ("ssh://23@Build:22", ["-l", "23", "-p", "22", "--", "Build"]),
        ("ssh://-oProxyCommand=x", ["--", "-oProxyCommand=x"]),
        (
            "ssh://ann@host/run/user/1000/docker.sock",
            ["docker --host unix:///run/user/1000/docker.sock system dial-stdio"],
        ),
        ("ssh://host/a;b", [f"docker --host {shlex.quote('unix:///a;b')} system dial-stdio"]),
    ],
)
def test_the_command_is_that_of_docker(address: str, words: list[str]) -> None:
    command = ssh_command(address)
    positions = [command.index(word) for word in words]
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ssh://", "it has no host"),
        ("ssh://ann:s3cret@host", "it must not have a password, a query or a fragment"),
        ("ssh://host:port", "Port could not be cast to integer value as 'port'"),
        ("ssh://[::1", "Invalid IPv6 URL"),
    ],
)
def test_an_invalid_address_is_an_error_without_its_password(
    monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    client._connection.cache_clear()
    monkeypatch.setenv("DOCKER_HOST", address)
    found = problem()
    client._connection.cache_clear()
    assert found.message == f"the ssh address of the Docker engine is invalid: {reason}"
    assert "ssh://user@host:port" in found.hint


def test_without_ssh_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client._connection.cache_clear()
    ssh_tunnel.tunnel.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "ssh://host")
    found = problem()
    client._connection.cache_clear()
    assert found.message == "the program 'ssh' was not found on PATH"
    assert "openssh-client" in found.hint


@needs_ssh
def test_a_folder_whose_path_is_too_long_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client._connection.cache_clear()
    ssh_tunnel.tunnel.cache_clear()
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("DOCKER_HOST", "ssh://host")
    found = problem()
    client._connection.cache_clear()
    assert "AF_UNIX path too long" in found.message
    assert "TMPDIR" in found.hint
    assert list(folder.iterdir()) == []


@needs_ssh
def test_an_unknown_host_is_the_reason(server: SshServer) -> None:
    server.known_hosts.write_text("")
    found = problem()
    assert "Host key verification failed." in found.message
    assert f"({server.address}, set by DOCKER_HOST)" in found.message
    assert "without a password" in found.hint


@needs_ssh
def test_a_wrong_key_is_the_reason(server: SshServer) -> None:
    server.key.unlink()
    assert "Permission denied (publickey)" in problem().message


@needs_ssh
def test_a_machine_without_docker_is_the_reason(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote_docker(tmp_path, monkeypatch, "echo 'sh: docker: not found' >&2; exit 127")
    assert server.address in problem().message
    assert "sh: docker: not found" in problem().message


@needs_ssh
@pytest.mark.skipif(not shutil.which("docker"), reason="needs the program docker")
def test_a_context_may_have_the_address(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    config = tmp_path / "docker-config"
    config.mkdir()
    (config / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    words = ["docker", "context", "create", "build", "--docker", f"host={server.address}"]
    subprocess.run(words, check=True, capture_output=True)
    monkeypatch.setenv("DOCKER_CONTEXT", "build")
    server.known_hosts.write_text("")
    found = problem()
    assert "Host key verification failed." in found.message
    assert f"({server.address}, set by the context 'build')" in found.message


@needs_ssh
def test_repo2docker_gets_the_tunnel(server: SshServer) -> None:
    found = client.environment()["DOCKER_HOST"]
    assert found == ssh_tunnel.tunnel(server.address).address
    assert found.startswith("unix:///")
