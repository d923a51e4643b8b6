"""apt, solved by the apt of a real base image: against its real mirror, and against a small repository of our own."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from resolvers import process
from resolvers.apt import manager as apt
from resolvers.apt.script import script
from resolvers.apt.solve import upstream
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types import Group, LockFiles, Request, Shell, SystemOptions, Target, Upgrade
from tests.support.paths import TESTS

IMAGE = "debian:trixie-slim"
AMD64 = Target(platform="linux/amd64")
DATA = TESTS / "data" / "apt"

REPOSITORY = """\
set -eu
export SOURCE_DATE_EPOCH=0
rm -rf /etc/apt/sources.list.d/* /tmp/deb
mkdir -p /srv/repo/pool /tmp/deb/DEBIAN
cd /srv/repo
add() {
    printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: T <t@example.org>\\nDescription: t\\n%s' \\
        "$1" "$2" "${3:+$3
}" > /tmp/deb/DEBIAN/control
    file=pool/$1_$(echo "$2" | tr : _)_all.deb
    touch -d @0 /tmp/deb/DEBIAN /tmp/deb/DEBIAN/control
    dpkg-deb -b /tmp/deb "$file" > /dev/null
    cat /tmp/deb/DEBIAN/control >> Packages
    printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$file" "$(stat -c %s "$file")" \\
        "$(sha256sum "$file" | cut -d ' ' -f 1)" >> Packages
}
"""


def base_shell(prelude: str = "") -> Shell:
    def shell(script: str, *, platform: str, cache: str = "") -> str:
        mount = ["-v", f"{cache}:/cache"] if cache else []
        command = ["docker", "run", "--rm", "-i", "--platform", platform, *mount, IMAGE, "sh", "-s"]
        return process.run(command, stdin=prelude + script)

    return shell


def repository(*packages: tuple[str, str, str], options: str = "[trusted=yes]") -> Shell:
    """The base image with one small package repository instead of its own; packages: name, version, fields."""
    lines = [f"add {name} {version} '{fields}'" for name, version, fields in packages]
    source = f"echo 'deb {options} file:/srv/repo ./' > /etc/apt/sources.list"
    return base_shell(REPOSITORY + "\n".join([*lines, source, "cd /", ""]))


def solve(
    shell: Shell,
    *groups: Group,
    previous: LockFiles | None = None,
    upgrade: Upgrade | None = None,
    progress: Callable[[str], None] = lambda _line: None,
) -> LockFiles:
    return apt.resolve(
        Request(
            groups=groups,
            targets=(AMD64,),
            previous=previous or {},
            upgrade=upgrade or Upgrade(),
            system=SystemOptions(shell=shell),
            progress=progress,
        )
    )


def names(files: LockFiles, *groups: str) -> dict[str, str]:
    return {pin.name: pin.version for pin in apt.select(files, AMD64, groups)}


def core(*requirements: str) -> Group:
    return Group(name="debian-core", requirements=requirements)


@pytest.mark.engine
def test_stacked_groups_add_to_their_parents_and_locking_twice_gives_the_same_bytes() -> None:
    groups = (
        core("python3", "bash"),
        Group(name="debian-base-build", requirements=("libffi-dev",), parents=("debian-core",)),
        Group(
            name="debian-geo-build",
            requirements=("gcc",),
            parents=("debian-base-build", "debian-core"),
        ),
        Group(name="debian-base", requirements=("libffi8", "adduser"), parents=("debian-core",)),
        Group(name="debian-empty", parents=("debian-core",)),
    )
    files = solve(base_shell(), *groups)
    assert solve(base_shell(), *groups, previous=files) == files
    own = {group.name: set(names(files, group.name)) for group in groups}
    assert {"python3", "python3.13", "libffi8"} <= own["debian-core"]
    assert "libffi8" not in own["debian-base-build"] | own["debian-base"]
    assert own["debian-base-build"] == {"libffi-dev"}
    assert own["debian-base"] == {"adduser"}
    assert "gcc" in own["debian-geo-build"]
    assert own["debian-geo-build"].isdisjoint(own["debian-core"] | own["debian-base-build"])
    assert own["debian-empty"] == set()
    assert apt.python_version(files, ("debian-core",)).startswith("3.13.")
    assert apt.glibc_versions(files) == {"linux/amd64": "2.41"}
    assert apt.solver_version(files).startswith("3.")
    assert "://" not in files["apt.lock"]
    for pin in apt.select(files, AMD64, tuple(own)):
        assert pin.artifact.source.startswith("pool/")
        assert pin.artifact.size > 0
        assert len(pin.artifact.hash) == len("sha256:") + 64


@pytest.mark.engine
def test_an_unknown_package_is_named_with_its_group_and_apts_words() -> None:
    with pytest.raises(UnsolvableError) as error:
        solve(
            base_shell(),
            core("bash"),
            Group(name="debian-base", requirements=("adduser", "no-such-thing")),
        )
    assert (
        "apt cannot install no-such-thing for group 'debian-base' on linux/amd64"
        in error.value.message
    )
    assert "E: Unable to locate package no-such-thing" in error.value.message
    with pytest.raises(UnsolvableError, match=r"Version '0\.1' for 'adduser' was not found"):
        solve(base_shell(), core("adduser=0.1"))


@pytest.mark.engine
def test_facts_of_the_base_image_without_a_solve() -> None:
    facts = apt.inspect_base(base_shell(), "linux/amd64")
    assert (facts.glibc, facts.python) == ("2.41", "")
    assert facts.apt.startswith("3.")
    assert apt.mirrors(base_shell(), "linux/amd64") == facts.mirrors
    assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in facts.mirrors)


@pytest.mark.engine
def test_pins_are_kept_while_the_index_has_them() -> None:
    old = solve(repository(("tool", "1.0", "Depends: lib"), ("lib", "1:1.0", "")), core("tool"))
    assert names(old, "debian-core") == {"tool": "1.0", "lib": "1:1.0"}
    both = repository(
        ("tool", "1.0", "Depends: lib"),
        ("tool", "2.0", "Depends: lib"),
        ("lib", "1:1.0", ""),
        ("lib", "1:1.1", ""),
        ("extra", "1", ""),
    )
    assert solve(both, core("tool"), previous=old) == old
    grown = solve(both, core("tool", "extra"), previous=old)
    assert names(grown, "debian-core") == {"tool": "1.0", "lib": "1:1.0", "extra": "1"}
    one = solve(both, core("tool"), previous=old, upgrade=Upgrade(packages={"lib": ""}))
    assert names(one, "debian-core") == {"tool": "1.0", "lib": "1:1.1"}
    all_new = solve(both, core("tool"), previous=old, upgrade=Upgrade(everything=True))
    assert names(all_new, "debian-core") == {"tool": "2.0", "lib": "1:1.1"}
    back = solve(both, core("tool"), previous=all_new, upgrade=Upgrade(packages={"tool": "1.0"}))
    assert names(back, "debian-core") == {"tool": "1.0", "lib": "1:1.1"}
    with pytest.raises(UnsolvableError, match="cannot install tool=9 on linux/amd64"):
        solve(both, core("tool"), previous=old, upgrade=Upgrade(packages={"tool": "9"}))


@pytest.mark.engine
def test_a_pin_that_is_gone_or_stands_in_the_way_is_given_up_and_told() -> None:
    old = solve(
        repository(("lib", "1", ""), ("other", "1", ""), ("gone", "1", "")),
        core("lib", "other", "gone"),
    )
    new = repository(
        ("lib", "1", ""), ("lib", "2", ""), ("lib-dev", "2", "Depends: lib (= 2)"),
        ("other", "1", ""), ("other", "2", ""), ("gone", "2", ""),
    )  # fmt: skip
    lines: list[str] = []
    files = solve(new, core("lib", "other", "gone", "lib-dev"), previous=old, progress=lines.append)
    assert names(files, "debian-core") == {"lib": "2", "lib-dev": "2", "other": "1", "gone": "2"}
    assert lines == [
        "note: pins that the index of linux/amd64 no longer allows: gone 1 -> 2, lib 1 -> 2"
    ]


@pytest.mark.engine
def test_what_the_base_image_met_at_first_stays_until_an_upgrade_is_asked() -> None:
    present = repository(("extra", "1", ""))
    newer = repository(("extra", "1", ""), ("mawk", "99", "Provides: awk"))
    old = solve(present, core("mawk", "extra"))
    assert names(old, "debian-core") == {"extra": "1"}
    assert solve(newer, core("mawk", "extra"), previous=old) == old
    moved = solve(newer, core("mawk", "extra"), previous=old, upgrade=Upgrade(everything=True))
    assert names(moved, "debian-core") == {"extra": "1", "mawk": "99"}


@pytest.mark.engine
def test_a_solution_that_removes_a_package_is_refused() -> None:
    with pytest.raises(UnsolvableError) as error:
        solve(repository(("rival", "1", "Conflicts: diffutils, sed")), core("rival"))
    assert "apt cannot install rival for group 'debian-core'" in error.value.message


@pytest.mark.engine
def test_an_unsigned_index_is_refused() -> None:
    with pytest.raises(ExpectedError) as error:
        solve(repository(("tool", "1", ""), options=""), core("tool"))
    assert "apt-get update failed on linux/amd64" in error.value.message
    assert (
        "E: The repository 'file:/srv/repo ./ Release' does not have a Release file."
        in error.value.message
    )


def test_no_requirements_no_lock() -> None:
    assert apt.resolve(Request(groups=(core(),), targets=(AMD64,))) == {}


@pytest.mark.parametrize(
    "requirement", ["bash-", "Bash", "bash>=5", "bash/sid", "$(reboot)", "a b", "task^", ""]
)
def test_a_requirement_that_names_no_package_is_refused(requirement: str) -> None:
    request = Request(groups=(core("adduser", requirement),), targets=(AMD64,))
    with pytest.raises(ExpectedError, match="of group 'debian-core' is no requirement"):
        apt.resolve(request)


def test_two_groups_that_ask_for_different_versions_are_refused() -> None:
    request = Request(
        groups=(core("a1=1"), Group(name="x", requirements=("a1=2",))), targets=(AMD64,)
    )
    with pytest.raises(
        ExpectedError, match="group 'debian-core' asks for a1=1, group 'x' for a1=2"
    ):
        apt.resolve(request)


@pytest.mark.engine
def test_as_of_is_told_not_to_apply() -> None:
    lines: list[str] = []
    now = datetime(2025, 1, 1, tzinfo=UTC)
    shell = repository(("tool", "1", ""))
    apt.resolve(
        Request(
            groups=(core("tool"),),
            targets=(AMD64,),
            as_of=now,
            system=SystemOptions(shell=shell),
            progress=lines.append,
        )
    )
    assert lines == ["note: as-of does not apply to apt: a mirror has the present index only"]


def test_two_platforms_may_differ_in_version() -> None:
    files = {"apt.lock": (DATA / "two-platforms.lock").read_text()}
    arm64 = Target(platform="linux/arm64")
    assert [(pin.name, pin.version) for pin in apt.select(files, AMD64, ("core",))] == [
        ("python3", "3.13.5-1"), ("python3.13", "3.13.5-2"), ("tzdata", "2025b-4"),
    ]  # fmt: skip
    assert [(pin.name, pin.version) for pin in apt.select(files, arm64, ("core",))] == [
        ("python3", "3.13.5-1"), ("python3.13", "3.13.5-2+b1"), ("tzdata", "2025b-4"),
    ]  # fmt: skip
    packages = {(package.name, package.version): package for package in apt.read(files)}
    assert packages["python3", "3.13.5-1"].platforms == ("linux/amd64", "linux/arm64")
    assert [each.file for each in packages["python3", "3.13.5-1"].artifacts] == [
        "python3_3.13.5-1_amd64.deb", "python3_3.13.5-1_arm64.deb",
    ]  # fmt: skip
    assert packages["tzdata", "2025b-4"].requires == ()
    assert packages["python3", "3.13.5-1"].requires == ("python3.13",)
    assert [apt.python_version(files, (group,)) for group in ("core", "none")] == ["3.13.5", ""]
    with pytest.raises(ExpectedError, match="not locked for linux/s390x"):
        apt.select(files, Target(platform="linux/s390x"), ("core",))


@pytest.mark.parametrize("text", ["format = 2\n", "format = 1\nplatforms = 3\n", "format = ", ""])
def test_a_lock_that_cannot_be_read_is_an_expected_error(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"apt\.lock"):
        apt.read({"apt.lock": text})


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.13.5-2+deb13u5", "3.13.5"), ("1:2.41-12", "2.41"), ("3.14.0~rc1-1", "3.14.0rc1"), ("3.9", "3.9"),
        ("2:1.0-rc-3", "1.0-rc"),
    ],
)  # fmt: skip
def test_upstream_version(version: str, expected: str) -> None:
    assert upstream(version) == expected


def test_the_script_pins_below_a_downgrade_of_what_is_installed() -> None:
    text = script(
        (core("bash"), Group(name="b", requirements=("gcc",), parents=("debian-core", "gone"))),
        {"a": "version 1"},
    )
    assert "Package: a\nPin: version 1\nPin-Priority: 999\n" in text
    assert "\nsolve 0 bash\nsolve 1 gcc 0\n" in text
