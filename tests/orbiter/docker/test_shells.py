"""Remedies for shells that fail, by their output; a failing function stands in for a container."""

import pytest

from orbiter.docker import client, containers
from orbiter.docker.shells import base_shell, solver_shell
from orbiter.oci import base_image
from orbiter.oci.base_image import BaseImage
from resolvers.errors import ExpectedError, ProgramError
from resolvers.types.options import Shell

AMD64 = "linux/amd64"


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("exec /bin/sh: exec format error", "QEMU"),
        ("[FATAL tini (7)] exec /bin/sh failed: Exec format error", "QEMU"),
        ("sh: apk: not found", "alpine:3.23"),
        ("sh: 1: apt-get: not found", "debian:trixie-slim"),
        ("something else", "as it was"),
    ],
)
def test_the_output_decides_the_remedy(
    monkeypatch: pytest.MonkeyPatch, output: str, hint: str
) -> None:
    def failing_shell(_reference: str, _digest: str, _platform: str) -> Shell:
        def shell(script: str, *, platform: str, cache: str = "") -> str:
            raise ProgramError(f"{script} failed on {platform}{cache}", "as it was", output=output)

        return shell

    monkeypatch.setattr(containers, "image_shell", failing_shell)
    with pytest.raises(ProgramError) as caught:
        base_shell("alpine:3.23", {AMD64: "sha256:0"})("true", platform=AMD64)
    assert hint in caught.value.hint


def test_debians_own_image_runs_on_the_platform_of_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[str, str, str]] = []

    def image_shell(reference: str, digest: str, image_platform: str) -> Shell:
        def shell(script: str, *, platform: str, cache: str = "") -> str:
            assert platform == image_platform
            started.append((reference, digest, platform))
            return f"{script}{cache}"

        return shell

    def pin(reference: str, platform: str, **_options: object) -> BaseImage:
        digest = f"sha256:{platform}"
        return BaseImage(reference=reference, platform=platform, digest=digest, index_digest=digest)

    monkeypatch.setattr(containers, "image_shell", image_shell)
    monkeypatch.setattr(client, "unavailable_reason", lambda: "")
    monkeypatch.setattr(client, "native_platform", lambda: AMD64)
    monkeypatch.setattr(client, "mirrors", lambda: ())
    monkeypatch.setattr(base_image, "pin", pin)
    shell = solver_shell("trixie")
    for platform in ("linux/arm64", AMD64):
        assert shell("true", platform=platform, cache="/cache") == "true/cache"
    assert started == [("debian:trixie-slim", f"sha256:{AMD64}", AMD64)] * 2


def test_without_an_engine_the_error_names_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "unavailable_reason", lambda: "no engine answers")
    with pytest.raises(ExpectedError) as caught:
        solver_shell("trixie")("true", platform="linux/arm64")
    assert caught.value.message == (
        "locking base images, apk and apt needs a Docker engine: no engine answers"
    )


@pytest.mark.engine
def test_the_platform_of_the_engine_is_named_as_images_name_it() -> None:
    platform = client.native_platform()
    assert base_image.pin("debian:trixie-slim", platform, mirrors=client.mirrors()).digest
