"""The containers of the Docker engine: starting, listing and removing them."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from orbiter.docker import buildx, network
from orbiter.docker.client import connect, consistent_list, sdk_errors
from orbiter.docker.local_images import image_labels, pull_image
from orbiter.docker.objects import OWNER, STARTED, LocalContainer
from resolvers import process

if TYPE_CHECKING:
    from docker.models.containers import Container

    from resolvers.types.options import Shell

STOP_TIMEOUT = 5
"""Seconds that a container may take to stop."""
LOGIN_SHELL = "if command -v bash > /dev/null; then exec bash; else exec sh; fi"


def image_shell(reference: str, digest: str, platform: str) -> "Shell":
    """Return a shell in the image with this digest; a missing image is pulled."""

    def run(script: str, *, platform: str = platform, cache: str = "") -> str:
        image = pull_image(reference, digest, platform)
        # Without --init, the shell is the first process, which ignores SIGTERM.
        options = ["--rm", "--init", "--interactive", "--platform", platform, "--user", "0"]
        proxies = {} if container_proxies() else network.proxy_variables()
        options += [word for name in proxies for word in ("--env", name)]
        if network.needs_host_network(proxies):
            options += ["--network", "host"]
        if cache:
            options += ["--volume", f"{Path(cache).absolute()}:/cache"]
        options += ["--entrypoint", "/bin/sh"]
        command = [buildx.docker_program(), "run", *options, image, "-s"]
        return process.run(
            command,
            env=proxies,
            stdin=f"{network.script_start()}{script}",
            name=f"the shell in {reference} for {platform}",
        )

    return run


def container_proxies() -> Mapping[str, Any]:
    """Return the proxies that Docker's own configuration sets in containers."""
    from docker.utils.config import load_general_config

    proxies: Mapping[str, Any] = load_general_config().get("proxies") or {}
    return proxies


def list_containers() -> tuple[LocalContainer, ...]:
    """Return all containers of the engine, running or not."""
    return _listed(size=True)


def owned_containers(owner: str) -> tuple[LocalContainer, ...]:
    """Return the containers with an owner, running or not; their size is not read."""
    found = _listed(filters={"label": f"{OWNER}={owner}"})
    return tuple(filter(is_own, found))


def _listed(**options: Any) -> tuple[LocalContainer, ...]:
    with sdk_errors("listing the containers of the engine"):
        containers = consistent_list(lambda: connect().api.containers(all=True, **options))
        return msgspec.convert(containers, tuple[LocalContainer, ...])


def is_own(container: LocalContainer) -> bool:
    """Return whether Orbiter started a container.

    A container of an image that somebody made from such a container inherits its labels. The image
    then has the same owner. If it is missing, nobody knows.
    """
    if not container.owner:
        return False
    labels = image_labels(container.image)
    return labels is not None and labels.get(OWNER) != container.owner


def remove_container(name: str, *, force: bool = False) -> None:
    """Remove a stopped container, with ``force`` also a running one; else raise ExpectedError.

    A missing container is not an error: another program may have removed it.
    """
    from docker.errors import NotFound

    with sdk_errors(f"removing the container {name}"), suppress(NotFound):
        connect().api.remove_container(name, v=True, force=force)  # and its anonymous volumes


def become_shell(tag: str) -> NoReturn:
    """Replace this process by a shell in a new container of a local image, as the image's user.

    Without a terminal, the shell reads standard input.
    """
    options = ["--rm", "--init", "--pull=never", "--interactive"]
    if sys.stdin.isatty() and sys.stdout.isatty():
        options.append("--tty")
    shell = [tag, "/bin/sh", "-c", LOGIN_SHELL]
    process.replace_process([buildx.docker_program(), "run", *options, *shell])


def start_container(
    tag: str,
    command: Sequence[str] | None,
    *,
    ports: Mapping[int, int],
    environment: Mapping[str, str],
    mounts: Mapping[str, str],
    owner: str,
    user: str = "",
) -> "Container":
    """Start a container of ``tag`` under an init process, with its own command for None.

    ``ports`` maps ports of the container to ports on 127.0.0.1, ``mounts`` maps folders of this
    machine to folders in the container. ``owner`` is the one of ``owner.owner``. ``user`` is
    ``uid:gid``, or empty for the image's user.
    """
    from docker.types import Mount

    # Unlike a volume, a mount fails if the engine's machine does not have the folder.
    binds = [Mount(inside, folder, type="bind") for folder, inside in mounts.items()]
    with sdk_errors(f"starting {tag}"):
        return connect().containers.run(
            tag,
            None if command is None else list(command),
            detach=True,
            # The first process of a container ignores signals that it does not handle.
            init=True,
            ports={f"{inside}/tcp": ("127.0.0.1", port) for inside, port in ports.items()},
            environment=dict(environment),
            user=user or None,
            labels=started_labels(tag, owner),
            mounts=binds,
        )


def started_labels(tag: str, owner: str) -> dict[str, str]:
    """Return the labels of a container that Orbiter starts from a tag."""
    return {STARTED: tag, OWNER: owner}


def follow_log(container: "Container") -> Iterator[bytes]:
    """Yield the output of a container as it comes, until the container ends."""
    with sdk_errors("following the container's log"):
        yield from container.logs(stream=True, follow=True)


def find_container(name: str) -> "Container | None":
    """Return a container, running or not; None if there is none with this name."""
    from docker.errors import NotFound

    with sdk_errors(f"looking for the container {name}"):
        try:
            return connect().containers.get(name)
        except NotFound:
            return None


def stop_container(container: "Container") -> None:
    """Stop a container, by force after some seconds, and remove it."""
    with sdk_errors("stopping the container"):
        container.stop(timeout=STOP_TIMEOUT)
        container.remove(force=True)
