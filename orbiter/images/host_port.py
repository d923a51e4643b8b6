"""The port of this machine that leads to the server in a container."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from resolvers.errors import ExpectedError

PREFERRED = 8888


@contextmanager
def reserved_port(requested: int | None) -> Iterator[int]:
    """Yield the requested port; without a request 8888, or any other port if it is taken.

    A container may listen on the port only minutes later. Until the block ends, no other Orbiter on
    this machine gets the port.
    """
    # The system replaces port 0 by a free port.
    for candidate in (requested,) if requested else (PREFERRED, 0):
        with socket.socket(socket.AF_UNIX) as claim:
            port = _free_port(candidate)
            if port and _claim(port, claim):
                yield port
                return
    raise ExpectedError(
        f"port {requested} of this machine is in use",
        "choose another one with --port, or omit the option",
    )


def _free_port(candidate: int) -> int:
    """Return a port if no program listens on it, otherwise 0."""
    with socket.socket() as probe:
        # A port whose last connection was just closed counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", candidate))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def _claim(port: int, claim: socket.socket) -> bool:
    """Claim a port for this process, and return whether that succeeded.

    The claim is a name in Linux's abstract namespace, which a killed process leaves too.
    """
    try:
        claim.bind(f"\0orbiter-port-{port}")
    except OSError:  # another Orbiter has claimed it
        return False
    return True
