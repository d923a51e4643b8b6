"""orbiter run: start an image, print where its JupyterLab is, and stop it on Ctrl-C."""

import json
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from orbiter.docker import client
from orbiter.lockset import model
from orbiter.lockset.model import LockSet
from resolvers.errors import ExpectedError
from resolvers.net import http

if TYPE_CHECKING:
    from docker.models.containers import Container

PORT = 8888
"""The port of JupyterLab inside an image, and the one to try first on this machine."""
RUNNING = "is running at:"
"""What Jupyter Server logs once its port is open."""
COMMAND = ("jupyter", "lab", "--ip=0.0.0.0", f"--port={PORT}", "--no-browser")
STARTS = f"CMD {json.dumps(COMMAND)}\n"
"""The line that the Dockerfile of an image with JupyterLab has."""


def run_image(
    locked: LockSet, image: str, *, port: int | None = None, mount: Path | None = None
) -> None:
    """Run the JupyterLab of an image (``debian-base``) until Ctrl-C; its container is removed then.

    The URL with its token goes to standard output once the server answers, the log to standard error.
    ``mount`` is seen as ``~/work``, and the server runs as the folder's owner, so that it can write there.
    Raises ExpectedError when the image is not built from this lock set, or has no JupyterLab.
    """
    _refuse_without_lab(locked, image)
    tag = built_tag(locked, image)
    chosen = _port(port)
    token = secrets.token_hex(24)
    owner = mount.stat() if mount else None
    container = client.start_container(
        tag,
        [*COMMAND, "--allow-root"] if owner and owner.st_uid == 0 else [*COMMAND],
        ports={PORT: chosen},
        environment={"JUPYTER_TOKEN": token},
        mounts={str(mount.resolve()): f"{_home(locked, image)}/work"} if mount else {},
        user=f"{owner.st_uid}:{owner.st_gid}" if owner else "",
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _follow(container, f"http://127.0.0.1:{chosen}", token)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopping\n")
    finally:
        client.stop_container(container)


def _follow(container: "Container", address: str, token: str) -> None:
    """Pass the log on; print the URL when the server answers. Raises ExpectedError when it ends by itself."""
    answered = False
    tail: list[str] = []
    for line in _lines(container):
        sys.stderr.write(f"{line}\n")
        tail = [*tail[-19:], line]
        if not answered and RUNNING in line:
            http.get(f"{address}/api/status", headers={"authorization": f"token {token}"})
            sys.stdout.write(f"{address}/lab?token={token}\n")
            sys.stdout.flush()
            answered = True
    shown = "" if answered else "\n" + "\n".join(f"  {line}" for line in tail)
    raise ExpectedError(f"the server in the container ended by itself{shown}")


def _lines(container: "Container") -> Iterator[str]:
    buffer = b""
    for chunk in client.follow_log(container):
        *lines, buffer = (buffer + chunk).split(b"\n")
        yield from (line.decode(errors="replace").rstrip() for line in lines)


def built_tag(locked: LockSet, image: str) -> str:
    """The tag of an image; raises ExpectedError where it is unknown, not built here, or built from another lock set."""
    tag = _tag(locked, image)
    _refuse_other(locked, image, tag)
    return tag


def _tag(locked: LockSet, image: str) -> str:
    """The tag of an image as the lock set's bake file has it. Raises ExpectedError for an unknown image."""
    file = (
        json.loads(locked.files[f"{model.BUILD}/docker-bake.json"])
        if locked.is_complete
        else {"target": {}}
    )
    if "tags" not in file["target"].get(image, {}):
        names = ", ".join(file.get("group", {}).get("default", {}).get("targets", ()))
        raise ExpectedError(
            f"release {locked.manifest.release} has no image '{image}'",
            f"it has {names}" if names else "run orbiter lock",
        )
    return str(file["target"][image]["tags"][0])


def _refuse_without_lab(locked: LockSet, image: str) -> None:
    tag = _tag(locked, image)
    if STARTS not in _dockerfile(locked, image):
        raise ExpectedError(
            f"'{image}' has no JupyterLab that could be started", f"docker run --rm -it {tag}"
        )


def _dockerfile(locked: LockSet, image: str) -> str:
    return locked.files[f"{model.BUILD}/{image}/Dockerfile"]


def _home(locked: LockSet, image: str) -> str:
    """The home of the notebook user, which is the image's working directory."""
    line = next(
        line for line in _dockerfile(locked, image).splitlines() if line.startswith("WORKDIR ")
    )
    return line.removeprefix("WORKDIR ")


def _refuse_other(locked: LockSet, image: str, tag: str) -> None:
    labels = client.image_labels(tag)
    remedy = f"orbiter build --image {image} --release {locked.manifest.release}"
    if labels is None:
        raise ExpectedError(f"the image {tag} is not built", remedy)
    if labels.get("org.orbiter.lockset") != locked.root:
        raise ExpectedError(
            f"the image {tag} was built from another lock set than locks/{locked.manifest.release}",
            remedy,
        )


def _port(asked: int | None) -> int:
    """A free port on this machine: the one that was asked for, else 8888, else any."""
    for port in (asked,) if asked else (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ExpectedError(
        f"port {asked} of this machine is taken", "choose another one with --port, or leave it out"
    )


def open_shell(locked: LockSet, image: str) -> NoReturn:
    """Become a shell in a fresh container of an image or build stage, as its user; the container is removed at its end.

    Without a terminal it runs what standard input says. Raises ExpectedError as ``built_tag``.
    """
    client.become_shell(built_tag(locked, image))
