"""The network of containers, without a container: tests/engine/test_company_network.py has them."""

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.docker import containers, network
from resolvers import process
from resolvers.distro.scripts import NETWORK, with_variables
from resolvers.net import profile
from resolvers.net.profile import Setting


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull})
    yield
    profile.use({})


def test_without_a_configuration_nothing_changes() -> None:
    assert network.script_start() == ""
    assert network.proxy_variables() == {}


def test_a_proxy_is_set_in_small_letters_and_in_capitals() -> None:
    os.environ["HTTPS_PROXY"] = "http://proxy.example.org:3128"
    os.environ["no_proxy"] = "example.org"
    assert network.proxy_variables() == {
        "https_proxy": "http://proxy.example.org:3128",
        "HTTPS_PROXY": "http://proxy.example.org:3128",
        "no_proxy": "example.org",
        "NO_PROXY": "example.org",
    }


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"https_proxy": "http://127.0.0.1:3128"}, True),
        ({"HTTP_PROXY": "http://ada:pw@localhost:3128"}, True),
        ({"https_proxy": "http://[::1]:3128"}, True),
        ({"https_proxy": "127.0.0.1:3128"}, True),
        ({"https_proxy": "http://proxy.example.org:3128"}, False),
        ({"no_proxy": "127.0.0.1", "NO_PROXY": "localhost"}, False),
        ({"https_proxy": "http://[broken"}, False),
        ({}, False),
    ],
)
def test_a_proxy_on_the_loopback_interface_needs_the_network_of_the_host(
    variables: dict[str, str], expected: bool
) -> None:
    assert network.needs_host_network(variables) is expected


def test_the_proxies_of_docker_are_read(tmp_path: Path) -> None:
    os.environ["DOCKER_CONFIG"] = str(tmp_path)
    assert containers.container_proxies() == {}
    (tmp_path / "config.json").write_text('{"proxies": {"default": {"httpProxy": "http://a:1"}}}')
    assert containers.container_proxies() == {"default": {"httpProxy": "http://a:1"}}


def test_the_script_has_the_mirrors_of_the_profile() -> None:
    mirrors = {"apt": "https://a/debian", "apt-security": "https://a/sec", "apk": "https://a/alp"}
    profile.use({f"mirrors.{name}": Setting(to, "") for name, to in mirrors.items()})
    lines = network.script_start().splitlines()[:5]
    assert lines == [
        "certificates=''",
        "logins=''",
        "debian=https://a/debian",
        "security=https://a/sec",
        "alpine=https://a/alp",
    ]


SOURCES = {
    "/etc/apt/sources.list": (
        "deb [signed-by=/k.gpg] http://deb.example.org/debian trixie main\n"
        "deb http://deb.example.org/debian-security/ trixie-security main\n"
        "deb http://other.example.org/debian-other/ trixie main\n",
        "deb [signed-by=/k.gpg] https://m/a&b#\\c/debian trixie main\n"
        "deb https://m/security trixie-security main\n"
        "deb http://other.example.org/debian-other/ trixie main\n",
    ),
    "/etc/apt/sources.list.d/debian.sources": (
        "URIs: http://deb.example.org/debian/ https://b.example.org/debian\nSuites: trixie\n",
        "URIs: https://m/a&b#\\c/debian https://m/a&b#\\c/debian\nSuites: trixie\n",
    ),
    "/etc/apk/repositories": (
        "https://dl.example.org/alpine/v3.23/main\n@e http://dl.example.org/alpine/edge/main\n"
        "http://dl.example.org/alpine/v3.23 main community\nhttp://o.example.org/x/v3.23/main\n",
        "https://m/pine/v3.23/main\n@e https://m/pine/edge/main\n"
        "https://m/pine/v3.23 main community\nhttp://o.example.org/x/v3.23/main\n",
    ),
}


def write_sources(folder: Path) -> None:
    for path, (before, _) in SOURCES.items():
        file = Path(f"{folder}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(before, "utf-8")


def test_the_mirrors_replace_the_sources_of_an_image(tmp_path: Path) -> None:
    write_sources(tmp_path)
    script = with_variables(
        (NETWORK,),
        certificates="",
        logins="",
        debian="https://m/a&b#\\c/debian/",
        security="https://m/security",
        alpine="https://m/pine",
    )
    process.run(["sh", "-eu"], stdin=script.replace("/etc/", f"{tmp_path}/etc/"))
    for path, (_, after) in SOURCES.items():
        assert Path(f"{tmp_path}{path}").read_text("utf-8") == after, path


def test_no_process_has_the_password_of_a_mirror_as_an_argument(tmp_path: Path) -> None:
    write_sources(tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    recorder = programs / "sed"
    recorder.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/log\nexec {shutil.which("sed")} "$@"\n'
    )
    recorder.chmod(0o755)
    mirror = "https://ada:secret@m"
    script = with_variables(
        (NETWORK,), certificates="", logins="", debian=mirror, security=mirror, alpine=mirror
    ).replace("/etc/", f"{tmp_path}/etc/")
    process.run(["sh", "-eu"], stdin=script, env={"PATH": f"{programs}:{os.environ['PATH']}"})
    assert mirror in (tmp_path / "etc/apk/repositories").read_text("utf-8")
    assert "secret" not in (tmp_path / "log").read_text("utf-8")


@pytest.mark.parametrize(
    ("mirror", "line"),
    [
        ("https://m.example.org/debian", ""),
        (
            "https://ada:p%40w%2Fx@m.example.org:8443/debian",
            "machine m.example.org:8443/debian/ login ada password p@w/x\n",
        ),
        ("http://ada@m/debian/", "machine http://m/debian/ login ada password \n"),
    ],
)
def test_apt_gets_the_login_of_a_mirror_in_a_file(mirror: str, line: str) -> None:
    profile.use({"mirrors.apt-security": Setting(mirror, "")})
    start = network.script_start()
    assert f"\nlogins={shlex.quote(line)}\ndebian=" in start
    assert "ada" not in start.replace(line, "")
