"""Docker engines on other machines that only ssh reaches, as sockets of this machine.

The program docker connects in the same way: each connection is ``ssh HOST docker system
dial-stdio``, with the keys and the configuration of ssh. The SDK's own way needs another ssh
library, which every command would import.
"""

import atexit
import shlex
import socket
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from threading import Thread
from urllib.parse import SplitResult, urlsplit

from resolvers import process
from resolvers.errors import ExpectedError
from resolvers.scratch import temporary_folder

SCHEME = "ssh://"
INSTALL_HINT = "install an ssh client, such as the package openssh-client"
CONNECT_TIMEOUT = 30
"""Seconds that ssh may take to connect, as in the program docker."""


class Tunnel:
    """A socket that leads to an engine until this process ends.

    Raises ExpectedError if the address is invalid, or if there is no ssh.
    """

    def __init__(self, engine: str, folder: Path) -> None:
        self._command = ssh_command(engine)
        process.find("ssh", INSTALL_HINT)
        self._errors = folder / "errors"
        self._errors.touch()
        self._path = folder / "docker.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        """The address of the socket."""
        return f"unix://{self._path}"

    @property
    def problem(self) -> str:
        """The last line that ssh or the docker on the other machine wrote, "" for none."""
        lines = self._errors.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            # Without a program, the connection closes and the SDK reports that.
            with connection, suppress(OSError):
                process.serve(self._command, connection, self._errors)


@cache
def tunnel(engine: str) -> Tunnel:
    """Return the tunnel to an engine, one for each in this process: ``ssh://user@host:port``."""
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        try:
            found = Tunnel(engine, folder)
        except OSError as error:
            raise ExpectedError(
                f"cannot make a socket in {folder}: {error}", "name a short path in TMPDIR"
            ) from error
        atexit.register(stack.pop_all().close)
    return found


def ssh_command(engine: str) -> tuple[str, ...]:
    """Return the program that connects to an engine, as the program docker would.

    A path in the address is that of the engine's socket on the other machine.
    """
    try:
        url = urlsplit(engine)
        host, port = _host(url), url.port
    except ValueError as error:
        raise _invalid(str(error)) from None
    if not host:
        raise _invalid("it has no host")
    if url.password is not None or url.query or url.fragment:
        raise _invalid("it must not have a password, a query or a fragment")
    user = ("-l", url.username) if url.username else ()
    other_port = ("-p", str(port)) if port else ()
    path = url.path.rstrip("/")
    socket_option = f"--host {shlex.quote('unix://' + path)} " if path else ""
    remote = f"docker {socket_option}system dial-stdio"
    timeout = f"ConnectTimeout={CONNECT_TIMEOUT}"
    return ("ssh", *user, *other_port, "-o", timeout, "-T", "--", host, remote)


def _host(url: SplitResult) -> str:
    """Return the host as it is written, because names in the configuration of ssh have a case."""
    written = url.netloc.rpartition("@")[2]
    host = url.hostname or ""
    start = written.lower().find(host)
    return written[start : start + len(host)]


def _invalid(reason: str) -> ExpectedError:
    # The address may have a password.
    return ExpectedError(
        f"the ssh address of the Docker engine is invalid: {reason}",
        "write it as ssh://user@host:port in DOCKER_HOST or in the Docker context",
    )
