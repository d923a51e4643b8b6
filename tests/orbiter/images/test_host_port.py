"""The ports of this machine that servers in containers get."""

import socket
import subprocess
import sys

import pytest

from orbiter.images.host_port import reserved_port
from resolvers.errors import ExpectedError

RESERVE = """
from orbiter.images.host_port import reserved_port
with reserved_port(None) as port:
    print(port, flush=True)
    input()
"""


def test_orbiters_at_the_same_time_get_different_ports() -> None:
    command = [sys.executable, "-c", RESERVE]
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other,
        reserved_port(None) as first,
        reserved_port(None) as second,
    ):
        assert other.stdout
        third = int(other.stdout.readline())
        other.communicate("\n")
    assert len({first, second, third}) == 3


def test_a_port_is_reserved_until_the_block_ends() -> None:
    with (
        reserved_port(None) as port,
        pytest.raises(ExpectedError, match=f"port {port} of this machine is in use"),
        reserved_port(port),
    ):
        pass
    with reserved_port(port) as again:
        assert again == port


def test_a_port_with_a_server_is_in_use() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with (
            pytest.raises(ExpectedError, match="is in use"),
            reserved_port(server.getsockname()[1]),
        ):
            pass
