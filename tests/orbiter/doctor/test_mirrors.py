"""The checks of mirrors: locked files on a server, and the sources of real images."""

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.config.read import image_set_of
from orbiter.docker import client, local_images
from orbiter.docker.shells import pin_base
from orbiter.doctor import mirrors
from orbiter.doctor.check import Check, run_checks
from orbiter.doctor.mirrors import mirror_checks, source_checks
from orbiter.doctor.result import CheckResult
from orbiter.fetch.fill import artifacts
from orbiter.fetch.sources import FetchSettings
from orbiter.lockset import folder
from resolvers.distro.reach import Source
from resolvers.distro.repositories import source_of
from tests.support.lock_sets import small
from tests.support.loopback import Answer, Server
from tests.support.loopback_registry import NAME, LoopbackRegistry

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "{}"
[image.debian.core]
apt = ["git"]
"""
FILE = next(file for file in artifacts(small(), ()) if file.source.startswith("apt:"))


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder with a lock set, without an engine."""
    folder.write(small(), tmp_path / "locks" / "0.1.0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    client._connection.cache_clear()
    yield
    client._connection.cache_clear()


def apt_result() -> CheckResult:
    found = {check.name: check for check in run_checks(mirror_checks(small().image_set))}
    return found["apt mirrors"]


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    ("answer", "state", "fault"),
    [
        (Answer(200, b"." * FILE.size), "ok", ""),
        (Answer(404), "warning", ""),
        (Answer(503), "failed", "server"),
        (Answer(403), "failed", "credentials"),
    ],
)
def test_a_mirror_is_asked_for_a_locked_file(
    server: Server, monkeypatch: pytest.MonkeyPatch, answer: Answer, state: str, fault: str
) -> None:
    monkeypatch.setenv("ORBITER_APT_MIRROR", f"{server.url}/debian")
    server.otherwise = answer
    found = apt_result()
    assert (found.state, found.fault, found.origin) == (state, fault, "ORBITER_APT_MIRROR")
    assert found.address.startswith(f"{server.url}/debian/pool/")
    assert {request.method for request in server.requests} == {"HEAD"}


@pytest.mark.usefixtures("locked")
def test_a_second_mirror_has_the_file(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.otherwise = Answer(200)
    monkeypatch.setenv("ORBITER_APT_MIRROR", f"http://127.0.0.1:1/ {server.url}/debian")
    assert (apt_result().state, apt_result().address.startswith(server.url)) == ("ok", True)


def test_a_repository_of_images_toml_is_asked_for_its_own_file(server: Server) -> None:
    file = replace(FILE, source=f"apt:{source_of('pool/a_1_all.deb', 'lab')}", size=0)
    settings = FetchSettings(repositories={"apt": {"lab": f"{server.url}/lab"}})
    server.replies["/lab/pool/a_1_all.deb"] = Answer(200)
    run = partial(mirrors._check_mirrors, "apt", file, settings)
    (found,) = run_checks([Check("apt mirrors", run)])
    assert (found.state, found.origin) == ("ok", "[apt-repository.lab] in images.toml")
    assert found.address == f"{server.url}/lab/pool/a_1_all.deb"


@pytest.mark.usefixtures("locked")
def test_without_an_engine_the_mirrors_of_a_base_image_are_unknown() -> None:
    found = apt_result()
    assert (found.state, found.detail) == ("skipped", mirrors.NO_MIRRORS)
    text = IMAGES.format("debian:trixie-slim")
    (source,) = run_checks(source_checks(image_set_of(text, Path("x"), "x")))
    assert (source.name, source.state) == ("apt in a container", "skipped")


def test_nothing_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert apt_result().detail == "no release is locked"


@pytest.mark.engine
def test_an_image_that_was_not_pulled_is_not_pulled(server: Server) -> None:
    registry = LoopbackRegistry(server)
    manifest = b"{}"
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    architecture = client.native_platform().partition("/")[2]
    entry = {
        "digest": digest,
        "size": len(manifest),
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "platform": {"os": "linux", "architecture": architecture},
    }
    index = json.dumps({"manifests": [entry]}).encode()
    registry.manifests = {"base": index, digest: manifest}
    text = IMAGES.format(f"{server.host}/{NAME}:base")
    (found,) = run_checks(source_checks(image_set_of(text, Path("x"), "x")))
    assert (found.state, "does not have" in found.detail) == ("skipped", True)
    assert not any("/blobs/" in request.path for request in server.requests)


@pytest.mark.engine
def test_the_sources_of_a_real_image() -> None:
    reference, platform = "debian:trixie-slim", client.native_platform()
    local_images.pull_image(reference, pin_base(reference, platform), platform)
    (found,) = run_checks(source_checks(image_set_of(IMAGES.format(reference), Path("x"), "x")))
    assert (found.state, "sources of debian:trixie-slim answer" in found.detail) == ("ok", True)


def test_an_image_without_sources_and_one_with_broken_ones() -> None:
    nothing = mirrors._answers("debian:trixie-slim", ())
    assert (nothing.state, nothing.hint) == ("failed", mirrors.SOURCES_HINT)
    broken = [Source(f"http://{name}", "E: no") for name in "ab"]
    some = mirrors._answers("debian:trixie-slim", (*broken, Source("http://c")))
    assert some.state == "failed"
    assert some.detail == "http://a: E: no; other sources that do not answer: 1"


@pytest.mark.parametrize(
    ("output", "fault", "hint"),
    [
        ("Ign:1 x\nE: Failed to fetch http://a/x  Could not resolve 'a'", "name", "proxies"),
        ("E: Failed to fetch http://a/x  404  Not Found [IP: 10.0.0.1 80]", "missing", "sources"),
        ("WARNING: updating and opening http://a/x: DNS: name does not exist", "name", "proxies"),
    ],
)
def test_the_reason_of_apt_and_apk(output: str, fault: str, hint: str) -> None:
    found = mirrors._broken(Source("http://a/InRelease", output))
    assert (found.state, found.fault, hint in found.hint) == ("failed", fault, True)
    assert found.detail.startswith("http://a/InRelease: ")
