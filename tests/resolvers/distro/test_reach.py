"""The sources of real base images, and others that do not answer."""

import os
import socket

import pytest

from resolvers import process
from resolvers.apk import base as apk
from resolvers.apt import base as apt
from resolvers.distro.reach import Source, parse_sources
from resolvers.errors import ExpectedError
from resolvers.types.options import Shell

AMD64 = "linux/amd64"
ALPINE = "alpine:3.23"


def shell(image: str, prelude: str) -> Shell:
    """Return a shell in an image that runs a prelude first."""

    def run(script: str, *, platform: str, cache: str = "") -> str:  # noqa: ARG001
        command = ["docker", "run", "--rm", "-i", "--platform", platform, image, "sh", "-s"]
        return process.run(command, stdin=f"{prelude}\n{script}")

    return run


def test_sections() -> None:
    output = "@@ reached http://a/InRelease\n@@ failed http://b/InRelease\nE: no\nE: really\n"
    assert parse_sources(output) == (
        Source("http://a/InRelease"),
        Source("http://b/InRelease", "E: no\nE: really"),
    )


@pytest.mark.engine
def test_apt_asks_each_source() -> None:
    prelude = "echo 'deb http://deb.invalid/debian trixie main' > /etc/apt/sources.list"
    *own, broken = sorted(
        apt.ask_sources(shell("debian:trixie-slim", prelude), AMD64), key=lambda each: each.problem
    )
    assert own
    assert {source.problem for source in own} == {""}
    assert broken.name == "http://deb.invalid/debian/dists/trixie/InRelease"
    assert "Could not resolve 'deb.invalid'" in broken.problem


@pytest.mark.engine
def test_apt_has_no_sources_or_cannot_read_them() -> None:
    nothing = "rm /etc/apt/sources.list.d/*"
    assert apt.ask_sources(shell("debian:trixie-slim", nothing), AMD64) == ()
    wrong = "echo wrong > /etc/apt/sources.list.d/a.list"
    with pytest.raises(ExpectedError, match="Malformed line 1"):
        apt.ask_sources(shell("debian:trixie-slim", wrong), AMD64)


@pytest.mark.engine
@pytest.mark.skipif("ORBITER_WORLD_APK_1" not in os.environ, reason="needs Alpine's repositories")
def test_apk_asks_each_repository() -> None:
    prelude = "printf '# off\\n\\nhttp://apk.invalid/main\\n' >> /etc/apk/repositories"
    *own, broken = apk.ask_sources(shell(ALPINE, prelude), AMD64)
    assert [source.problem for source in own] == [""] * len(own)
    assert own[0].name.endswith("/main")
    assert broken.name == "http://apk.invalid/main"
    assert "DNS" in broken.problem


@pytest.mark.engine
@pytest.mark.skipif("ORBITER_WORLD_APK_1" not in os.environ, reason="needs Alpine's repositories")
def test_apk_does_not_wait_long_for_a_repository_that_never_answers() -> None:
    bridge = os.environ["ORBITER_WORLD_HTTP_FROM_CONTAINERS"].removeprefix("http://")
    with socket.create_server((bridge.partition(":")[0], 0)) as silent:
        address = "http://{}:{}/main".format(*silent.getsockname())
        ask = shell(ALPINE, f"echo {address} > /etc/apk/repositories")

        def impatient(script: str, **options: str) -> str:
            assert "--timeout 20 " in script
            return ask(script.replace("--timeout 20 ", "--timeout 1 "), **options)

        (source,) = apk.ask_sources(impatient, AMD64)
    assert source.name == address
    assert "timed out" in source.problem
