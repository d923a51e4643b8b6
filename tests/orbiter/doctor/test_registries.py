"""The checks of registries, against a registry with tokens and a login."""

import base64
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orbiter.config.image_set import ImageSet
from orbiter.config.read import image_set_of
from orbiter.docker import client
from orbiter.doctor.check import Check, run_checks
from orbiter.doctor.registries import _check_pull, registry_checks
from orbiter.doctor.result import CheckResult
from tests.support.loopback import Answer, Server
from tests.support.loopback_registry import NAME, USER, LoopbackRegistry

IMAGES = """
version = "0.1.0"
repository = "{host}/{name}"
[builder.debian]
from = "{host}/{name}:base"
[image.debian.core]
pip = ["attrs"]
"""


@pytest.fixture
def registry(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LoopbackRegistry]:
    """Return a registry on a machine without an engine and without logins."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    client._connection.cache_clear()
    yield LoopbackRegistry(server)
    client._connection.cache_clear()


def log_in(registry: LoopbackRegistry, folder: Path) -> None:
    auth = base64.b64encode(":".join(USER).encode()).decode()
    config = {"auths": {registry.server.host: {"auth": auth}}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def results(registry: LoopbackRegistry) -> tuple[CheckResult, CheckResult]:
    return of_registries(image_set(registry))


def of_registries(images: ImageSet) -> tuple[CheckResult, CheckResult]:
    """Return the results for the base image and for the push; there is no engine to pull."""
    base, pull, push = run_checks(registry_checks(images))
    assert (pull.name, pull.state) == ("Docker's pulls", "skipped")
    return base, push


def image_set(registry: LoopbackRegistry) -> ImageSet:
    text = IMAGES.format(host=registry.server.host, name=NAME)
    return image_set_of(text, Path("images.toml"), "images.toml")


def test_registries_that_answer(registry: LoopbackRegistry, tmp_path: Path) -> None:
    registry.manifests["base"] = b"{}"
    base, push = results(registry)
    assert base.state == "ok"
    assert base.address == f"{registry.server.url}/v2/{NAME}/manifests/base"
    assert base.origin == f"'{registry.server.host}/{NAME}:base' in images.toml"
    assert (push.state, f"docker login {registry.server.host}" in push.hint) == ("warning", True)
    log_in(registry, tmp_path)
    _, push = results(registry)
    assert push.state == "ok"
    assert "it does not have debian-core-0.1.0 yet" in push.detail
    assert {request.method for request in registry.requests} == {"GET"}  # nothing was written


def test_a_tag_that_was_pushed(registry: LoopbackRegistry, tmp_path: Path) -> None:
    registry.manifests["debian-core-0.1.0"] = b"{}"
    log_in(registry, tmp_path)
    assert "it has debian-core-0.1.0;" in results(registry)[1].detail


def test_a_missing_base_image(registry: LoopbackRegistry) -> None:
    base, _ = results(registry)
    assert (base.state, base.fault, base.hint) == (
        "failed",
        "missing",
        "correct the name and the tag",
    )


@pytest.mark.parametrize(("status", "fault"), [(401, "credentials"), (500, "server")])
def test_registries_with_faults(registry: LoopbackRegistry, status: int, fault: str) -> None:
    registry.server.otherwise = Answer(status)
    base, push = results(registry)
    assert (base.fault, push.fault) == (fault, fault)
    is_denied = fault == "credentials"
    assert (f"docker login {registry.server.host}" in base.hint) == is_denied


def test_a_mirror_that_does_not_answer(
    registry: LoopbackRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The engine of the tests has a mirror that works, so this one is a value.
    monkeypatch.setattr(client, "mirrors", lambda: ("http://127.0.0.1:1", registry.server.url))
    registry.server.replies["/v2/library/a/manifests/1"] = Answer(200, b"{}")
    text = IMAGES.format(host=registry.server.host, name=NAME).replace(
        f"{registry.server.host}/{NAME}:base", "a:1"
    )
    base, _ = of_registries(image_set_of(text, Path("x"), "x"))
    # The last one is the registry itself: both mirrors come before it.
    assert (base.state, "127.0.0.1:1: " in base.detail) == ("warning", True)
    assert base.address == f"{registry.server.url}/v2/library/a/manifests/1"
    assert base.origin == "Docker's registry mirrors"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("reference", "state", "fault"),
    [
        ("debian:trixie-slim", "ok", ""),
        ("127.0.0.1:1/a:1", "failed", "refused"),
        ("registry.invalid/a:1", "failed", "name"),
    ],
)
def test_what_the_engine_can_pull(reference: str, state: str, fault: str) -> None:
    (found,) = run_checks([Check("pull", partial(_check_pull, reference))])
    assert (found.state, found.fault) == (state, fault)
    assert ("daemon.json" in found.hint) == (state == "failed")
