"""Images that Orbiter pushes to a real registry, and that the Docker engine pulls from there."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orbiter.oci import chunks, push
from orbiter.oci.push import mount_sources, push_image
from orbiter.oci.registry import Repository, repositories, sha256
from orbiter.oci.upload import has_blob, tag_digest
from orbiter.tasks import TaskState
from resolvers.net import http
from tests.support.image_blobs import index_of, write_image
from tests.support.oci_images import layer

REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not REGISTRY, reason="ORBITER_WORLD_REGISTRY names no registry to push to"),
]
TAG = "core-0.1.0"


@pytest.fixture
def name() -> Iterator[str]:
    """Return a repository, and remove the images that the engine pulled from it."""
    made = f"{REGISTRY}/orbiter-test/push-{uuid.uuid4().hex}"
    yield made
    command = ["docker", "image", "ls", "--quiet", made]
    pulled = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if pulled:
        subprocess.run(["docker", "rmi", "--force", *pulled], check=True, capture_output=True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the methods of all requests from now on; a mount is one of its own."""
    found: list[str] = []
    send = http.send

    def counted(method: str, url: str, **rest: Any) -> http.Response:
        found.append("mount" if "mount=" in url else method)
        return send(method, url, **rest)

    monkeypatch.setattr(http, "send", counted)
    return found


def place(name: str) -> Repository:
    (found,) = repositories(name)
    return found


def inspect(*words: str) -> Any:
    done = subprocess.run([*words], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_the_engine_pulls_a_pushed_image(
    name: str, tmp_path: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_SIZE", 1 << 20)
    monkeypatch.setattr(push, "CHUNK_SIZE", 1 << 20)
    shared = layer(("random", os.urandom(3_000_000)))
    images = [
        write_image(tmp_path, [shared, layer(("own", text.encode()))], text)
        for text in ("amd64", "arm64")
    ]
    index = index_of(images)
    reports: list[str | TaskState] = []
    digest = push_image(place(name), TAG, images, index, report=reports.append)
    assert digest == sha256(index) == tag_digest(place(name), TAG)
    assert sent.count("PATCH") == 3
    for reference in (f"{name}:{TAG}", f"{name}@{digest}"):
        subprocess.run(["docker", "pull", "--quiet", reference], check=True, capture_output=True)
    (pulled,) = inspect("docker", "image", "inspect", f"{name}:{TAG}")
    config = json.loads(images[0].blobs[0].path.read_bytes())
    assert pulled["RootFS"]["Layers"] == config["rootfs"]["diff_ids"]
    assert {*pulled["RepoDigests"]} == {f"{name}@{digest}"}
    command = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}:{TAG}"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    assert raw == index


def test_a_second_push_sends_nothing(name: str, tmp_path: Path, sent: list[str]) -> None:
    image = write_image(tmp_path, [layer(("file", b"content"))])
    digest = push_image(place(name), TAG, [image], None, report=print)
    assert sent.count("PUT") == 3
    sent.clear()
    assert push_image(place(name), TAG, [image], None, report=print) == digest
    assert sent == ["HEAD"] * 2, "one for each blob; the tag is read with GET"


def test_layers_of_another_repository_are_not_sent(
    name: str, tmp_path: Path, sent: list[str]
) -> None:
    below = layer(("base", os.urandom(100_000)))
    base = write_image(tmp_path, [below])
    push_image(place(f"{name}/base"), TAG, [base], None, report=print)
    image = write_image(tmp_path, [below, layer(("own", b"content"))])
    sent.clear()
    sources = mount_sources(f"{name}:{TAG}", [f"{name}/base:{TAG}", "debian:trixie-slim"])
    push_image(place(name), TAG, [image], None, report=print, mounts=sources)
    assert (sent.count("mount"), sent.count("POST")) == (1, 2), (
        "the configuration and the own layer"
    )
    found = inspect("skopeo", "inspect", "--tls-verify=false", f"docker://{name}:{TAG}")
    assert found["Layers"] == [blob.digest for blob in image.blobs[1:]]
    assert has_blob(place(name), base.blobs[1].digest)
