"""Run an image as repo2docker does: the real program, on a repository for Binder."""

import json
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from orbiter.docker import client, containers, local_images
from orbiter.docker.objects import REPO2DOCKER, STARTED
from orbiter.docker.owner import owner
from orbiter.images import start
from orbiter.images.host_port import reserved_port
from orbiter.images.server_log import follow
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import resolve_stage
from orbiter.render.environment import environment_dockerfile
from resolvers import process, uv_program
from resolvers.scratch import temporary_folder

PROGRAM = "jupyter-repo2docker"
VERSION = "2026.4.0"
LAB = ("jupyter", "lab", "--ip=0.0.0.0", f"--port={start.PORT}")
"""The command for an image without Jupyter Notebook, which repo2docker starts otherwise."""
TOKEN = "JUPYTER_TOKEN"


class BuiltImage(NamedTuple):
    """A built image of a lock set, and the owner of what repo2docker makes from it."""

    lock_set: LockSet
    stage: str
    tag: str
    owner: str

    @property
    def name(self) -> str:
        """The name of repo2docker's image, and of its container."""
        return f"{REPO2DOCKER}{self.owner}"


def run_with_repo2docker(
    lock_set: LockSet,
    image: str,
    progress: Callable[[str], None],
    *,
    port: int | None = None,
    mount: Path | None = None,
) -> None:
    """Run an image (``debian-base``) with repo2docker until Ctrl-C, then remove its container.

    repo2docker builds an image from the Dockerfile of ``orbiter binder``, and starts it with its
    own command. Prints like ``run_image``, and raises the same errors.
    """
    start.refuse_remote_engine()
    stage = resolve_stage(lock_set, image)
    start.refuse_without_jupyterlab(lock_set, stage)
    tag = start.find_built_tag(lock_set, stage)
    with reserved_port(port) as host_port, temporary_folder() as folder, owner() as name:
        python = uv_program.tool_python(PROGRAM, VERSION, progress)
        built = BuiltImage(lock_set, stage, tag, name)
        options = arguments(built, folder, host_port, mount)
        address = f"http://127.0.0.1:{host_port}"
        _follow([python, "-m", "repo2docker", *options], folder, address, built.name)


def arguments(
    image: BuiltImage, folder: Path, host_port: int, mount: Path | None
) -> Sequence[str | Path]:
    """Write the repository and the configuration; return the arguments of repo2docker."""
    lock_set = image.lock_set
    config = folder / "config.json"
    config.write_text(json.dumps({"Repo2Docker": _config(image, mount)}), encoding="utf-8")
    user = lock_set.image_set.user
    options = ["--config", config, "--image-name", image.name, "--env", TOKEN]
    options += ["--user-id", str(user.uid), "--user-name", user.name]
    # repo2docker itself would listen on all interfaces.
    options += ["--publish", f"127.0.0.1:{host_port}:{start.PORT}"]
    has_notebook = start.has_python_package(lock_set, image.stage, "notebook")
    return [*options, _repository(image, folder), *(() if has_notebook else LAB)]


def _config(image: BuiltImage, mount: Path | None) -> dict[str, Any]:
    """Return the values of repo2docker that its options cannot have."""
    home = f"/home/{image.lock_set.image_set.user.name}"
    labels = containers.started_labels(image.tag, image.owner)
    return {
        "extra_run_kwargs": {"name": image.name, "labels": labels},
        "labels": {STARTED: image.tag},
        "volumes": {str(mount.resolve()): f"{home}/work"} if mount else {},
    }


def _repository(image: BuiltImage, folder: Path) -> Path:
    """Write a repository with a Dockerfile alone; return its folder."""
    path = folder / "repository" / "binder" / "Dockerfile"
    path.parent.mkdir(parents=True)
    release = image.lock_set.manifest.release
    # The tag alone, because Docker looks for a digest in the registry only.
    text = environment_dockerfile(image.tag, image.stage, release, copy=True)
    path.write_text(text, encoding="utf-8")
    return path.parents[1]


def _follow(command: Sequence[str | Path], folder: Path, address: str, name: str) -> None:
    """Run repo2docker until Ctrl-C, then remove its container and its image."""
    token = secrets.token_hex(24)
    variables = {
        TOKEN: token,
        **client.environment(),  # repo2docker ignores contexts
        "BUILDX_BUILDER": "default",  # other builders do not see the images of the engine
    }

    def produce(put: Callable[[str], None]) -> None:
        process.run(command, cwd=folder, env=variables, on_line=put, name="repo2docker")

    try:
        follow(produce, address, token)
    except KeyboardInterrupt:
        start.report_stopping()
        process.terminate_all().join()  # so that it starts no container from now on
    finally:
        _remove(name)


def _remove(name: str) -> None:
    if container := containers.find_container(name):
        containers.stop_container(container)
    if local_images.find_image(name):
        local_images.remove_image(name)
