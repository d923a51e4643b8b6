"""Small Debian repositories, and shells in Debian images that use them."""

from collections.abc import Callable

from resolvers import process
from resolvers.apt import manager as apt
from resolvers.types.options import Shell, SystemOptions, SystemRepository
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request, Target, Upgrade

IMAGE = "debian:trixie-slim"
AMD64 = Target(platform="linux/amd64")
ADD_PACKAGES = r"""
set -eu
export SOURCE_DATE_EPOCH=0
rm -rf /etc/apt/sources.list.d/* /tmp/deb
mkdir -p /srv/repo/pool /tmp/deb/DEBIAN
cd /srv/repo
add() {
    control=/tmp/deb/DEBIAN/control
    printf 'Package: %s\nVersion: %s\nArchitecture: all\n' "$1" "$2" > $control
    printf 'Maintainer: T <t@example.org>\nDescription: t\n' >> $control
    [ -z "$3" ] || printf '%s\n' "$3" >> $control
    file=pool/$1_$(echo "$2" | tr : _)_all.deb
    touch -d @0 /tmp/deb/DEBIAN $control
    dpkg-deb -b /tmp/deb "$file" > /dev/null
    cat $control >> Packages
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" \
        "$(sha256sum "$file" | cut -d ' ' -f 1)" >> Packages
}
"""


def base_shell(prelude: str = "") -> Shell:
    """Return a shell in the Debian image that runs a prelude first."""

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        mount = ["-v", f"{cache}:/cache"] if cache else []
        command = ["docker", "run", "--rm", "-i", "--platform", platform, *mount, IMAGE, "sh", "-s"]
        return process.run(command, stdin=prelude + script)

    return shell


def repository(*packages: tuple[str, str, str], options: str = "[trusted=yes]") -> Shell:
    """Return a shell in the Debian image with one small repository instead of its own.

    A package is a name, a version and further control fields.
    """
    lines = [f"add {name} {version} '{fields}'" for name, version, fields in packages]
    source = f"echo 'deb {options} file:/srv/repo ./' > /etc/apt/sources.list"
    return base_shell(ADD_PACKAGES + "\n".join([*lines, source, "cd /", ""]))


def lock(
    shell: Shell,
    *groups: Group,
    suite: str = "",
    previous: LockFiles | None = None,
    upgrade: Upgrade | None = None,
    progress: Callable[[str], None] = lambda _line: None,
    repositories: tuple[SystemRepository, ...] = (),
) -> LockFiles:
    return apt.resolve(
        Request(
            groups=groups,
            targets=(AMD64,),
            previous=previous or {},
            upgrade=upgrade or Upgrade(),
            system=SystemOptions(shell=shell, suite=suite, repositories=repositories),
            progress=progress,
        )
    )


def added_versions(files: LockFiles, *groups: str) -> dict[str, str]:
    """Return the versions that the groups add by name."""
    return {pin.name: pin.version for pin in apt.select(files, AMD64, groups)}


def core(*requirements: str) -> Group:
    return Group(name="debian-core", requirements=requirements)
