"""An ssh server on the loopback interface that runs commands on this machine."""

import asyncio
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import asyncssh

CHUNK = 1 << 16
CONFIG = """\
IdentityFile {key}
IdentitiesOnly yes
UserKnownHostsFile {known_hosts}
"""


class SshServer(NamedTuple):
    """A server that accepts one key; ``programs`` has an ssh that uses it.

    The real ssh reads the configuration in the home folder of the user's account, whatever HOME is.
    So this ssh starts the real one with another configuration.
    """

    address: str
    programs: Path
    key: Path
    known_hosts: Path


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Start a server and yield it."""
    key, host_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    key.write_private_key(folder / "key")
    key.write_public_key(folder / "authorized_keys")
    (folder / "key").chmod(0o600)
    listening = _listen(host_key, folder / "authorized_keys")
    with _running_loop() as loop:
        server = asyncio.run_coroutine_threadsafe(listening, loop).result()
        port = server.get_port()
        known = f"[127.0.0.1]:{port} {host_key.export_public_key().decode()}"
        (folder / "known_hosts").write_text(known)
        yield SshServer(
            f"ssh://tester@127.0.0.1:{port}",
            _programs(folder),
            folder / "key",
            folder / "known_hosts",
        )
        asyncio.run_coroutine_threadsafe(_close(server), loop).result()


async def _close(server: asyncssh.SSHAcceptor) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _listen(host_key: asyncssh.SSHKey, authorized_keys: Path) -> asyncssh.SSHAcceptor:
    return await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=str(authorized_keys),
        process_factory=_run,
        encoding=None,
    )


def _programs(folder: Path) -> Path:
    programs, config = folder / "programs", folder / "config"
    programs.mkdir()
    config.write_text(CONFIG.format(key=folder / "key", known_hosts=folder / "known_hosts"))
    ssh = shutil.which("ssh")
    assert ssh
    wrapper = programs / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {ssh} -F {shlex.quote(str(config))} "$@"\n')
    wrapper.chmod(0o755)
    return programs


async def _run(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Run the command of a client, and pass on its input, its output and its exit code."""
    pipe = asyncio.subprocess.PIPE
    command = process.command or "false"
    running = await asyncio.create_subprocess_shell(command, stdin=pipe, stdout=pipe, stderr=pipe)
    assert running.stdin
    assert running.stdout
    assert running.stderr
    sending = asyncio.create_task(_send(process.stdin, running.stdin))
    await asyncio.gather(
        _copy(running.stdout, process.stdout), _copy(running.stderr, process.stderr)
    )
    sending.cancel()
    process.exit(await running.wait())


async def _send(source: "asyncssh.SSHReader[bytes]", target: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        target.write(data)
        await target.drain()
    target.close()


async def _copy(source: asyncio.StreamReader, target: "asyncssh.SSHWriter[bytes]") -> None:
    while data := await source.read(CHUNK):
        target.write(data)
        await target.drain()
