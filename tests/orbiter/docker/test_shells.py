"""Remedies for shells that fail, by their output; a failing function stands in for a container."""

import pytest

from orbiter.docker import client
from orbiter.docker.shells import base_shell
from resolvers.errors import ProgramError
from resolvers.types import Shell

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

    monkeypatch.setattr(client, "image_shell", failing_shell)
    with pytest.raises(ProgramError) as caught:
        base_shell("alpine:3.23", {AMD64: "sha256:0"})("true", platform=AMD64)
    assert hint in caught.value.hint
