"""The connection to the Docker engine: its address, its configuration and its errors.

Uses the same engine as the program docker: DOCKER_HOST, otherwise DOCKER_CONTEXT, otherwise the
current context.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from orbiter.docker import buildx, ssh_tunnel
from orbiter.lockset.record import RecordedBuilder
from resolvers.errors import ExpectedError
from resolvers.net.addresses import is_loopback, is_url

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")

TIMEOUT = 600
"""Seconds that the engine may take for one answer; loading a large image is one answer."""
LIST_ATTEMPTS = 20
"""Number of requests for a list while other programs remove images or containers."""
LIST_PAUSE = 0.2
"""Seconds between them: a container stays in the list while the engine removes its files."""
FIRST_ANSWER_TIMEOUT = 10
"""Seconds that the engine may take for its first answer."""
LOCAL_SCHEMES = ("unix", "npipe")
HOST_VARIABLE = "DOCKER_HOST"
CONTEXT_VARIABLE = "DOCKER_CONTEXT"
CONTEXT_HINT = (
    f"choose one that 'docker context ls' lists: docker context use NAME, or {CONTEXT_VARIABLE}"
)
CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables of requests, which the SDK uses."""
HOST_HINT = (
    f"start the Docker engine of this address, or correct or unset {HOST_VARIABLE}: "
    "'docker info' must work for this user"
)
SSH_HINT = "'docker info' must work without a password: ssh needs a known host and a key"


def unavailable_reason() -> str:
    """Return why this machine cannot build images, in one line; empty if it can."""
    try:
        connect()
        buildx.buildx_version()
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
    engine = source = ""
    try:
        engine, source = endpoint()
        client = _new_client()
        client.ping()
    except ExpectedError as error:
        return error
    except Exception as error:  # the SDK does not wrap the errors of its libraries
        return _connection_error(error, engine, source)
    client.api.timeout = TIMEOUT
    return client


def _connection_error(error: Exception, engine: str, source: str) -> ExpectedError:
    """Return the error for an engine that does not answer, and for the setting that names it."""
    is_ssh = engine.startswith(ssh_tunnel.SCHEME)
    said = ssh_tunnel.tunnel(engine).problem if is_ssh else ""
    problem = f"cannot connect to a Docker engine: {said or _connection_problem(error)}"
    if engine:
        problem += f" ({engine}, set by {source})"
    hint = HOST_HINT if source == HOST_VARIABLE else buildx.INSTALL_HINT
    if is_ssh:
        hint = SSH_HINT
    if _other_server(error):
        hint = f"{source} must have the address of a Docker engine; is it another server's?"
    return ExpectedError(problem, hint)


def address() -> str:
    """Return the address of this user's engine."""
    return endpoint()[0]


def environment() -> dict[str, str]:
    """Return the variables by which programs that use the SDK find this user's engine.

    The SDK ignores contexts, and prefers the certificates of other variables to the engine's.
    """
    without_certificates = dict.fromkeys(CERTIFICATE_VARIABLES, "")
    engine = address()
    if engine.startswith(ssh_tunnel.SCHEME):
        return {**without_certificates, HOST_VARIABLE: ssh_tunnel.tunnel(engine).address}
    if os.environ.get(HOST_VARIABLE):
        return without_certificates
    return {**without_certificates, **_variables_of(_current_context())}


def _variables_of(context: Any) -> dict[str, str]:
    """Return the variables that have the address and the certificates of a context."""
    found = {HOST_VARIABLE: str(context.Host)}
    if tls := context.TLSConfig:
        found["DOCKER_CERT_PATH"] = str(Path(tls.ca_cert).parent)
        found["DOCKER_TLS"] = "1"
        # An empty variable means that the certificate of the engine is not checked.
        found["DOCKER_TLS_VERIFY"] = "1" if tls.verify else ""
    return found


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
    if os.environ.get(HOST_VARIABLE):
        return os.environ[HOST_VARIABLE], HOST_VARIABLE
    context = _current_context()
    return context.Host, f"the context '{context.Name}'"


def data_folder() -> str:
    """Return the folder of the engine's data, on the machine of the engine."""
    with sdk_errors("reading the folder of the engine"):
        return str(connect().info()["DockerRootDir"])


def _new_client() -> "DockerClient":
    """Return a client whose answers are expected soon."""
    from orbiter.docker.engine_client import EngineClient  # loads the SDK

    engine = address()
    if engine.startswith(ssh_tunnel.SCHEME):
        local = ssh_tunnel.tunnel(engine).address
        return EngineClient(base_url=local, version="auto", timeout=FIRST_ANSWER_TIMEOUT)
    if os.environ.get(HOST_VARIABLE):
        return EngineClient.from_env(timeout=FIRST_ANSWER_TIMEOUT)
    # The SDK itself ignores contexts.
    context = _current_context()
    return EngineClient(
        base_url=context.Host,
        tls=context.TLSConfig or False,
        version="auto",
        timeout=FIRST_ANSWER_TIMEOUT,
    )


def _current_context() -> Any:
    """Return the context that the program docker uses, which ``CONTEXT_VARIABLE`` may name."""
    from docker.context import ContextAPI
    from docker.context.config import get_current_context_name

    name = os.environ.get(CONTEXT_VARIABLE) or get_current_context_name()
    with sdk_errors(f"reading the Docker context '{name}'"):
        context = ContextAPI.get_context(name)
    if context is None:
        raise ExpectedError(f"the Docker context '{name}' was not found", CONTEXT_HINT)
    return context


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


def consistent_list(ask: Callable[[], T]) -> T:
    """Return a list of the engine, asked for again if something in it is removed meanwhile."""
    from docker.errors import APIError

    for _ in range(LIST_ATTEMPTS - 1):
        try:
            return ask()
        except APIError as error:
            if "not found" not in str(error.explanation):
                raise
            time.sleep(LIST_PAUSE)
    return ask()


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
