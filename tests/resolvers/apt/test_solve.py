"""apt in a real Debian image resolves against its own mirror and against small repositories."""

from datetime import UTC, datetime

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from resolvers.apt import manager as apt
from resolvers.apt.lock_file import parse
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types.options import SystemOptions
from resolvers.types.request import Group, Request, Upgrade
from tests.support.apt_world import AMD64, added_versions, base_shell, core, lock, repository

pytestmark = pytest.mark.engine


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
    files = lock(base_shell(), *groups)
    assert lock(base_shell(), *groups, previous=files) == files
    own = {group.name: set(added_versions(files, group.name)) for group in groups}
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


def test_the_lock_has_the_source_of_a_package_if_it_differs() -> None:
    shell = repository(
        ("same", "1-1", ""),
        ("lib", "1-1+b2", "Source: other (1-1)"),
        ("tool", "1:2", "Source: other"),
    )
    files = lock(shell, core("same", "lib", "tool"))
    found = {each.name: (each.source_package, each.source_version) for each in parse(files).package}
    assert found == {"same": ("", ""), "lib": ("other", "1-1"), "tool": ("other", "")}


def test_an_error_names_the_missing_package_with_its_group_and_quotes_apt() -> None:
    base = Group(name="debian-base", requirements=("adduser", "no-such-thing"))
    with pytest.raises(UnsolvableError) as error:
        lock(base_shell(), core("bash"), base)
    assert (
        "apt cannot install no-such-thing for stage 'debian-base' on linux/amd64"
        in error.value.message
    )
    assert "E: Unable to locate package no-such-thing" in error.value.message
    with pytest.raises(UnsolvableError) as error:
        lock(base_shell(), core("adduser=0.1", "bash=0.2", "sed"))
    assert "Version '0.1' for 'adduser' was not found" in error.value.message
    assert "\n  the index has adduser in version 3." in error.value.message
    assert "\n  the index has bash in version 5." in error.value.message
    assert "the index has sed" not in error.value.message


def test_the_base_image_is_inspected_without_resolving() -> None:
    base = apt.inspect_base(base_shell(), "linux/amd64")
    assert (base.glibc, base.python) == ("2.41", "")
    assert base.apt.startswith("3.")
    assert apt.mirrors(base_shell(), "linux/amd64") == base.mirrors
    assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in base.mirrors)


def test_pins_are_kept_while_the_index_has_them() -> None:
    old = lock(repository(("tool", "1.0", "Depends: lib"), ("lib", "1:1.0", "")), core("tool"))
    assert added_versions(old, "debian-core") == {"tool": "1.0", "lib": "1:1.0"}
    both = repository(
        ("tool", "1.0", "Depends: lib"),
        ("tool", "2.0", "Depends: lib"),
        ("lib", "1:1.0", ""),
        ("lib", "1:1.1", ""),
        ("extra", "1", ""),
    )
    assert lock(both, core("tool"), previous=old) == old
    grown = lock(both, core("tool", "extra"), previous=old)
    assert added_versions(grown, "debian-core") == {"tool": "1.0", "lib": "1:1.0", "extra": "1"}
    one = lock(both, core("tool"), previous=old, upgrade=Upgrade(packages={"lib": ""}))
    assert added_versions(one, "debian-core") == {"tool": "1.0", "lib": "1:1.1"}
    all_new = lock(both, core("tool"), previous=old, upgrade=Upgrade(everything=True))
    assert added_versions(all_new, "debian-core") == {"tool": "2.0", "lib": "1:1.1"}
    back = lock(both, core("tool"), previous=all_new, upgrade=Upgrade(packages={"tool": "1.0"}))
    assert added_versions(back, "debian-core") == {"tool": "1.0", "lib": "1:1.1"}
    with pytest.raises(UnsolvableError, match="cannot install tool=9 on linux/amd64"):
        lock(both, core("tool"), previous=old, upgrade=Upgrade(packages={"tool": "9"}))


def test_pins_that_are_missing_or_prevent_a_solution_are_dropped_and_reported() -> None:
    first = repository(("lib", "1", ""), ("other", "1", ""), ("missing", "1", ""))
    old = lock(first, core("lib", "other", "missing"))
    second = repository(
        ("lib", "1", ""),
        ("lib", "2", ""),
        ("lib-dev", "2", "Depends: lib (= 2)"),
        ("other", "1", ""),
        ("other", "2", ""),
        ("missing", "2", ""),
    )
    lines: list[str] = []
    group = core("lib", "other", "missing", "lib-dev")
    files = lock(second, group, previous=old, progress=lines.append)
    assert added_versions(files, "debian-core") == {
        "lib": "2", "lib-dev": "2", "other": "1", "missing": "2",
    }  # fmt: skip
    assert lines == [
        "note: the index of linux/amd64 no longer allows these pins: lib 1 -> 2, missing 1 -> 2"
    ]


def test_the_beginning_of_a_version_keeps_its_pin_and_excludes_other_versions() -> None:
    index = ["1.2.9", "1.10.0", "1.2.10", "2.0"]
    tool = repository(*(("tool", version, "") for version in index), ("user", "1", "Depends: tool"))
    # Another stage that only depends on it gets the same version.
    groups = core("tool=1.2.*"), Group(name="other", requirements=("user",))
    files = lock(tool, *groups)
    assert added_versions(files, "debian-core") == {"tool": "1.2.10"}
    assert added_versions(files, "other") == {"tool": "1.2.10", "user": "1"}
    first = lock(repository(("tool", "1.2.9", "")), core("tool=1.2.*"))
    assert added_versions(lock(tool, core("tool=1.2.*"), previous=first), "debian-core") == {
        "tool": "1.2.9"
    }
    newer = lock(tool, core("tool=1.2.*"), previous=first, upgrade=Upgrade(everything=True))
    assert added_versions(newer, "debian-core") == {"tool": "1.2.10"}
    # The edit of the requirement wins over the pin.
    other = lock(tool, core("tool=1.1*"), previous=first)
    assert added_versions(other, "debian-core") == {"tool": "1.10.0"}
    with pytest.raises(UnsolvableError) as error:
        lock(tool, core("tool=3.*"))
    assert "the index has tool in version " in error.value.message


def test_recommended_packages_are_those_of_the_stage_alone() -> None:
    packages = repository(
        ("tool", "1", "Depends: lib\nRecommends: extra | other"),
        ("lib", "1", "Recommends: more"),
        ("parent", "1", "Recommends: unwanted"),
        *((name, "1", "") for name in ("extra", "other", "more", "unwanted")),
    )
    parent = core("parent")
    child = Group(name="child", requirements=("tool",), parents=("debian-core",), recommends=True)
    files = lock(packages, parent, child)
    assert added_versions(files, "debian-core") == {"parent": "1"}
    added = {"tool": "1", "lib": "1", "extra": "1", "more": "1"}
    assert added_versions(files, "child") == added
    assert lock(packages, parent, child, previous=files) == files
    tool = next(package for package in apt.read(files) if package.name == "tool")
    assert tool.requires == ("extra", "lib")
    below = Group(name="below", requirements=("other",), parents=("child", "debian-core"))
    assert added_versions(lock(packages, parent, child, below), "below") == {"other": "1"}
    without = lock(packages, parent, replace(child, recommends=UNSET), previous=files)
    assert added_versions(without, "child") == {"tool": "1", "lib": "1"}


def test_a_package_of_the_base_image_that_met_a_requirement_stays_until_an_upgrade() -> None:
    present = repository(("extra", "1", ""))
    newer = repository(("extra", "1", ""), ("mawk", "99", "Provides: awk"))
    old = lock(present, core("mawk", "extra"))
    assert added_versions(old, "debian-core") == {"extra": "1"}
    assert lock(newer, core("mawk", "extra"), previous=old) == old
    upgraded = lock(newer, core("mawk", "extra"), previous=old, upgrade=Upgrade(everything=True))
    assert added_versions(upgraded, "debian-core") == {"extra": "1", "mawk": "99"}


def test_a_solution_that_removes_a_package_is_rejected() -> None:
    with pytest.raises(UnsolvableError) as error:
        lock(repository(("rival", "1", "Conflicts: diffutils, sed")), core("rival"))
    assert "apt cannot install rival for stage 'debian-core'" in error.value.message


def test_an_unsigned_index_is_rejected() -> None:
    with pytest.raises(ExpectedError) as error:
        lock(repository(("tool", "1", ""), options=""), core("tool"))
    assert "apt-get update failed on linux/amd64" in error.value.message
    assert (
        "E: The repository 'file:/srv/repo ./ Release' does not have a Release file."
        in error.value.message
    )


def test_as_of_is_reported_to_have_no_effect() -> None:
    lines: list[str] = []
    request = Request(
        groups=(core("tool"),),
        targets=(AMD64,),
        as_of=datetime(2025, 1, 1, tzinfo=UTC),
        system=SystemOptions(shell=repository(("tool", "1", ""))),
        progress=lines.append,
    )
    apt.resolve(request)
    assert lines == ["note: as-of has no effect on apt: mirrors only have the current index"]
