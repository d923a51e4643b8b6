"""apk against a real Alpine repository, served in two snapshots (see VARIABLES)."""

import os
import shutil
from pathlib import Path

import pytest

from resolvers import process
from resolvers.apk import manager as apk
from resolvers.errors import ProgramError, UnsolvableError
from resolvers.types.options import Shell
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Upgrade
from tests.support.apk_world import (
    AMD64,
    IMAGE,
    added_versions,
    alpine_with_repositories,
    core,
    lock,
)

VARIABLES = ("ORBITER_WORLD_APK_1", "ORBITER_WORLD_APK_2")

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not all(map(os.environ.get, VARIABLES)),
        reason=f"needs the addresses of two snapshots in {' and '.join(VARIABLES)}",
    ),
]

BUILD = Group(name="build", requirements=("py3-pip", "orbit-docs-switch"), parents=("alpine-core",))
GROUPS = (
    core("bash", "python3", "orbit-client"),
    BUILD,
    Group(
        name="base",
        requirements=("orbit-mail-b", "curl>8", "orbit-script"),
        parents=("alpine-core",),
    ),
)

INSTALL = """\
set -eu
database=/lib/apk/db/installed
[ -e $database ] || database=/usr/lib/apk/db/installed
versions() {
    awk '/^P:/ { name = substr($0, 3) } /^V:/ { print name "-" substr($0, 3) }' $database | sort
}
versions > /tmp/before
for stage in "$@"; do
    sed -n 's/^P://p' $database | sort -u > /etc/apk/world
    apk add -q --no-network --no-cache --repositories-file /dev/null /stages/$stage/*.apk
    cp /stages/$stage/world /etc/apk/world
    rm -f /var/log/apk.log ${database%/*}/lock
done
versions | grep -vxF -f /tmp/before
echo @@
cat /etc/apk/world
echo @@
cat ${database%/*}/* | sha256sum
"""
"""Installs stages one after the other without a network, as a build does.

Prints the added packages, the world and the hash of apk's database.
"""


def snapshot(number: int) -> Shell:
    address = os.environ[f"ORBITER_WORLD_APK_{number}"]
    return alpine_with_repositories(f"{address}/main", f"{address}/community")


def write_stages(folder: Path, files: LockFiles) -> None:
    """Write a folder for each stage, with the package files that it adds and its world."""
    cached = apk.cached_packages("linux/amd64")
    for group in GROUPS:
        (folder / group.name).mkdir()
        for pin in apk.select(files, AMD64, (group.name,)):
            shutil.copy(cached[pin.artifact.hash], folder / group.name / pin.artifact.file)
        world = apk.world(files, AMD64, (group.name, *group.parents))
        (folder / group.name / "world").write_text(world)


def install(folder: Path, *stages: str, prelude: str = "") -> list[str]:
    """Return the three parts of the output of INSTALL."""
    command = ["docker", "run", "--rm", "-i", "--network", "none", "-v", f"{folder}:/stages:ro"]
    command += [IMAGE, "sh", "-s", "--", *stages]
    return process.run(command, stdin=prelude + INSTALL).split("@@\n")


def test_an_install_without_network_gives_the_locked_packages_and_the_same_bytes_twice(
    tmp_path: Path,
) -> None:
    files = lock(snapshot(1), *GROUPS)
    write_stages(tmp_path, files)
    for group in ("build", "base"):
        output = install(tmp_path, "alpine-core", group)
        locked = apk.select(files, AMD64, ("alpine-core", group))
        assert output[0].split() == sorted(f"{pin.name}-{pin.version}" for pin in locked)
        assert output[1] == apk.world(files, AMD64, ("alpine-core", group))
        assert install(tmp_path, "alpine-core", group) == output
    with pytest.raises(ProgramError, match="UNTRUSTED signature"):
        install(tmp_path, "alpine-core", prelude="rm /etc/apk/keys/*\n")


def test_apk_selects_providers_by_name_and_priority() -> None:
    files = lock(snapshot(1), core("cmd:orbit-hello", "so:libz.so.1", "orbit-mail-server"))
    added = added_versions(files, "alpine-core")
    assert {"orbit-hello", "orbit-greet", "orbit-mail-a"} == added.keys()


def test_packages_that_install_automatically_and_cycles() -> None:
    files = lock(snapshot(1), core("orbit-hello", "orbit-ring-a"), BUILD)
    assert {"orbit-ring-a", "orbit-ring-b"} <= added_versions(files, "alpine-core").keys()
    assert {"orbit-docs", "orbit-docs-switch"} <= added_versions(files, "build").keys()
    assert "orbit-docs" not in added_versions(files, "alpine-core")


@pytest.mark.parametrize(
    ("requirements", "snapshot_number", "explanation"),
    [
        (
            ("orbit-broken",),
            1,
            "orbit-missing (no such package):\n      required by: orbit-broken-1.0-r0",
        ),
        (("orbit-rival", "orbit-hello"), 1, "breaks: orbit-rival-1.0-r0[!orbit-hello]"),
        (("orbit-legacy",), 2, "breaks: orbit-legacy-0.9-r3[orbit-greet<2]"),
        (("orbit-gone",), 2, "orbit-gone (no such package)"),
    ],
)
def test_an_error_quotes_the_explanation_of_apk(
    requirements: tuple[str, ...], snapshot_number: int, explanation: str
) -> None:
    with pytest.raises(UnsolvableError) as error:
        lock(snapshot(snapshot_number), core(*requirements))
    assert f"{requirements[-1]} for stage 'alpine-core' on linux/amd64" in error.value.message
    assert explanation in error.value.message


def test_a_newer_snapshot_changes_only_what_it_must() -> None:
    groups = core("python3", "orbit-hello", "tini"), BUILD
    old = lock(snapshot(1), *groups)
    assert apk.python_version(old, ("alpine-core",)) == "3.13.2"
    assert lock(snapshot(1), *groups, previous=old, upgrade=Upgrade(everything=True)) == old
    lines: list[str] = []
    new = lock(snapshot(2), *groups, previous=old, progress=lines.append)
    before = added_versions(old, "alpine-core", "build")
    after = added_versions(new, "alpine-core", "build")
    assert {name for name in before if before[name] != after[name]} == {
        "orbit-greet", "orbit-hello", "python3", "xz-libs",
    }  # fmt: skip
    assert lines == [
        "note: the index of linux/amd64 no longer allows these pins: orbit-greet 1.0-r0 -> 2.0-r0,"
        " orbit-hello 1.0-r0 -> 1.1-r0, python3 3.13.2-r0 -> 3.13.2-r1,"
        " xz-libs 5.8.4-r0 -> 5.8.4-r1"
    ]
    assert lock(snapshot(2), *groups, previous=new) == new
