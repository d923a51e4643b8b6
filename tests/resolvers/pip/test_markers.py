"""Environment markers for a target."""

import pytest

from resolvers.errors import ExpectedError
from resolvers.pip import markers
from resolvers.types.request import Target
from tests.support.pip_cases import AMD64, ARM64


def test_an_unknown_platform_is_rejected() -> None:
    with pytest.raises(ExpectedError, match="linux/riscv64"):
        markers.environment(Target(platform="linux/riscv64", python="3.13.5"))


@pytest.mark.parametrize(
    ("marker", "amd64", "arm64"),
    [
        ("", True, True),
        ("sys_platform == 'win32'", False, False),
        ("platform_machine == 'aarch64'", False, True),
        ("python_full_version >= '3.13.5' and python_version < '3.14'", True, True),
        ("python_full_version < '3.13.5'", False, False),
        ("platform_python_implementation == 'PyPy'", False, False),
        ("extra == 'test'", False, False),
        ("os_name == 'posix' and platform_system == 'Linux'", True, True),
    ],
)
def test_markers_see_the_target_not_the_host(marker: str, amd64: bool, arm64: bool) -> None:
    assert markers.applies(marker, AMD64) == amd64
    assert markers.applies(marker, ARM64) == arm64
