"""The Docker SDK: images and containers of the engine, pulling and loading.

Uses the same engine as the program docker: DOCKER_HOST, otherwise the current context.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import msgspec

from orbiter.docker import buildx, network
from orbiter.docker.objects import STARTED, LocalContainer, LocalImage
from orbiter.lockset.record import RecordedBuilder
from resolvers import process
from resolvers.errors import ExpectedError
from resolvers.net.addresses import is_loopback, is_url

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.images import Image

    from resolvers.types.options import Shell

T = TypeVar("T")

TIMEOUT = 600
"""Seconds that the engine may take for one answer; loading a large image is one answer."""
LIST_ATTEMPTS = 5
"""Number of requests for a list while other programs remove images or containers."""
FIRST_ANSWER_TIMEOUT = 10
"""Seconds that the engine may take for its first answer."""
LOCAL_SCHEMES = ("unix", "npipe")
HOST_VARIABLE = "DOCKER_HOST"
HOST_HINT = (
    f"start the Docker engine of this address, or correct or unset {HOST_VARIABLE}: "
    "'docker info' must work for this user"
)
STOP_TIMEOUT = 5
"""Seconds that a container may take to stop."""
LOGIN_SHELL = "if command -v bash > /dev/null; then exec bash; else exec sh; fi"


def unavailable_reason() -> str:
    """Return why this machine cannot build images, in one line; empty if it can."""
    try:
        connect()
        command = [buildx.docker_program(), "buildx", "version"]
        process.run(command, name="docker buildx")
    except ExpectedError as error:
        return error.message.splitlines()[0]
    return ""


def connect() -> "DockerClient":
    """Return the SDK's client for this user's engine; raise ExpectedError if none answers."""
    connection = _connection()
    if isinstance(connection, ExpectedError):
        raise connection
    return connection


@cache
def _connection() -> "DockerClient | ExpectedError":
    """Connect once in this process: an engine that does not answer must not cost time again."""
    problem = "cannot connect to a Docker engine"
    engine = source = ""
    hint = buildx.INSTALL_HINT
    try:
        engine, source = _address()
        client = _new_client()
        client.ping()
    except Exception as error:  # the SDK does not wrap the errors of its libraries
        problem += f": {_connection_problem(error)}"
        if engine:
            problem += f" ({engine}, set by {source})"
        if source == HOST_VARIABLE:
            hint = HOST_HINT
        if _other_server(error):
            hint = f"{source} must have the address of a Docker engine; is it another server's?"
        return ExpectedError(problem, hint)
    client.api.timeout = TIMEOUT
    return client


def address() -> str:
    """Return the address of this user's engine."""
    return _address()[0]


def remote_address() -> str:
    """Return the address of the engine if it runs on another machine, otherwise ``""``."""
    engine = address()
    if not is_url(engine):
        return engine
    url = urlsplit(engine)
    is_local = url.scheme in LOCAL_SCHEMES or is_loopback(url.hostname or "")
    return "" if is_local else engine


def endpoint() -> tuple[str, str]:
    """Return the address of this user's engine, and the name of the setting that has it.

    Raises ExpectedError if the current context cannot be read.
    """
    with sdk_errors("reading the context of Docker"):
        return _address()


def data_folder() -> str:
    """Return the folder of the engine's data, on the machine of the engine."""
    with sdk_errors("reading the folder of the engine"):
        return str(connect().info()["DockerRootDir"])


def _address() -> tuple[str, str]:
    """Return the address of this user's engine, and the name of the setting that has it."""
    if os.environ.get(HOST_VARIABLE):
        return os.environ[HOST_VARIABLE], HOST_VARIABLE
    context = _current_context()
    return context.Host, f"the context '{context.Name}'"


def _new_client() -> "DockerClient":
    """Return a client whose answers are expected soon."""
    import docker

    if os.environ.get(HOST_VARIABLE):
        return docker.from_env(timeout=FIRST_ANSWER_TIMEOUT)
    # The SDK itself ignores contexts.
    context = _current_context()
    return docker.DockerClient(
        base_url=context.Host,
        tls=context.TLSConfig or False,
        version="auto",
        timeout=FIRST_ANSWER_TIMEOUT,
    )


def _current_context() -> Any:
    from docker.context import ContextAPI

    return ContextAPI.get_current_context()


def _connection_problem(error: Exception) -> str:
    """Return the reason in the words of the system, not of the libraries above it."""
    from requests.exceptions import Timeout

    if answer := _other_server(error):
        return answer
    for cause in _causes(error):
        if isinstance(cause, (Timeout, TimeoutError)):
            return f"no answer within {FIRST_ANSWER_TIMEOUT} seconds"
    reasons = [cause.strerror for cause in _causes(error) if isinstance(cause, OSError)]
    known = [reason for reason in reasons if reason]
    return known[-1] if known else _reason(error)


def _other_server(error: Exception) -> str:
    """Return what a server answered that is not a Docker engine; "" if no such server answered."""
    from requests.exceptions import HTTPError, JSONDecodeError

    for cause in _causes(error):
        if isinstance(cause, HTTPError) and not _is_json(cause.response):
            return f"the server answered with HTTP {cause.response.status_code}"
        if isinstance(cause, JSONDecodeError):
            return "the server answered with something other than JSON"
    return ""


def _is_json(response: Any) -> bool:
    """Return whether a response has the type of all errors of a Docker engine."""
    return str(response.headers.get("Content-Type", "")).startswith("application/json")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and the errors that led to it, the first one last."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def builder_versions(builder: str) -> RecordedBuilder:
    """Return the versions of buildx, BuildKit (if known) and the engine that contains it."""
    properties = buildx.inspect_builder(builder)
    versions = [*properties.get("buildkit version", ()), *properties.get("buildkit", ())]
    # A BuildKit that is part of an engine reports v0.0.0+unknown.
    known = sorted(version for version in versions if not version.startswith("v0.0.0"))
    engine = ""
    if "docker" in properties.get("driver", ()):
        with sdk_errors("reading the version of the engine"):
            engine = connect().version()["Version"]
    return RecordedBuilder(buildkit=", ".join(known), engine=engine, buildx=buildx.buildx_version())


def native_platform() -> str:
    """Return the platform that the engine's machine runs without emulation: ``linux/amd64``."""
    with sdk_errors("reading the platform of the engine"):
        version = connect().version()
        return f"{version['Os']}/{version['Arch']}"


def mirrors() -> tuple[str, ...]:
    """Return the registry mirrors of the engine's configuration; none if no engine runs."""
    try:
        with sdk_errors("reading the registry mirrors of the engine"):
            config = connect().info().get("RegistryConfig") or {}
    except ExpectedError:
        return ()
    return tuple(config.get("Mirrors") or ())


def credentials(registry: str) -> tuple[str, str] | None:
    """Return the user and password that ``docker login`` stored for a registry.

    Also asks credential helpers. Returns None if nothing is stored.
    """
    from docker import auth

    try:
        stored = auth.load_config().resolve_authconfig(registry) or {}
    except Exception as error:
        raise ExpectedError(
            f"cannot read the credentials for {registry}: {_reason(error)}",
            f"run docker login {registry}",
        ) from error
    if stored.get("username") and stored.get("password"):
        return stored["username"], stored["password"]
    return None


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


def pull_image(reference: str, digest: str, platform: str) -> str:
    """Pull the image with this digest if the engine does not have it; return its name."""
    from docker.errors import ImageNotFound

    name = name_with_digest(reference, digest)
    repository = name.partition("@")[0]
    with sdk_errors(f"pulling {name}"):
        try:
            connect().images.get(name)
        except ImageNotFound:
            connect().images.pull(repository, tag=digest, platform=platform)
    return name


def check_pull(reference: str) -> None:
    """Let the engine ask its registries for an image, without pulling it."""
    with sdk_errors(f"reading {reference} by the engine"):
        api = connect().api  # its stubs leave out the types of this method
        api.inspect_distribution(reference)  # type: ignore[no-untyped-call]


def is_pulled(reference: str, digest: str) -> bool:
    """Return whether the engine has the image with this digest."""
    return find_image(name_with_digest(reference, digest)) is not None


def name_with_digest(reference: str, digest: str) -> str:
    """Return the name of an image with a digest in place of its tag."""
    repository = reference.partition("@")[0]
    # The host may have a port, so only a colon in the last part begins a tag.
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    return f"{repository}@{digest}"


def container_proxies() -> Mapping[str, Any]:
    """Return the proxies that Docker's own configuration sets in containers."""
    from docker.utils.config import load_general_config

    proxies: Mapping[str, Any] = load_general_config().get("proxies") or {}
    return proxies


def image_labels(tag: str) -> Mapping[str, str] | None:
    """Return the labels of a local image; None if there is no such image."""
    image = find_image(tag)
    return image.labels if image else None


def find_image(tag: str) -> "Image | None":
    """Return a local image; None if there is no such image."""
    from docker.errors import ImageNotFound

    with sdk_errors(f"looking for {tag}"):
        try:
            return connect().images.get(tag)
        except ImageNotFound:
            return None


def list_images(label: str) -> tuple[LocalImage, ...]:
    """Return the engine's images that have a label."""
    with sdk_errors("listing the images of the engine"):
        images = _listed(lambda: connect().api.images(filters={"label": label}))
        return msgspec.convert(images, tuple[LocalImage, ...])


def last_step(image: str) -> str:
    """Return the newest line in the history of a local image; "" without a history."""
    with sdk_errors(f"reading the history of {image}"):
        api = connect().api  # its stubs leave out the types of this method
        history: list[dict[str, Any]] = api.history(image)  # type: ignore[no-untyped-call]
    return str(history[0].get("CreatedBy") or "") if history else ""


def list_containers() -> tuple[LocalContainer, ...]:
    """Return all containers of the engine, running or not."""
    with sdk_errors("listing the containers of the engine"):
        containers = _listed(lambda: connect().api.containers(all=True, size=True))
        return msgspec.convert(containers, tuple[LocalContainer, ...])


def _listed(ask: Callable[[], T]) -> T:
    """Return a list of the engine, asked for again if something in it is removed meanwhile."""
    from docker.errors import APIError

    for _ in range(LIST_ATTEMPTS - 1):
        try:
            return ask()
        except APIError as error:
            if not str(error.explanation).strip().endswith("not found"):
                raise
    return ask()


def remove_image(tag: str) -> None:
    """Remove a tag, and with the last tag its image; raise ExpectedError if it is in use."""
    with sdk_errors(f"removing {tag}"):
        connect().api.remove_image(tag)


def remove_container(name: str) -> None:
    """Remove a stopped container; raise ExpectedError if it is running."""
    with sdk_errors(f"removing the container {name}"):
        connect().api.remove_container(name, v=True)  # and its anonymous volumes


def become_shell(tag: str) -> NoReturn:
    """Replace this process by a shell in a new container of a local image, as the image's user.

    Without a terminal, the shell reads standard input.
    """
    options = ["--rm", "--init", "--pull=never", "--interactive"]
    if sys.stdin.isatty() and sys.stdout.isatty():
        options.append("--tty")
    shell = [tag, "/bin/sh", "-c", LOGIN_SHELL]
    process.replace_process([buildx.docker_program(), "run", *options, *shell])


def has_image(tag: str, ids: Collection[str]) -> bool:
    """Return whether a tag of the engine has one of these ids."""
    image = find_image(tag)
    return image is not None and image.id in ids


def load_image(archive: Path) -> None:
    """Load an image archive into the engine."""
    with sdk_errors(f"loading {archive.name} into the engine"), archive.open("rb") as file:
        connect().images.load(file)


def start_container(
    tag: str,
    command: Sequence[str] | None,
    *,
    ports: Mapping[int, int],
    environment: Mapping[str, str],
    mounts: Mapping[str, str],
    user: str = "",
) -> "Container":
    """Start a container of ``tag`` under an init process, with its own command for None.

    ``ports`` maps ports of the container to ports on 127.0.0.1, ``mounts`` maps folders of this
    machine to folders in the container. ``user`` is ``uid:gid``, or empty for the image's user.
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
            labels={STARTED: tag},
            mounts=binds,
        )


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


@contextmanager
def sdk_errors(action: str) -> Iterator[None]:
    """Turn any error of the SDK into an ExpectedError that names the failed action."""
    try:
        yield
    except ExpectedError:
        raise
    except Exception as error:
        raise ExpectedError(f"{action} failed: {_reason(error)}") from error


def _reason(error: Any) -> str:
    """Return the first line of an error; the engine's explanation if it has one."""
    return str(getattr(error, "explanation", None) or error).strip().splitlines()[0]
