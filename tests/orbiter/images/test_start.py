"""``orbiter run`` on an image with a server that behaves like JupyterLab, and its errors."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orbiter.config.runtime import Runtime
from orbiter.docker import client, local_images
from orbiter.images.start import run_image
from orbiter.lockset.model import LockSet
from orbiter.oci import base_image
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.runnable import TAG, locked

BASE = "python:3.13-slim"
SERVER = """#!/usr/local/bin/python3
import http.server, os, sys
token = os.environ["JUPYTER_TOKEN"]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.headers["authorization"] == f"token {token}" else 403)
        self.end_headers()
        self.wfile.write(open("/etc/hostname", "rb").read())
if "broken" in os.listdir(os.path.expanduser("~")):
    sys.exit("cannot start")
if os.path.isdir("/home/jovyan/work"):
    open(os.path.join("/home/jovyan/work", "made"), "w").write(f"{os.getuid()}")
server = http.server.HTTPServer(("", int(os.environ.get("PORT", 8888))), Handler)
print("Jupyter Server is running at:", sys.argv, flush=True)
server.serve_forever()
"""
OWN = Runtime(cmd=("jupyter", "own"), expose=("53/udp", "9999/tcp"))


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """Build an image with a server in place of JupyterLab, labelled as built from ``locked()``."""
    with built(tmp_path, locked()):
        yield TAG


@contextmanager
def built(tmp_path: Path, lock_set: LockSet, more: str = "") -> Iterator[None]:
    """Build an image with a server in place of JupyterLab, labelled as built from a lock set."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "jupyter").write_text(SERVER)
    digest = base_image.pin(BASE, "linux/amd64", mirrors=client.mirrors()).digest
    (folder / "Dockerfile").write_text(
        f"FROM {local_images.pull_image(BASE, digest, 'linux/amd64')}\n"
        "RUN mkdir -m 777 /home/jovyan\nENV HOME=/home/jovyan\n"
        "COPY --chmod=755 jupyter /usr/local/bin/\nUSER 1000\n"
        f"LABEL org.orbiter.lockset={lock_set.root}\n{more}"
    )
    # Its output would be in front of the URL that a test reads.
    command = ["docker", "buildx", "build", "--quiet", "--load", "--tag", TAG, str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    yield
    subprocess.run(["docker", "rmi", "--force", TAG], check=True, stdout=subprocess.DEVNULL)


def test_only_images_of_the_release_with_jupyterlab_can_be_run() -> None:
    with pytest.raises(ExpectedError, match="has no image or stage 'debian-bose'") as caught:
        run_image(locked(), "debian-bose")
    assert caught.value.hint.startswith("did you mean 'debian-base'?")
    with pytest.raises(ExpectedError, match="has no image or stage 'bsae'") as caught:
        run_image(locked(), "bsae")
    assert caught.value.hint.startswith("did you mean 'debian-base'?")


def test_an_image_without_jupyterlab_is_an_error_with_the_remedies() -> None:
    with pytest.raises(ExpectedError, match="has no JupyterLab") as caught:
        run_image(locked("numpy"), "debian-base")
    assert caught.value.hint == (
        "add it: orbiter add jupyterlab --image debian-base\n"
        "  or open a shell in the image: orbiter shell debian-base"
    )


def test_the_ports_of_an_engine_on_another_machine_are_not_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example:2376")
    with pytest.raises(ExpectedError, match="is on another machine"):
        run_image(locked(), "debian-base")


@pytest.mark.engine
def test_an_image_that_is_not_built_is_an_error_with_the_remedy() -> None:
    with pytest.raises(ExpectedError, match="is not built") as caught:
        run_image(locked(), "debian-base")
    assert caught.value.hint == "orbiter build --image debian-base --release 0.1.0"


@pytest.mark.engine
def test_an_image_of_another_lock_set_is_rejected(image: str) -> None:
    with pytest.raises(ExpectedError, match=f"{image} was built from another lock set"):
        run_image(locked(epoch=2), "debian-base")


def run_until_answered(
    lock_set: LockSet, capfd: pytest.CaptureFixture[str], mount: Path | None = None
) -> list[bytes]:
    """Run the image until its server answers, press Ctrl-C, and return the answer."""
    seen: list[bytes] = []

    def press_ctrl_c() -> None:
        text = ""
        for _ in range(1200):
            time.sleep(0.1)
            text += capfd.readouterr().out
            if found := re.fullmatch(
                r"(http://127\.0\.0\.1:\d+)/lab\?token=([0-9a-f]{48})", text.strip()
            ):
                seen.append(
                    http.get(f"{found[1]}/", headers={"authorization": f"token {found[2]}"}).content
                )
                break
        # Also without a URL, because the server would otherwise run for ever.
        os.kill(os.getpid(), signal.SIGINT)

    # A shell lets programs in the background ignore SIGINT; the command line sets a handler.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=press_ctrl_c, daemon=True)
    thread.start()
    run_image(lock_set, "debian-base", mount=mount)
    thread.join()
    return seen


@pytest.mark.engine
def test_it_prints_the_url_and_removes_the_container_on_ctrl_c(
    image: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mount = tmp_path / "mine"
    mount.mkdir()
    if os.getuid() == 0:
        os.chown(mount, 4321, 4321)
    seen = run_until_answered(locked(), capfd, mount)
    assert len(seen) == 1
    assert (mount / "made").read_text() == str(mount.stat().st_uid)
    assert not client.connect().containers.list(all=True, filters={"ancestor": image})


@pytest.mark.engine
def test_the_command_of_images_toml_runs_on_its_port(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lock_set = locked(runtime=OWN)
    with built(tmp_path, lock_set, 'ENV PORT=9999\nCMD ["jupyter", "own"]\n'):
        (answer,) = run_until_answered(lock_set, capfd)
    assert answer.strip()


@pytest.mark.engine
def test_the_error_for_a_stopped_server_has_its_last_lines(image: str, tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    file = tmp_path / "image" / "Dockerfile"
    file.write_text(f"{file.read_text()}RUN touch /home/jovyan/broken\n")
    subprocess.run(
        ["docker", "buildx", "build", "--quiet", "--load", "--tag", TAG, file.parent], check=True
    )
    with pytest.raises(ExpectedError, match=r"the server in the container stopped\n.*cannot start"):
        run_image(locked(), "debian-base")
    assert not client.connect().containers.list(all=True, filters={"ancestor": image})


@pytest.mark.engine
def test_a_requested_port_that_is_in_use_is_an_error(image: str) -> None:
    assert image
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ExpectedError, match="is in use"):
            run_image(locked(), "debian-base", port=taken.getsockname()[1])
