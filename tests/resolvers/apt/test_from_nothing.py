"""apt from an empty package database: Debian's real index, and small repositories that Debian did not sign."""

import pytest

from resolvers.apt import manager as apt
from resolvers.apt.lock_file import parse
from resolvers.errors import ExpectedError
from resolvers.types import Group, LockFiles, Request, Shell, SystemOptions, Target, Upgrade
from tests.resolvers.apt.test_manager import base_shell, repository

pytestmark = pytest.mark.engine

AMD64 = Target(platform="linux/amd64")
BASE = Group(name="debian", requirements=("?essential", "?priority(required)", "apt"))
CORE = Group(name="debian-core", requirements=("python3",), parents=("debian",))


def solve(
    shell: Shell, previous: LockFiles | None = None, upgrade: Upgrade | None = None
) -> LockFiles:
    return apt.resolve(
        Request(
            groups=(BASE, CORE),
            targets=(AMD64,),
            previous=previous or {},
            upgrade=upgrade or Upgrade(),
            system=SystemOptions(shell=shell, suite="trixie"),
        )
    )


def test_everything_that_the_base_takes_is_locked_and_locking_twice_gives_the_same_bytes() -> None:
    files = solve(base_shell())
    base = {pin.name for pin in apt.select(files, AMD64, ("debian",))}
    core = {pin.name for pin in apt.select(files, AMD64, ("debian-core",))}
    assert {
        "apt",
        "base-files",
        "base-passwd",
        "bash",
        "dpkg",
        "libc6",
        "perl-base",
        "tzdata",
    } <= base
    assert {"python3", "python3-minimal", "libpython3-stdlib"} <= core
    assert not base & core
    packages = {package.name: package for package in parse(files).package}
    assert {need for package in packages.values() for need in package.requires} <= packages.keys()
    assert solve(base_shell(), previous=files) == files


def test_the_lock_tells_suite_signers_and_what_the_base_is() -> None:
    files = solve(base_shell())
    platform = parse(files).platforms["linux/amd64"]
    assert (platform.suite, platform.python) == ("trixie", "")
    assert all(len(signer) == 40 for signer in platform.signers)
    assert len(platform.signers) >= 2
    assert apt.glibc_versions(files) == {"linux/amd64": "2.41"}
    assert apt.python_version(files, ("debian-core",)).startswith("3.13.")


def test_an_index_that_debian_did_not_sign_is_refused_though_the_sources_trust_it() -> None:
    with pytest.raises(ExpectedError) as error:
        solve(repository(("apt", "99", "Essential: yes")))
    assert (
        "the package index of Debian trixie on linux/amd64 is not signed by a key of Debian's"
        in error.value.message
    )
    assert "has no InRelease" in error.value.message
    assert "debian:trixie-slim" in error.value.hint


def test_an_index_whose_text_was_changed_is_refused() -> None:
    """The list is Debian's, but for one byte in what is signed: apt itself would take it from a trusted source."""
    prelude = """\
apt-get update -q > /dev/null
mkdir -p /srv/repo/dists/trixie/main/binary-amd64
cp /var/lib/apt/lists/*_trixie_InRelease /srv/repo/dists/trixie/InRelease
sed -i 's/^Label: Debian$/Label: Debiam/' /srv/repo/dists/trixie/InRelease
/usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_trixie_main_*Packages* > \\
    /srv/repo/dists/trixie/main/binary-amd64/Packages
rm -rf /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repo trixie main' > /etc/apt/sources.list
"""
    with pytest.raises(ExpectedError) as error:
        solve(base_shell(prelude))
    assert "is not signed by a key of Debian's" in error.value.message
