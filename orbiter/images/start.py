"""``orbiter run`` and ``orbiter shell``: containers of a built image."""

import json
import secrets
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from msgspec import UnsetType

from orbiter.config.runtime import Runtime
from orbiter.config.stage_graph import runtime_of
from orbiter.docker import client, containers, local_images
from orbiter.docker.objects import LOCKSET
from orbiter.docker.owner import owner
from orbiter.images.host_port import reserved_port
from orbiter.images.server_log import follow
from orbiter.lockset import model
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import resolve_stage
from orbiter.render.model import platform_slug
from resolvers.errors import ExpectedError
from resolvers.redaction import without_secrets

if TYPE_CHECKING:
    from docker.models.containers import Container

PORT = 8888
"""Port of JupyterLab in an image by default."""
COMMAND = ("jupyter", "lab", "--ip=0.0.0.0", f"--port={PORT}", "--no-browser")


def run_image(
    lock_set: LockSet, image: str, *, port: int | None = None, mount: Path | None = None
) -> None:
    """Run the JupyterLab of an image (``debian-base``) until Ctrl-C, then remove its container.

    A command in images.toml must start a Jupyter server, on a port of ``expose`` or on 8888.
    Prints the log to stderr, and the URL with its token to stdout when the server answers.
    ``mount`` becomes ``~/work``; the server runs as the folder's owner, so that it can write there.
    Raises ExpectedError if the image has no JupyterLab, or was not built from this lock set, and if
    the engine is on another machine.
    """
    refuse_remote_engine()
    image = resolve_stage(lock_set, image)
    refuse_without_jupyterlab(lock_set, image)
    tag = find_built_tag(lock_set, image)
    token = secrets.token_hex(24)
    runtime = _runtime(lock_set, image)
    user, mounts = _mounted(lock_set, mount)
    with owner() as name, reserved_port(port) as host_port:
        container = containers.start_container(
            tag,
            _command(runtime, user),
            ports={_container_port(runtime): host_port},
            environment={"JUPYTER_TOKEN": token},
            mounts=mounts,
            owner=name,
            user=user,
        )
        try:
            follow(
                lambda put: deque(map(put, _log_lines(container)), maxlen=0),
                f"http://127.0.0.1:{host_port}",
                token,
            )
        except KeyboardInterrupt:
            report_stopping()
        finally:
            containers.stop_container(container)


def report_stopping() -> None:
    """Print that Ctrl-C has arrived, because a server may take some seconds to stop."""
    sys.stderr.write("\nstopping\n")


def _mounted(lock_set: LockSet, mount: Path | None) -> tuple[str, dict[str, str]]:
    """Return the user of the container, "" for the image's, and its mounts."""
    if mount is None:
        return "", {}
    owner = mount.stat()
    mounts = {str(mount.resolve()): f"/home/{lock_set.image_set.user.name}/work"}
    return f"{owner.st_uid}:{owner.st_gid}", mounts


def _runtime(lock_set: LockSet, image: str) -> Runtime:
    image_set = lock_set.image_set
    return runtime_of(image_set, next(each for each in image_set.stages if each.name == image))


def _command(runtime: Runtime, user: str) -> tuple[str, ...] | None:
    """Return the command to run as a user, or None for the image's own one of images.toml."""
    if not isinstance(runtime.cmd, UnsetType):
        return None
    uid = (user or runtime.user).partition(":")[0]
    return (*COMMAND, "--allow-root") if uid in {"0", "root"} else COMMAND


def _container_port(runtime: Runtime) -> int:
    """Return the port of the server; an own command may use another one, listed in ``expose``."""
    ports = [int(port.removesuffix("/tcp")) for port in runtime.expose if port.endswith("/tcp")]
    if isinstance(runtime.cmd, UnsetType) or not ports:
        return PORT
    return PORT if PORT in ports else min(ports)


def refuse_remote_engine() -> None:
    """Raise ExpectedError if this machine cannot reach the ports of the engine's containers."""
    address = client.remote_address()
    if address:
        raise ExpectedError(
            f"the Docker engine {without_secrets(address)} is on another machine, and this one "
            "does not reach the ports of its containers",
            "run orbiter on that machine",
        )


def open_shell(lock_set: LockSet, image: str) -> NoReturn:
    """Replace this process by a shell in a new container of an image or build stage.

    The shell runs as the image's user, and reads standard input if there is no terminal. Its
    container is removed at the end. Raises ExpectedError like ``find_built_tag``.
    """
    containers.become_shell(find_built_tag(lock_set, image))


def find_built_tag(lock_set: LockSet, image: str) -> str:
    """Return the tag of an image that was built from this lock set.

    Raises ExpectedError if the image is unknown, not built, or built from another lock set.
    """
    image = resolve_stage(lock_set, image)
    tag = _tag(lock_set, image)
    labels = local_images.image_labels(tag)
    release = lock_set.manifest.release
    hint = f"orbiter build --image {image} --release {release}"
    if labels is None:
        raise ExpectedError(f"the image {tag} is not built", hint)
    if labels.get(LOCKSET) != lock_set.root:
        raise ExpectedError(
            f"the image {tag} was built from another lock set than locks/{release}", hint
        )
    return tag


def _log_lines(container: "Container") -> Iterator[str]:
    unfinished = b""
    for chunk in containers.follow_log(container):
        *lines, unfinished = (unfinished + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").rstrip()


def _tag(lock_set: LockSet, stage: str) -> str:
    """Return the tag of a stage; raise ExpectedError if the lock set is partial."""
    image_set = lock_set.image_set
    if not lock_set.is_complete:
        problem = f"the lock set of release {lock_set.manifest.release} is partial"
        raise ExpectedError(problem, "run orbiter lock")
    return f"{image_set.repository}:{stage}-{image_set.version}"


def refuse_without_jupyterlab(lock_set: LockSet, image: str) -> None:
    """Raise ExpectedError if an image does not start JupyterLab."""
    if not _has_jupyterlab(lock_set, image):
        stages = lock_set.image_set.stages
        runnable = [stage.name for stage in stages if _has_jupyterlab(lock_set, stage.name)]
        hint = f"add it: orbiter add jupyterlab --image {image}"
        if runnable:
            hint = f"images with JupyterLab: {', '.join(runnable)}"
        shell = f"or open a shell in the image: orbiter shell {image}"
        raise ExpectedError(f"'{image}' has no JupyterLab to run", f"{hint}\n  {shell}")


def _has_jupyterlab(lock_set: LockSet, image: str) -> bool:
    """Return whether an image starts JupyterLab: final stages with the package do."""
    stages = lock_set.image_set.stages
    is_final = any(stage.name == image and stage.kind == "final" for stage in stages)
    return is_final and has_python_package(lock_set, image, "jupyterlab")


def has_python_package(lock_set: LockSet, image: str, name: str) -> bool:
    """Return whether pip or conda installs a package into an image."""
    platform = platform_slug(lock_set.image_set.platforms[0])
    text = lock_set.files[f"{model.BUILD}/{image}/packages-{platform}.json"]
    packages = {(each["manager"], each["name"]) for each in json.loads(text)["packages"]}
    return not packages.isdisjoint({("pip", name), ("conda", name)})
