"""apt starts without any installed package, from Debian's index or one that Debian did not sign."""

import hashlib
from pathlib import Path

import pytest

from resolvers.apt import manager as apt
from resolvers.apt.lock_file import parse, recorded_sources
from resolvers.errors import ExpectedError
from resolvers.types.options import Shell, SystemOptions, SystemPackageFile
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request
from tests.support.apt_world import AMD64, base_shell, lock, repository
from tests.support.deb_files import deb

pytestmark = pytest.mark.engine

BASE = Group(name="debian", requirements=("?essential", "?priority(required)", "apt"))
CORE = Group(name="debian-core", requirements=("python3",), parents=("debian",))
BASE_PACKAGES = {
    "apt", "base-files", "base-passwd", "bash", "dpkg", "libc6", "perl-base", "tzdata",
}  # fmt: skip


def solve(shell: Shell, previous: LockFiles | None = None) -> LockFiles:
    return lock(shell, BASE, CORE, suite="trixie", previous=previous)


def test_the_base_is_complete_and_locking_twice_gives_the_same_bytes() -> None:
    files = solve(base_shell())
    base = {pin.name for pin in apt.select(files, AMD64, ("debian",))}
    core = {pin.name for pin in apt.select(files, AMD64, ("debian-core",))}
    assert base >= BASE_PACKAGES
    assert {"python3", "python3-minimal", "libpython3-stdlib"} <= core
    assert not base & core
    packages = {package.name: package for package in parse(files).package}
    required = {name for package in packages.values() for name in package.requires}
    assert required <= packages.keys()
    sources = recorded_sources(parse(files))
    assert sources[packages["libc6"].sha256].name == "glibc"
    login = packages["login"]
    assert "really" in login.version
    assert "really" not in sources[login.sha256].version
    for package in packages.values():  # Debian's pool has a folder for each source package
        assert f"/{sources[package.sha256].name}/" in package.file
    assert solve(base_shell(), previous=files) == files


def test_a_package_from_an_address_is_added_to_a_base_of_packages(tmp_path: Path) -> None:
    """The signature of Debian covers its own index, not the record of the package."""
    content = deb("orbit-tool", more="Depends: python3-minimal\n")
    (tmp_path / "tool.deb").write_bytes(content)
    package = SystemPackageFile(
        group="debian-core",
        platform="linux/amd64",
        url="https://example.org/tool.deb",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        path=tmp_path / "tool.deb",
    )
    core = Group(name="debian-core", parents=("debian",))
    system = SystemOptions(shell=base_shell(), suite="trixie", packages=(package,))
    files = apt.resolve(Request(groups=(BASE, core), targets=(AMD64,), system=system))
    added = {pin.name for pin in apt.select(files, AMD64, ("debian-core",))}
    assert {"orbit-tool", "python3-minimal"} <= added
    assert parse(files).platforms["linux/amd64"].signers


def test_the_lock_names_the_suite_the_signers_and_the_facts_of_the_base() -> None:
    files = solve(base_shell())
    platform = parse(files).platforms["linux/amd64"]
    assert (platform.suite, platform.python) == ("trixie", "")
    assert all(len(signer) == 40 for signer in platform.signers)
    assert len(platform.signers) >= 2
    assert apt.glibc_versions(files) == {"linux/amd64": "2.41"}
    assert apt.python_version(files, ("debian-core",)).startswith("3.13.")


def test_an_index_that_debian_did_not_sign_is_rejected_although_the_sources_trust_it() -> None:
    with pytest.raises(ExpectedError) as error:
        solve(repository(("apt", "99", "Essential: yes")))
    assert (
        "the package index of Debian trixie on linux/amd64 is not signed by a Debian key"
        in error.value.message
    )
    assert "has no InRelease" in error.value.message
    assert "debian:trixie-slim" in error.value.hint


def test_a_modified_index_is_rejected() -> None:
    """One byte of Debian's signed index is changed; apt itself accepts it from a trusted source."""
    prelude = r"""
apt-get update -q > /dev/null
mkdir -p /srv/repo/dists/trixie/main/binary-amd64
cp /var/lib/apt/lists/*_trixie_InRelease /srv/repo/dists/trixie/InRelease
sed -i 's/^Label: Debian$/Label: Debiam/' /srv/repo/dists/trixie/InRelease
/usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_trixie_main_*Packages* > \
    /srv/repo/dists/trixie/main/binary-amd64/Packages
rm -rf /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repo trixie main' > /etc/apt/sources.list
"""
    with pytest.raises(ExpectedError) as error:
        solve(base_shell(prelude))
    assert "is not signed by a Debian key" in error.value.message
