"""apt in Debian's image of one platform resolves bases made of packages for other platforms."""

import hashlib
from pathlib import Path

import pytest

from resolvers.apt import manager as apt
from resolvers.apt.architectures import architecture_of
from resolvers.apt.lock_file import parse
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types.options import Shell, SystemOptions, SystemPackageFile
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request, Target, Upgrade
from tests.support.apt_world import AMD64, base_shell
from tests.support.deb_files import deb

pytestmark = pytest.mark.engine

ARM64 = Target(platform="linux/arm64")
BASE = Group(name="debian", requirements=("?essential", "?priority(required)", "apt"))
CORE = Group(name="debian-core", requirements=("python3", "tzdata"), parents=("debian",))


def amd64_shell() -> Shell:
    """Return a shell in the image for linux/amd64, for scripts about any platform."""
    run = base_shell()

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        assert platform in {AMD64.platform, ARM64.platform}
        return run(script, platform=AMD64.platform, cache=cache)

    return shell


def lock(
    *groups: Group,
    previous: LockFiles | None = None,
    targets: tuple[Target, ...] = (AMD64, ARM64),
    packages: tuple[SystemPackageFile, ...] = (),
) -> LockFiles:
    return apt.resolve(
        Request(
            groups=groups,
            targets=targets,
            previous=previous or {},
            upgrade=Upgrade(),
            system=SystemOptions(shell=amd64_shell(), suite="trixie", packages=packages),
        )
    )


@pytest.fixture(scope="module")
def both() -> LockFiles:
    return lock(BASE, CORE)


def test_each_platform_gets_packages_of_its_architecture(both: LockFiles) -> None:
    architectures = {
        (platform, package.architecture)
        for package in parse(both).package
        for platform in package.platforms
    }
    assert architectures == {
        ("linux/amd64", "all"),
        ("linux/amd64", "amd64"),
        ("linux/arm64", "all"),
        ("linux/arm64", "arm64"),
    }


def test_platforms_share_the_files_of_packages_for_all_architectures(both: LockFiles) -> None:
    groups = ("debian", "debian-core")
    amd64, arm64 = (
        {pin.name: pin.artifact for pin in apt.select(both, target, groups)}
        for target in (AMD64, ARM64)
    )
    assert {"base-files", "libc6", "python3-minimal", "tzdata"} <= amd64.keys() & arm64.keys()
    assert amd64["tzdata"] == arm64["tzdata"]
    assert amd64["libc6"] != arm64["libc6"]
    assert arm64["libc6"].file.endswith("_arm64.deb")


def test_the_facts_are_those_of_the_packages(both: LockFiles) -> None:
    platforms = parse(both).platforms
    assert apt.glibc_versions(both) == {"linux/amd64": "2.41", "linux/arm64": "2.41"}
    assert {platform.python for platform in platforms.values()} == {""}
    assert platforms["linux/amd64"].signers == platforms["linux/arm64"].signers
    assert apt.python_version(both, ("debian-core",)).startswith("3.13.")


def test_locking_twice_gives_the_same_bytes(both: LockFiles) -> None:
    assert lock(BASE, CORE, previous=both) == both


def test_a_platform_alone_is_resolved_like_together_with_others(both: LockFiles) -> None:
    alone = lock(BASE, CORE, targets=(ARM64,))
    groups = ("debian", "debian-core")
    assert apt.select(alone, ARM64, groups) == apt.select(both, ARM64, groups)


def test_a_package_that_the_platform_lacks_is_reported_with_it() -> None:
    boot_loader = Group(name="debian-core", requirements=("syslinux",), parents=("debian",))
    assert lock(BASE, boot_loader, targets=(AMD64,))
    with pytest.raises(UnsolvableError) as error:
        lock(BASE, boot_loader)
    message = "apt cannot install syslinux for stage 'debian-core' on linux/arm64"
    assert message in error.value.message


def test_a_package_from_an_address_is_added_for_its_platform(tmp_path: Path) -> None:
    content = deb("orbit-tool", architecture="arm64", more="Depends: libc6\n")
    (tmp_path / "tool.deb").write_bytes(content)
    package = SystemPackageFile(
        group="debian-core",
        platform=ARM64.platform,
        url="https://example.org/tool.deb",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        path=tmp_path / "tool.deb",
    )
    files = lock(BASE, CORE, packages=(package,))
    added = [
        {pin.name for pin in apt.select(files, target, ("debian-core",))}
        for target in (AMD64, ARM64)
    ]
    assert ["orbit-tool" in names for names in added] == [False, True]


def test_a_platform_that_debian_does_not_support_is_rejected() -> None:
    assert architecture_of("linux/arm/v7") == "armhf"
    with pytest.raises(ExpectedError) as error:
        architecture_of("linux/mips64le")
    assert error.value.message == "apt: Debian has no packages for linux/mips64le"
    assert "linux/arm64" in error.value.hint
