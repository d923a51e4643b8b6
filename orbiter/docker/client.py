"""The one door for Docker: the SDK for everything but building, ``docker buildx bake`` for that.

Both speak to the engine that the docker program would: DOCKER_HOST, else the current context.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from orbiter.docker import bake
from orbiter.docker.bake import Begin, BuildOptions, BuiltImage
from orbiter.docker.objects import STARTED, LocalContainer, LocalImage
from orbiter.docker.push_check import images_to_push
from orbiter.lockset.record import RecordedBuilder
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

    from resolvers.types import Shell

Approve = Callable[[tuple[BuiltImage, ...]], bool]
"""Looks at what was built, before it is loaded, pushed or kept."""
TIMEOUT = 600
"""Seconds that the engine may take for one answer: loading a large image is one."""
SHELL = "if command -v bash > /dev/null; then exec bash; else exec sh; fi"


def available() -> str:
    """Why no image can be built here, in one line; empty when it can be."""
    from resolvers import process

    try:
        connect().ping()
        process.run(
            [process.find("docker", bake.DOCKER), "buildx", "version"], name="docker buildx"
        )
    except ExpectedError as error:
        return error.message.splitlines()[0]
    except Exception as error:  # the SDK lets errors of many libraries through
        return f"no Docker engine answers: {_reason(error)}"
    return ""


def builder_versions(builder: str) -> RecordedBuilder:
    """The versions of what builds: BuildKit, as far as it tells it, and of the engine that it is a part of."""
    told = bake.inspect_builder(builder)
    versions = [*told.get("buildkit version", ()), *told.get("buildkit", ())]
    with _told("asking the engine for its version"):
        engine = connect().version()["Version"] if "docker" in told.get("driver", ()) else ""
    return RecordedBuilder(
        buildkit=", ".join(
            sorted(version for version in versions if not version.startswith("v0.0.0"))
        ),
        engine=engine,
        buildx=bake.buildx_version(),
    )


@cache
def connect() -> "DockerClient":
    """The SDK's client for this user's engine. Raises ExpectedError when none answers."""
    import docker
    from docker.context import ContextAPI

    try:
        if os.environ.get("DOCKER_HOST"):
            return docker.from_env(timeout=TIMEOUT)
        context = ContextAPI.get_current_context()
        tls = context.TLSConfig or False
        return docker.DockerClient(base_url=context.Host, tls=tls, version="auto", timeout=TIMEOUT)
    except Exception as error:
        raise ExpectedError(f"no Docker engine answers: {_reason(error)}", bake.DOCKER) from error


def mirrors() -> tuple[str, ...]:
    """The registry mirrors that the engine is configured with; none where no engine answers."""
    try:
        with _told("asking the engine for its registry mirrors"):
            config = connect().info().get("RegistryConfig") or {}
    except ExpectedError:
        return ()
    return tuple(config.get("Mirrors") or ())


def credentials(registry: str) -> tuple[str, str] | None:
    """User and password that ``docker login`` keeps for a registry, also in a helper; None for none."""
    from docker import auth

    try:
        found = auth.load_config().resolve_authconfig(registry) or {}
    except Exception as error:
        raise ExpectedError(
            f"the credentials for {registry} cannot be read: {_reason(error)}",
            f"run docker login {registry}",
        ) from error
    if found.get("username") and found.get("password"):
        return found["username"], found["password"]
    return None


def build(
    place: Path,
    root: str,
    options: BuildOptions,
    begin: Begin,
    approve: Approve = lambda _built: True,
) -> tuple[BuiltImage, ...]:
    """Build images of a lock set, with nothing but what lies in ``place``; load, push and keep them as asked.

    ``place`` holds ``build/`` (of the lock set), ``artifacts/<stage>/<platform>/``, ``bases/<hex>/`` (OCI
    layouts, by manifest digest) and ``seeds/<stage>/<platform>.tar`` (see ``seed``). ``root`` is the lock set's root
    digest. ``begin`` starts a task for people. What ``approve`` gives no leave for goes nowhere.
    Raises ExpectedError with the failing step's last lines, and as ``to_push`` before anything is loaded or pushed.
    """
    built = bake.run_bake(place, root, options, begin)
    if not approve(built):
        return built
    sent = (
        tuple(image.stage for image in images_to_push(built, credentials, force=options.force))
        if options.push
        else ()
    )
    by_builder = bool(sent) and bake.can_push(options.builder)
    pushed = (
        bake.push_from_builder(place, root, msgspec.structs.replace(options, images=sent), begin)
        if by_builder
        else {}
    )
    for image in built:
        tell = begin(image.stage)
        by_engine = image.stage in sent and not by_builder
        if options.load or by_engine:
            tell("loading into the engine")
            load_image(image.archive)
        if by_engine:
            tell("pushing")
            pushed[image.stage] = push_image(image.tag)
        _check_pushed(image, pushed.get(image.stage, image.digest))
        tell("")
    built = tuple(msgspec.structs.replace(image, pushed=image.stage in sent) for image in built)
    return bake.keep_archives(built, options.output) if options.output else built


def _check_pushed(image: BuiltImage, digest: str) -> None:
    if digest != image.digest:
        raise ExpectedError(
            f"{image.tag} was pushed as {digest}, not as it was built ({image.digest})",
            "turn on the engine's containerd image store, or push with --builder NAME (of driver docker-container)",
        )


def image_shell(reference: str, digest: str, platform: str) -> "Shell":
    """A Shell in the image ``reference`` with this digest, which is pulled when the engine does not have it."""

    def run(script: str, *, platform: str = platform, cache: str = "") -> str:
        from resolvers import process

        image = pull_image(reference, digest, platform)
        mount = ["--volume", f"{Path(cache).absolute()}:/cache"] if cache else []
        words = ["run", "--rm", "--interactive", "--platform", platform, "--user", "0", *mount]
        command = [
            process.find("docker", bake.DOCKER),
            *words,
            "--entrypoint",
            "/bin/sh",
            image,
            "-s",
        ]
        return process.run(command, stdin=script, name=f"the shell in {reference} for {platform}")

    return run


def pull_image(reference: str, digest: str, platform: str) -> str:
    """Make sure that the engine has the image with this digest; gives the name to use it by."""
    from docker.errors import ImageNotFound

    repository = reference.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    name = f"{repository}@{digest}"
    with _told(f"pulling {name}"):
        try:
            connect().images.get(name)
        except ImageNotFound:
            connect().images.pull(repository, tag=digest, platform=platform)
    return name


def image_labels(tag: str) -> Mapping[str, str] | None:
    """The labels of a local image; None when there is no such image."""
    from docker.errors import ImageNotFound

    with _told(f"looking for {tag}"):
        try:
            return connect().images.get(tag).labels
        except ImageNotFound:
            return None


def list_images(label: str) -> tuple[LocalImage, ...]:
    """The engine's images that have a label."""
    with _told("asking the engine for its images"):
        return msgspec.convert(
            connect().api.images(filters={"label": label}), tuple[LocalImage, ...]
        )


def list_containers() -> tuple[LocalContainer, ...]:
    """All containers of the engine, running or not."""
    with _told("asking the engine for its containers"):
        return msgspec.convert(
            connect().api.containers(all=True, size=True), tuple[LocalContainer, ...]
        )


def remove_image(tag: str) -> None:
    """Remove a tag, and its image with the last one; raises ExpectedError where a container uses it."""
    with _told(f"removing {tag}"):
        connect().api.remove_image(tag)


def remove_container(name: str) -> None:
    """Remove a container that is stopped; raises ExpectedError for one that runs."""
    with _told(f"removing the container {name}"):
        connect().api.remove_container(name, v=True)  # with its volumes that have no name


def become_shell(tag: str) -> NoReturn:
    """Become a shell in a fresh container of a local image, as its user; without a terminal it reads standard input."""
    from resolvers import process

    terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    words = [
        "run",
        "--rm",
        "--init",
        "--pull=never",
        "--interactive",
        *terminal,
        tag,
        "/bin/sh",
        "-c",
        SHELL,
    ]
    process.become([process.find("docker", bake.DOCKER), *words])


def load_image(archive: Path) -> None:
    """Load an image archive into the engine."""
    with _told(f"loading {archive.name} into the engine"), archive.open("rb") as file:
        connect().images.load(file)


def push_image(tag: str) -> str:
    """Push a loaded image; gives the digest that the registry now has it under."""
    repository, _, name = tag.rpartition(":")
    digest = ""
    with _told(f"pushing {tag}"):
        for line in connect().images.push(repository, tag=name, stream=True, decode=True):
            if "error" in line:
                raise ExpectedError(
                    f"pushing {tag} failed: {line['error']}", "docker login, or another repository"
                )
            told = re.search(r"digest: (sha256:[0-9a-f]{64})", line.get("status", ""))
            digest = told[1] if told else digest
    return digest


def start_container(
    tag: str,
    command: Sequence[str],
    *,
    ports: Mapping[int, int],
    environment: Mapping[str, str],
    mounts: Mapping[str, str],
    user: str = "",
) -> "Container":
    """Start a container of ``tag`` under an init process.

    ``ports`` maps its ports to those on 127.0.0.1 here, ``mounts`` folders of this machine to places inside;
    ``user`` is ``uid:gid``, empty for the image's own.
    """
    with _told(f"starting {tag}"):
        return connect().containers.run(
            tag,
            list(command),
            detach=True,
            init=True,
            ports={f"{inner}/tcp": ("127.0.0.1", outer) for inner, outer in ports.items()},
            environment=dict(environment),
            user=user or None,
            labels={STARTED: tag},
            volumes={folder: {"bind": inside, "mode": "rw"} for folder, inside in mounts.items()},
        )


def follow_log(container: "Container") -> Iterator[bytes]:
    """What a container writes, as it comes, until it ends."""
    with _told("following the container's log"):
        yield from container.logs(stream=True, follow=True)


def stop_container(container: "Container") -> None:
    """Stop a container, giving it a few seconds to end by itself, and remove it."""
    with _told("stopping the container"):
        container.stop(timeout=5)
        container.remove(force=True)


@contextmanager
def _told(doing: str) -> Iterator[None]:
    """Errors of the SDK become ExpectedErrors."""
    try:
        yield
    except ExpectedError:
        raise
    except Exception as error:
        raise ExpectedError(f"{doing} failed: {_reason(error)}") from error


def _reason(error: Any) -> str:
    return str(getattr(error, "explanation", None) or error).strip().splitlines()[0]
