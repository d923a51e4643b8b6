"""The lock format of uv, read without running uv."""

from resolvers.pip import uv_lock
from tests.support.pip_cases import AMD64, ARM64

LOCK = """
version = 1

[[package]]
name = "orbiter-image"
version = "0"
source = { virtual = "." }

[package.dev-dependencies]
build = [
    { name = "a", extra = ["fast"] },
    { name = "fork", version = "1", marker = "platform_machine == 'x86_64'" },
    { name = "fork", version = "2", marker = "platform_machine == 'aarch64'" },
]

[[package]]
name = "a"
version = "1"
dependencies = [{ name = "b", marker = "sys_platform == 'win32'" }, { name = "c" }]

[package.optional-dependencies]
fast = [{ name = "d" }]
slow = [{ name = "b" }]

[[package]]
name = "b"
version = "1"

[[package]]
name = "c"
version = "1"
dependencies = [{ name = "a" }]

[[package]]
name = "d"
version = "1"

[[package]]
name = "fork"
version = "1"
resolution-markers = ["platform_machine == 'x86_64'"]

[[package]]
name = "fork"
version = "2"
resolution-markers = ["platform_machine == 'aarch64'"]
"""
FILES = {"uv.lock": LOCK}


def test_the_graph_is_walked_with_markers_extras_and_forks() -> None:
    amd64 = uv_lock.packages_for(FILES, AMD64, frozenset({"build"}))
    arm64 = uv_lock.packages_for(FILES, ARM64, frozenset({"build"}))
    assert {(package.name, package.version) for package in amd64} == {
        ("a", "1"),
        ("c", "1"),
        ("d", "1"),
        ("fork", "1"),
    }
    assert {(package.name, package.version) for package in arm64} == {
        ("a", "1"),
        ("c", "1"),
        ("d", "1"),
        ("fork", "2"),
    }


def test_groups_of_a_package_need_it_on_any_target() -> None:
    groups = {(package.name, package.version): package.groups for package in uv_lock.read(FILES)}
    packages = [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("fork", "1"), ("fork", "2")]
    assert groups == dict.fromkeys(packages, ("build",))
