"""All managers behind mitmproxy, which alone knows the hosts of the mirrors."""

import hashlib
import io
import os
import shutil
import sys
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from resolvers.npm import program as npm_program
from resolvers.pip.installers import VERSIONS
from tests.support.alpine_project import Project
from tests.support.alpine_world import docker, needs_world, served_folder
from tests.support.company_proxy import PASSWORD, PROFILE, CompanyProxy, company_proxy
from tests.support.json_output import read_document
from tests.support.wheel_index import WheelIndex, wheel, wheel_index

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = [pytest.mark.engine, pytest.mark.index, needs_world]

IMAGES = """
version = "0.1.0"
repository = "{repository}"

[builder.alpine]
from = "alpine:3.23"

[builder.debian]
from = "debian:trixie-slim"
python = "3.13.5"
pip-engine = "uv"

[builder.micromamba]
from = "debian:trixie-slim"
channels = ["conda-forge"]
installer = "rattler"

[image.alpine.base]
apk = ["orbit-hello"]

[image.debian.base]
apt = ["nodejs", "python3", "tree"]

[image.debian.base.build]
apt = ["nodejs", "python3"]
pip = ["acme"]
npm = ["is-object"]
downloads = [{{ url = "{download}", sha256 = "{sha256}", to = "/opt/tool" }}]

[image.micromamba.base]
apt = ["python3"]

[image.micromamba.base.build]
apt = ["python3"]
conda = ["tqdm"]
"""
OTHER_MIRRORS = """\
apt = "https://ada:m1rr0r%2F@apt.corp.invalid/debian"
apk = "https://apk.corp.invalid/alpine"

[network.registries]
"docker.io" = "hub.corp.invalid/hub"
"""
ZSTD = b"\x28\xb5\x2f\xfd"
INHERITED = ("PATH", "DOCKER_HOST", "LANG", "TMPDIR")
TOOL = b"#!/bin/sh\n"
"""Content of the download."""


class Company(Project):
    """A project whose commands see only the ``variables`` of the environment."""

    variables: Mapping[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        return {**self.variables, "ORBITER_CACHE_DIR": str(self.cache)}


class Network(NamedTuple):
    """A proxy, the project that was locked behind it, and the same that was locked without it.

    ``output`` is everything that locking behind the proxy printed.
    """

    proxy: CompanyProxy
    behind: Company
    direct: Company
    output: str


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("network")
    bridge = os.environ["ORBITER_WORLD_HTTP_FROM_CONTAINERS"].removeprefix("http://")
    with (
        wheel_index() as index,
        served_folder() as served,
        company_proxy(folder, bridge.partition(":")[0]) as proxy,
    ):
        index.add("acme", "1.0")
        for name, version in VERSIONS.items():
            made = wheel(name.replace("-", "_"), version, tag="py3-none-manylinux_2_28_x86_64")
            index.add_file(name, made)
        (served / "tool").write_bytes(TOOL)
        proxy.route({**_routes(index), bridge.partition(":")[0]: (f"http://{bridge}", "/")})
        images = IMAGES.format(
            repository=f"orbiter-test/company-{uuid.uuid4().hex}",
            download=f"http://{bridge}/{served.name}/tool",
            sha256=hashlib.sha256(TOOL).hexdigest(),
        )
        behind = Company(folder / "behind", folder / "behind-cache", images)
        behind.variables = _behind(folder, proxy)
        direct = Company(folder / "direct", folder / "direct-cache", images)
        direct.variables = _direct(folder, index)
        try:
            output = behind.lock("--verbose")
            shutil.copytree(behind.folder / "locks", direct.folder / "locks")
            direct.lock("--upgrade")  # resolves everything again, and keeps the time
            yield Network(proxy, behind, direct, output)
        finally:
            if tags := [line.split()[0] for line in behind.engine_images()]:
                docker("image", "rm", "--force", *tags)


def _routes(index: WheelIndex) -> dict[str, tuple[str, str]]:
    """Return the server of each mirror, and the start of the paths that it does not know."""
    registry = f"http://{os.environ['ORBITER_WORLD_REGISTRY']}"
    world = os.environ["ORBITER_WORLD_HTTP"]
    sources = "sed -n 's/^URIs: //p' /etc/apt/sources.list.d/debian.sources"
    return {
        "pypi.corp.invalid": (index.server.url, "/"),
        "npm.corp.invalid": (npm_program.config().registry("is-object"), "/"),
        "conda.corp.invalid": (os.environ["ORBITER_WORLD_CONDA_1"], "/conda-forge/"),
        "apt.corp.invalid": (
            docker("run", "--rm", "debian:trixie-slim", "sh", "-c", sources).split()[0],
            "/debian/",
        ),
        "apk.corp.invalid": (f"{world}/alpine", "/alpine/"),
        "hub.corp.invalid": (f"{registry}/v2", "/v2/hub/"),
        "registry.corp.invalid": (registry, "/"),
    }


def _behind(folder: Path, proxy: CompanyProxy) -> dict[str, str]:
    """Return the variables of a user whose network is in a profile, and nowhere else."""
    profile = folder / "config.toml"
    text = PROFILE.format(proxy=proxy.url, certificate=proxy.certificate)
    profile.write_text(text + OTHER_MIRRORS, "utf-8")
    return {**_inherited(folder / "home"), "ORBITER_CONFIG_FILE": str(profile)}


def _direct(folder: Path, index: WheelIndex) -> dict[str, str]:
    """Return the variables of a user who needs no proxy."""
    from rattler import Channel

    host = Channel("name").base_url.removesuffix("name/")
    mirrors = folder / "direct-home" / ".config" / "rattler" / "config.toml"
    mirrors.parent.mkdir(parents=True)
    mirrors.write_text(
        f'[mirrors]\n"{host}conda-forge" = ["{os.environ["ORBITER_WORLD_CONDA_1"]}"]\n', "utf-8"
    )
    own = {name: value for name, value in os.environ.items() if "CERT" in name or "CA_" in name}
    inherited = _inherited(folder / "direct-home")
    return {**own, **inherited, "PIP_INDEX_URL": index.url, "ORBITER_CONFIG_FILE": os.devnull}


def _inherited(home: Path) -> dict[str, str]:
    """Return variables that say nothing about the network."""
    home.mkdir(exist_ok=True)
    docker_config = os.environ.get("DOCKER_CONFIG", str(Path("~/.docker").expanduser()))
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**kept, "HOME": str(home), "DOCKER_CONFIG": docker_config}


def test_every_manager_goes_through_the_proxy(network: Network) -> None:
    requests = network.proxy.requests()
    for start in (
        "pypi.corp.invalid/simple/acme/",
        "npm.corp.invalid/is-object",
        "conda.corp.invalid/conda-forge/noarch/repodata",
        "apt.corp.invalid/debian/dists/trixie/InRelease",
        "apt.corp.invalid/debian/pool/main/t/tree/",
        "apk.corp.invalid/alpine/v3.23/main/x86_64/APKINDEX.tar.gz",
        "apk.corp.invalid/alpine/v3.23/community/x86_64/orbit-hello-",
        "hub.corp.invalid/v2/hub/library/debian/manifests/",
        "hub.corp.invalid/v2/hub/library/alpine/manifests/",
    ):
        assert any(line.startswith(start) for line in requests), start
    assert any(line.endswith("/tool") for line in requests)


def test_the_lock_set_is_the_same_as_without_a_proxy(network: Network) -> None:
    assert network.behind.lock_contents() == network.direct.lock_contents()


def test_fetch_goes_through_the_proxy(network: Network, tmp_path: Path) -> None:
    images = (network.behind.folder / "images.toml").read_text("utf-8")
    # Locking may have stored any of the files already, so the cache is empty.
    elsewhere = Company(tmp_path / "project", tmp_path / "cache", images)
    elsewhere.variables = network.behind.variables
    shutil.copytree(network.behind.folder / "locks", elsewhere.folder / "locks")
    before = len(network.proxy.requests())
    elsewhere.run("fetch", "--quiet")
    fetched = network.proxy.requests()[before:]
    for start in (
        "pypi.corp.invalid/files/acme-1.0-py3-none-any.whl",
        "npm.corp.invalid/is-object/-/is-object-",
        "conda.corp.invalid/conda-forge/noarch/tqdm-",
        "hub.corp.invalid/v2/hub/library/alpine/blobs/",
    ):
        assert any(line.startswith(start) for line in fetched), start


def test_nothing_of_the_network_is_in_a_lock_or_an_image(network: Network, tmp_path: Path) -> None:
    stage = ("--image", "alpine-base", "--no-cache")
    built = network.behind.build(*stage, "--output", str(tmp_path))
    assert built == network.direct.build(*stage)
    certificate = network.proxy.certificate.read_bytes().splitlines()[1]
    names = [b"corp.invalid", network.proxy.host.encode(), certificate]
    secrets = [*names, PASSWORD.encode(), b"m1rr0r"]
    files = [*network.behind.lock_contents().values(), *_image_files(tmp_path)]
    assert any(b"P:orbit-hello" in content for content in files)  # apk's database of the image
    assert [secret for secret in secrets for content in files if secret in content] == []


def _image_files(folder: Path) -> Iterator[bytes]:
    """Yield the documents of the images in a folder, and the files in their layers."""
    for path in folder.glob("*.tar"):
        with tarfile.open(path) as archive:
            for member in archive.getmembers():
                if blob := archive.extractfile(member):
                    yield from _blob_files(blob.read())


def _blob_files(content: bytes) -> Iterator[bytes]:
    if not content.startswith(ZSTD):
        yield content
        return
    with tarfile.open(fileobj=io.BytesIO(zstd.decompress(content))) as layer:
        for member in layer.getmembers():
            if file := layer.extractfile(member):
                yield file.read()


def test_doctor_asks_the_same_servers_with_the_same_settings(network: Network) -> None:
    before = len(network.proxy.requests())
    done = network.behind.start("doctor", "--format", "json")
    checks = read_document("doctor", done.stdout)["checks"]
    # The repository for images is on Docker Hub, which the proxy does not know.
    assert [
        check for check in checks if check["state"] == "failed" and check["name"] != "push"
    ] == []
    origins = {
        check["name"]: check["origin"] for check in checks if "config.toml" in check["origin"]
    }
    assert {*origins} == {
        "apk mirrors",
        "apt mirrors",
        "base image",
        "conda channel",
        "npm registry",
        "pip index",
    }
    assert {"apk in a container", "apt in a container"} <= {
        check["name"] for check in checks if check["state"] == "ok"
    }
    hosts = {line.partition("/")[0] for line in network.proxy.requests()[before:]}
    assert {
        f"{name}.corp.invalid" for name in ("pypi", "npm", "conda", "apt", "apk", "hub")
    } <= hosts
    assert PASSWORD not in done.stdout + done.stderr


def test_the_engine_needs_no_network_of_its_own(network: Network, tmp_path: Path) -> None:
    """The engine cannot pull from this registry, because only the proxy knows its address.

    The proxy is on the loopback interface, which the container reaches through the host's network.
    """
    images = (network.behind.folder / "images.toml").read_text("utf-8")
    images = images.replace('"alpine:3.23"', '"registry.corp.invalid/library/alpine:3.23"')
    project = Company(tmp_path / "project", tmp_path / "cache", images)
    try:
        with company_proxy(tmp_path) as proxy:
            proxy.routes.write_bytes(network.proxy.routes.read_bytes())
            project.variables = _behind(tmp_path, proxy)
            project.lock("--only", "apk")
            assert {"registry.corp.invalid", "apk.corp.invalid"} <= proxy.hosts()
    finally:
        image = "registry.corp.invalid/library/alpine"
        row = "{{.Repository}}@{{.Digest}}"
        docker("image", "rm", *docker("image", "ls", "--digests", "--format", row, image).split())
    assert any(path.endswith("/apk.lock") for path in project.lock_contents())


def test_no_output_has_the_password(network: Network) -> None:
    assert "GET https://pypi.corp.invalid/simple/acme/: 200" in network.output
    assert PASSWORD not in network.output
    assert "m1rr0r" not in network.output
