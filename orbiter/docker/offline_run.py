"""Commands in containers of an image, without a network and with a read-only file system."""

import time
from collections.abc import Sequence
from threading import Event
from typing import TYPE_CHECKING, Any

import msgspec

from orbiter.docker.client import connect, sdk_errors
from orbiter.docker.containers import started_labels
from orbiter.docker.local_images import find_image
from orbiter.docker.owner import owner

if TYPE_CHECKING:
    from docker.models.containers import Container

WRITABLE = ("/run", "/tmp", "/var/tmp")
"""Folders in memory; programs expect to write there."""
POLL_SECONDS = 0.1
TAIL = 200
"""Number of lines of output that are kept."""
LONGEST_OUTPUT = 64 * 1024
LOG = {"max-size": "1m", "max-file": "2"}
"""Limits of a container's log: a program that never stops writing must not fill the disk."""


class OfflineCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command in a new container of a local image.

    ``volume`` is a folder that gets the files of the tar file ``files``. ``folder`` is where the
    command starts. ``limit`` is the longest time in seconds.
    """

    tag: str
    platform: str
    words: Sequence[str]
    volume: str
    files: bytes
    folder: str
    limit: float


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a command; ``exit_code`` is None if it was killed at its limit or by the user.

    ``output`` has the last lines of both its outputs.
    """

    exit_code: int | None
    seconds: float
    output: str


def processors() -> int:
    """Return the number of processors of the engine's machine."""
    with sdk_errors("reading the number of processors of the engine"):
        return int(connect().info()["NCPU"])


def run_offline(command: OfflineCommand, stop: Event) -> Ended:
    """Run a command as the image's user, and remove its container.

    The image's entrypoint applies. The command is killed at its limit, and when ``stop`` is set.
    """
    with sdk_errors(f"running a command in {command.tag}"), owner() as name:
        container = _create(command, name)
        try:
            if command.files:
                container.put_archive(command.volume, command.files)
            container.start()
            # A busy engine takes long to start a container, which is not the command's time.
            started = time.monotonic()
            exit_code = _wait(container, started + command.limit, stop)
            seconds = time.monotonic() - started
            output = container.logs(tail=TAIL)[-LONGEST_OUTPUT:].decode(errors="replace")
            return Ended(exit_code=exit_code, seconds=seconds, output=output)
        finally:
            container.remove(force=True, v=True)


def _create(command: OfflineCommand, owner_name: str) -> "Container":
    from docker.types import LogConfig, Mount

    # A new volume gets the image's files of its folder, so the home folder is not empty.
    volumes = filter(None, (command.volume, _home(command.tag)))
    return connect().containers.create(
        command.tag,
        list(command.words),
        network_mode="none",
        read_only=True,
        # The first process of a container ignores signals that it does not handle.
        init=True,
        tmpfs=dict.fromkeys(WRITABLE, "exec,mode=1777"),
        mounts=[Mount(folder, None, type="volume") for folder in volumes],
        working_dir=command.folder,
        platform=command.platform,
        labels=started_labels(command.tag, owner_name),
        healthcheck={"test": ["NONE"]},
        log_config=LogConfig(type="json-file", config=LOG),
    )


def _home(tag: str) -> str:
    """Return the home folder in the variables of an image; empty if there is none."""
    image = find_image(tag)
    config: dict[str, Any] = image.attrs.get("Config") or {} if image else {}
    variables = dict(each.partition("=")[::2] for each in config.get("Env") or ())
    home = str(variables.get("HOME", ""))
    return home if home.startswith("/") and home.strip("/") and home not in WRITABLE else ""


def _wait(container: "Container", deadline: float, stop: Event) -> int | None:
    """Return the exit code; None if the command must end now."""
    while True:
        state = connect().api.inspect_container(str(container.id))["State"]
        if state["Status"] in {"exited", "dead"}:
            return int(state["ExitCode"])
        if stop.wait(POLL_SECONDS) or time.monotonic() > deadline:
            return None  # removing the container kills the command
