"""apk in a real Alpine image resolves against small repositories."""

import hashlib
from datetime import UTC, datetime

import pytest

from resolvers.apk import manager as apk
from resolvers.errors import UnsolvableError
from resolvers.types.options import SystemOptions
from resolvers.types.request import Group, Request, Upgrade
from tests.support.apk_world import (
    AMD64,
    FOLDER,
    added_versions,
    core,
    lock,
    package_spec,
    repository,
)
from tests.support.loopback import Answer, in_turn

pytestmark = pytest.mark.engine

TOOL = package_spec("tool", "1.0", depend="lib")
LIB = package_spec("lib", "1.0")


def test_stacked_groups_add_to_their_parents_and_locking_twice_gives_the_same_bytes() -> None:
    groups = (
        core("tool"),
        Group(name="build", requirements=("compiler", "busybox"), parents=("alpine-core",)),
        Group(name="geo", requirements=("lib", "so:libgeo.so.1"), parents=("build", "alpine-core")),
        Group(name="base", requirements=("musl-utils",), parents=("alpine-core",)),
        Group(name="empty", parents=("alpine-core",)),
    )
    compiler = package_spec("compiler", "3", depend="lib>=1")
    geo = package_spec("geo", "2", provides="so:libgeo.so.1=1.2", depend="!other")
    with repository(TOOL, LIB, compiler, geo) as repo:
        files = lock(repo.shell, *groups)
        assert lock(repo.shell, *groups, previous=files) == files
    assert added_versions(files, "alpine-core") == {"tool": "1.0", "lib": "1.0"}
    assert added_versions(files, "build") == {"compiler": "3"}
    assert added_versions(files, "geo") == {"geo": "2"}
    assert added_versions(files, "base") == added_versions(files, "empty") == {}
    assert "://" not in files["apk.lock"]
    assert [package.requires for package in apk.read(files)] == [("lib",), (), (), ("lib",)]
    assert apk.solver_version(files).split(".")[0] in {"2", "3"}
    assert apk.musl_versions(files)["linux/amd64"].startswith("1.2.")
    for pin in apk.select(files, AMD64, ("alpine-core", "build", "geo")):
        assert pin.artifact.source == f"{FOLDER[1:]}{pin.artifact.file}"
        path = apk.cached_packages("linux/amd64")[pin.artifact.hash]
        assert pin.artifact.hash == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        assert pin.artifact.size == path.stat().st_size


def test_only_new_packages_are_fetched() -> None:
    with repository(TOOL, LIB, package_spec("extra", "1")) as repo:
        lock(repo.shell, core("tool"))
        assert repo.downloads() == ["lib-1.0-r0.apk", "tool-1.0-r0.apk"]
        lock(repo.shell, core("tool", "extra"))
        assert repo.downloads() == ["extra-1-r0.apk"]


def test_an_error_names_the_missing_package_with_its_group_and_quotes_apk() -> None:
    base = Group(name="base", requirements=("tool", "no-such-thing"))
    with repository(TOOL, LIB) as repo:
        with pytest.raises(UnsolvableError) as error:
            lock(repo.shell, core("lib"), base)
        assert (
            "apk cannot install no-such-thing for stage 'base' on linux/amd64"
            in error.value.message
        )
        assert (
            "no-such-thing (no such package):\n      required by: world[no-such-thing]"
            in error.value.message
        )
        with pytest.raises(UnsolvableError, match=r"lib-1\.0-r0:\n +breaks: world\[lib=0\.1\]"):
            lock(repo.shell, core("lib=0.1"))


def test_an_error_names_the_parent_that_installs_the_conflicting_package() -> None:
    rival = package_spec("rival", "1", depend="!lib")
    base = Group(name="base", requirements=("rival",), parents=("alpine-core",))
    with repository(TOOL, LIB, rival) as repo, pytest.raises(UnsolvableError) as error:
        lock(repo.shell, core("tool"), base)
    assert "apk cannot install rival for stage 'base'" in error.value.message
    assert "\n  stage 'alpine-core' already installs lib" in error.value.message


def test_a_stage_cannot_require_another_version_than_its_parent_has() -> None:
    base = Group(name="base", requirements=("lib<2",), parents=("alpine-core",))
    with repository(LIB, package_spec("lib", "2")) as repo:
        with pytest.raises(UnsolvableError, match="apk cannot install lib<2 for stage 'base'"):
            lock(repo.shell, core("lib"), base)
        files = lock(repo.shell, core("lib=1.0-r0"), base)
        assert added_versions(files, "alpine-core") == {"lib": "1.0"}


def test_stages_without_a_common_parent_get_the_same_version() -> None:
    old = package_spec("old", "1", depend="lib<2")
    groups = (
        core("lib"),
        Group(name="base", requirements=("old",)),
        Group(name="base-build", requirements=("tool",)),
    )
    with repository(TOOL, LIB, package_spec("lib", "2"), old) as repo:
        files = lock(repo.shell, *groups)
        assert added_versions(files, "alpine-core") == {"lib": "1.0"}
        assert added_versions(files, "base") == {"lib": "1.0", "old": "1"}
        assert added_versions(files, "base-build") == {"lib": "1.0", "tool": "1.0"}


def test_stages_that_need_different_versions_are_rejected() -> None:
    groups = core("old"), Group(name="base", requirements=("new",))
    old = package_spec("old", "1", depend="lib<2")
    new = package_spec("new", "1", depend="lib>=2")
    with (
        repository(LIB, package_spec("lib", "2"), old, new) as repo,
        pytest.raises(UnsolvableError, match=r"world\[!lib="),
    ):
        lock(repo.shell, *groups)


def test_pins_are_kept_while_the_index_has_them() -> None:
    newer = package_spec("tool", "2.0", depend="lib"), package_spec("lib", "1.1")
    with repository(TOOL, LIB) as repo:
        old = lock(repo.shell, core("tool"))
    with repository(TOOL, LIB, *newer, package_spec("extra", "1")) as repo:
        assert lock(repo.shell, core("tool"), previous=old) == old
        grown = lock(repo.shell, core("tool", "extra"), previous=old)
        assert added_versions(grown, "alpine-core") == {"tool": "1.0", "lib": "1.0", "extra": "1"}
        one = lock(repo.shell, core("tool"), previous=old, upgrade=Upgrade(packages={"lib": ""}))
        assert added_versions(one, "alpine-core") == {"tool": "1.0", "lib": "1.1"}
        all_new = lock(repo.shell, core("tool"), previous=old, upgrade=Upgrade(everything=True))
        assert added_versions(all_new, "alpine-core") == {"tool": "2.0", "lib": "1.1"}
        downgrade = Upgrade(packages={"tool": "1.0-r0"})
        back = lock(repo.shell, core("tool"), previous=all_new, upgrade=downgrade)
        assert added_versions(back, "alpine-core") == {"tool": "1.0", "lib": "1.1"}
        with pytest.raises(
            UnsolvableError, match="cannot install tool=9 on linux/amd64: it selected 2"
        ):
            lock(repo.shell, core("tool"), previous=old, upgrade=Upgrade(packages={"tool": "9"}))


def test_pins_that_are_missing_or_prevent_a_solution_are_dropped_and_reported() -> None:
    first = (package_spec(name, "1") for name in ("lib", "other", "missing"))
    with repository(*first) as repo:
        old = lock(repo.shell, core("lib", "other", "missing"))
    second = (
        package_spec("lib", "1"),
        package_spec("lib", "2"),
        package_spec("lib-dev", "2", depend="lib=2-r0"),
        package_spec("other", "1"),
        package_spec("other", "2"),
        package_spec("missing", "2"),
    )
    lines: list[str] = []
    group = core("lib", "other", "missing", "lib-dev")
    with repository(*second) as repo:
        files = lock(repo.shell, group, previous=old, progress=lines.append)
    assert added_versions(files, "alpine-core") == {
        "lib": "2", "lib-dev": "2", "other": "1", "missing": "2",
    }  # fmt: skip
    assert lines == [
        "note: the index of linux/amd64 no longer allows these pins:"
        " lib 1-r0 -> 2-r0, missing 1-r0 -> 2-r0"
    ]


def test_packages_of_the_base_image_stay_unless_a_newer_version_is_needed() -> None:
    newer = (
        package_spec("scanelf", "99"),
        package_spec("scanelf", "100"),
        package_spec("wants", "1", depend="scanelf>90 scanelf<100"),
    )
    with repository(*newer) as repo:
        both = lock(repo.shell, core("scanelf", "wants"))
        assert added_versions(both, "alpine-core") == {"scanelf": "99", "wants": "1"}
        alone = lock(repo.shell, core("scanelf"), previous=both, upgrade=Upgrade(everything=True))
        assert added_versions(alone, "alpine-core") == {}
        assert lock(repo.shell, core("scanelf"), previous=both) == alone


def test_a_solution_that_removes_a_package_is_rejected() -> None:
    slim = package_spec("musl-utils", "99"), package_spec("wants", "1", depend="musl-utils>90")
    with repository(*slim) as repo, pytest.raises(UnsolvableError) as error:
        lock(repo.shell, core("wants"))
    assert error.value.message.startswith(
        "apk would remove scanelf from the base image for stage 'alpine-core'"
    )


@pytest.mark.parametrize("file", ["APKINDEX.tar.gz", "lib-1.0-r0.apk"])
def test_a_broken_connection_is_retried_once(file: str) -> None:
    with repository(LIB) as repo:
        whole = repo.server.replies[FOLDER + file]
        assert isinstance(whole, Answer)
        repo.server.replies[FOLDER + file] = in_turn(whole._replace(sent=100), whole)
        assert added_versions(lock(repo.shell, core("lib")), "alpine-core") == {"lib": "1.0"}
        paths = [request.path for request in repo.server.requests]
        assert paths.count(FOLDER + file) == 2


def test_the_base_image_is_inspected_without_resolving() -> None:
    with repository() as repo:
        base = apk.inspect_base(repo.shell, "linux/amd64")
        assert base.mirrors == apk.mirrors(repo.shell, "linux/amd64") == (f"{repo.server.url}/",)
        assert repo.server.requests == []
    assert {"busybox", "apk-tools"} <= set(base.world)
    assert base.python == ""


def test_as_of_is_reported_to_have_no_effect() -> None:
    lines: list[str] = []
    with repository(LIB) as repo:
        request = Request(
            groups=(core("lib"),),
            targets=(AMD64,),
            as_of=datetime(2025, 1, 1, tzinfo=UTC),
            system=SystemOptions(shell=repo.shell),
            progress=lines.append,
        )
        apk.resolve(request)
    assert lines == ["note: as-of has no effect on apk: mirrors only have the current index"]
