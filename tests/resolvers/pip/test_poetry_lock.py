"""The lock format of Poetry, read without running Poetry."""

from resolvers.pip import poetry_lock
from resolvers.types.request import Target
from tests.support.pip_cases import AMD64, ARM64

LOCK = """
[[package]]
name = "Both"
version = "1"
groups = ["core", "base-build"]
markers = {core = "sys_platform == \\"win32\\"", base-build = "platform_machine == \\"aarch64\\""}
files = []

[[package]]
name = "free"
version = "2"
groups = ["core", "base-build"]
markers = {base-build = "sys_platform == \\"win32\\""}
files = []

[package.dependencies]
Some_Thing = "*"
"""


def names(target: Target, *groups: str) -> list[str]:
    packages = poetry_lock.packages_for({"poetry.lock": LOCK}, target, frozenset(groups))
    return [package.name for package in packages]


def test_markers_apply_per_group() -> None:
    assert names(AMD64, "core") == ["free"]
    assert names(AMD64, "base-build") == []
    assert names(ARM64, "base-build") == ["both"]
    assert names(ARM64, "core", "base-build") == ["both", "free"]


def test_names_are_normalised() -> None:
    both, free = poetry_lock.read({"poetry.lock": LOCK})
    assert both.name == "both"
    assert free.requires == ("some-thing",)
