"""apk against a real Alpine repository, served over HTTP in two snapshots whose addresses the environment names."""

import os
import shutil
from pathlib import Path

import pytest

from resolvers import process
from resolvers.apk import manager as apk
from resolvers.errors import ProgramError, UnsolvableError
from resolvers.types import Group, LockFiles, Shell, Upgrade
from tests.support.apk_world import AMD64, IMAGE, alpine_with_repositories, core, lock, names

VARIABLES = ("ORBITER_WORLD_APK_1", "ORBITER_WORLD_APK_2")

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not all(map(os.environ.get, VARIABLES)),
        reason=f"needs the addresses of two snapshots in {' and '.join(VARIABLES)}",
    ),
]

GROUPS = (
    core("bash", "python3", "orbit-client"),
    Group(name="build", requirements=("py3-pip", "orbit-docs-switch"), parents=("alpine-core",)),
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
versions() { awk '/^P:/ { name = substr($0, 3) } /^V:/ { print name "-" substr($0, 3) }' $database | sort; }
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
"""How a build without a network installs stages one upon the other, and what it then shows."""


def snapshot(number: int) -> Shell:
    address = os.environ[f"ORBITER_WORLD_APK_{number}"]
    return alpine_with_repositories(f"{address}/main", f"{address}/community")


def stages(folder: Path, files: LockFiles) -> None:
    """A folder for each stage, with the files that it adds and its world."""
    kept = apk.cached_packages("linux/amd64")
    for group in GROUPS:
        (folder / group.name).mkdir()
        for pin in apk.select(files, AMD64, (group.name,)):
            shutil.copy(kept[pin.artifact.hash], folder / group.name / pin.artifact.file)
        (folder / group.name / "world").write_text(
            apk.world(files, AMD64, (group.name, *group.parents))
        )


def install(folder: Path, *names: str, before: str = "") -> list[str]:
    command = [
        "docker",
        "run",
        "--rm",
        "-i",
        "--network",
        "none",
        "-v",
        f"{folder}:/stages:ro",
        IMAGE,
    ]
    return process.run([*command, "sh", "-s", "--", *names], stdin=before + INSTALL).split("@@\n")


def test_an_install_without_a_network_gives_the_locked_set_and_the_world_twice_alike(
    tmp_path: Path,
) -> None:
    files = lock(snapshot(1), *GROUPS)
    stages(tmp_path, files)
    for group in ("build", "base"):
        found = install(tmp_path, "alpine-core", group)
        locked = apk.select(files, AMD64, ("alpine-core", group))
        assert found[0].split() == sorted(f"{pin.name}-{pin.version}" for pin in locked)
        assert found[1] == apk.world(files, AMD64, ("alpine-core", group))
        assert install(tmp_path, "alpine-core", group) == found
    with pytest.raises(ProgramError, match="UNTRUSTED signature"):
        install(tmp_path, "alpine-core", before="rm /etc/apk/keys/*\n")


def test_names_of_providers_and_their_priorities_are_apks() -> None:
    files = lock(snapshot(1), core("cmd:orbit-hello", "so:libz.so.1", "orbit-mail-server"))
    assert {"orbit-hello", "orbit-greet", "orbit-mail-a"} == names(files, "alpine-core").keys()


def test_what_comes_by_itself_and_cycles() -> None:
    files = lock(snapshot(1), core("orbit-hello", "orbit-ring-a"), GROUPS[1])
    assert {"orbit-ring-a", "orbit-ring-b"} <= names(files, "alpine-core").keys()
    assert {"orbit-docs", "orbit-docs-switch"} <= names(files, "build").keys()
    assert "orbit-docs" not in names(files, "alpine-core")


@pytest.mark.parametrize(
    ("requirements", "snapshot_number", "words"),
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
def test_apks_own_explanation(
    requirements: tuple[str, ...], snapshot_number: int, words: str
) -> None:
    with pytest.raises(UnsolvableError) as error:
        lock(snapshot(snapshot_number), core(*requirements))
    assert f"{requirements[-1]} for group 'alpine-core' on linux/amd64" in error.value.message
    assert words in error.value.message


def test_another_snapshot_moves_what_it_must() -> None:
    groups = core("python3", "orbit-hello", "tini"), GROUPS[1]
    old = lock(snapshot(1), *groups)
    assert apk.python_version(old, ("alpine-core",)) == "3.13.2"
    assert lock(snapshot(1), *groups, previous=old, upgrade=Upgrade(everything=True)) == old
    lines: list[str] = []
    new = lock(snapshot(2), *groups, previous=old, progress=lines.append)
    before, after = names(old, "alpine-core", "build"), names(new, "alpine-core", "build")
    assert {name for name in before if before[name] != after[name]} == {
        "orbit-greet", "orbit-hello", "python3", "xz-libs",
    }  # fmt: skip
    assert lines == [
        "note: pins that the index of linux/amd64 no longer allows: orbit-greet 1.0-r0 -> 2.0-r0, orbit-hello 1.0-r0"
        " -> 1.1-r0, python3 3.13.2-r0 -> 3.13.2-r1, xz-libs 5.8.4-r0 -> 5.8.4-r1"
    ]
    assert lock(snapshot(2), *groups, previous=new) == new
