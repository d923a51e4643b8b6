"""The programs that install packages in build stages."""

import pytest

from resolvers.pip import installers


@pytest.mark.index
@pytest.mark.parametrize(
    ("platform", "machine"), [("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")]
)
@pytest.mark.parametrize(("name", "libc"), [("uv", "musllinux"), ("py-rattler", "manylinux")])
def test_an_installer_is_a_wheel_for_the_platform(
    name: str, libc: str, platform: str, machine: str
) -> None:
    pin = installers.installer(name, platform)
    assert (pin.name, pin.version) == (name, installers.VERSIONS[name])
    assert libc in pin.artifact.file
    assert pin.artifact.file.endswith(f"{machine}.whl")
    assert pin.artifact.hash.startswith("sha256:")
