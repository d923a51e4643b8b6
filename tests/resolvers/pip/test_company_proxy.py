"""All engines of pip, and git, behind mitmproxy, which alone knows the hosts of the mirrors."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.acme_repository import FILES
from tests.support.company_proxy import PASSWORD, PROFILE, CompanyProxy, company_proxy
from tests.support.git_server import GitServer, git_server
from tests.support.pip_project import Project
from tests.support.wheel_index import WheelIndex, wheel_index

pytestmark = pytest.mark.index

OTHERS = """
[builder.micromamba]
from = "debian:trixie-slim"
channels = ["conda-forge"]

[image.micromamba.base.build]
conda = ["tqdm"]
"""


@pytest.fixture(scope="module")
def index() -> Iterator[WheelIndex]:
    with wheel_index() as served:
        served.add("beta", "1.0")
        yield served


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as served:
        served.commit("acme", FILES, tag="v1")
        yield served


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, index: WheelIndex, git: GitServer
) -> Iterator[CompanyProxy]:
    with company_proxy(tmp_path_factory.mktemp("proxy")) as running:
        running.route(
            {
                "pypi.corp.invalid": (index.server.url, "/"),
                "git.corp.invalid": (git.server.url, "/"),
            }
        )
        yield running


class BehindProxy(Project):
    """A project whose commands have their network from a profile alone."""

    config: Path

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DOCKER_HOST": "unix:///nowhere.sock",
            "ORBITER_CACHE_DIR": str(self.folder / "cache"),
            "ORBITER_CONFIG_FILE": str(self.config),
        }
        command = [sys.executable, "-c", self.program, *words]
        return subprocess.run(
            command, cwd=self.folder, env=variables, capture_output=True, text=True, check=False
        )


def project(folder: Path, engine: str, index: WheelIndex, address: str, bundle: str) -> BehindProxy:
    made = BehindProxy(folder, engine, (index, index, index))
    made.config = folder / "config.toml"
    made.config.write_text(PROFILE.format(proxy=address, certificate=bundle), "utf-8")
    return made


@pytest.mark.parametrize("engine", ["uv", "poetry", "pip-tools"])
def test_every_engine_goes_through_the_proxy(
    tmp_path: Path, engine: str, index: WheelIndex, proxy: CompanyProxy
) -> None:
    before = len(proxy.requests())
    behind = project(tmp_path, engine, index, proxy.url, str(proxy.certificate))
    behind.write('"acme @ git+https://git.corp.invalid/acme.git@v1"')
    with (tmp_path / "images.toml").open("a", encoding="utf-8") as images:
        images.write('pip-sdist = ["acme"]\n')
    output = behind.lock("--verbose")
    requests = proxy.requests()[before:]
    assert any(line.startswith("pypi.corp.invalid/simple/beta") for line in requests)
    assert any(line.startswith("git.corp.invalid/acme.git/") for line in requests)
    assert PASSWORD not in output
    contents = b"".join(behind.contents().values())
    assert b"beta" in contents
    for text in ("pypi.corp.invalid", proxy.host, PASSWORD):
        assert text.encode() not in contents


@pytest.mark.parametrize("manager", ["pip", "conda"])
def test_an_error_names_the_profile_and_not_the_password(
    tmp_path: Path, manager: str, index: WheelIndex
) -> None:
    nowhere = f"http://ada:{PASSWORD}@127.0.0.1:1"
    behind = project(tmp_path, "uv", index, nowhere, os.environ.get("SSL_CERT_FILE", ""))
    behind.write('"beta"', rules=OTHERS)
    done = behind.run("lock", "--only", manager, "--verbose")
    assert done.returncode == 2
    assert f"(the address comes from mirrors.{manager} in {behind.config})" in done.stderr
    assert "or the proxy in config.toml" in done.stderr
    assert PASSWORD not in done.stderr


def test_an_unknown_certificate_names_the_key(
    tmp_path: Path, index: WheelIndex, proxy: CompanyProxy
) -> None:
    behind = project(tmp_path, "uv", index, proxy.url, "")
    behind.write('"beta"')
    done = behind.run("lock", "--only", "pip")
    assert done.returncode == 2
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert "or in ca-bundle of config.toml" in done.stderr


def test_a_wrong_password_of_the_proxy_is_named(
    tmp_path: Path, index: WheelIndex, proxy: CompanyProxy
) -> None:
    wrong = proxy.url.replace(PASSWORD, "wr0ng-s3cr3t")
    behind = project(tmp_path, "uv", index, wrong, str(proxy.certificate))
    behind.write('"beta"')
    done = behind.run("lock", "--only", "pip")
    assert done.returncode == 2
    assert "407" in done.stderr
    assert "wr0ng-s3cr3t" not in done.stderr
