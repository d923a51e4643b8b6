"""Ports for servers that cannot let the kernel choose one."""

import random
import socket
from contextlib import suppress
from pathlib import Path

LOWEST = 10_000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
ATTEMPTS = 100


def free_port(host: str = "127.0.0.1") -> int:
    """Return a free port below those that the kernel gives to programs which do not choose one.

    A server may take seconds to start, and meanwhile the kernel gives away ports of its own range.
    """
    first = int(RANGE.read_text("ascii").split()[0])
    for _ in range(ATTEMPTS):
        port = random.randrange(LOWEST, first)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((host, port))
            return port
    raise AssertionError(f"no free port from {LOWEST} to {first}")
