"""apk, solved by the apk of a real Alpine image, against small repositories of our own."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from resolvers.apk import manager as apk
from resolvers.apk.requirement import REQUIREMENT
from resolvers.apk.script import script
from resolvers.apk.solve import upstream
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types import Group, Request, SystemOptions, Target, Upgrade
from tests.support.apk_world import (
    AMD64,
    FOLDER,
    Repository,
    built,
    core,
    index,
    lock,
    names,
    package_spec,
    repository,
    signed,
)
from tests.support.loopback import Answer, in_turn
from tests.support.paths import TESTS

DATA = TESTS / "data" / "apk"
TOOL = package_spec("tool", "1.0", depend="lib")
LIB = package_spec("lib", "1.0")


@pytest.mark.engine
def test_stacked_groups_add_to_their_parents_and_locking_twice_gives_the_same_bytes() -> None:
    groups = (
        core("tool"),
        Group(name="build", requirements=("compiler", "busybox"), parents=("alpine-core",)),
        Group(name="geo", requirements=("lib", "so:libgeo.so.1"), parents=("build", "alpine-core")),
        Group(name="base", requirements=("musl-utils",), parents=("alpine-core",)),
        Group(name="empty", parents=("alpine-core",)),
    )
    more = (
        package_spec("compiler", "3", depend="lib>=1"),
        package_spec("geo", "2", provides="so:libgeo.so.1=1.2", depend="!other"),
    )
    with repository(TOOL, LIB, *more) as repo:
        files = lock(repo.shell, *groups)
        assert lock(repo.shell, *groups, previous=files) == files
    assert names(files, "alpine-core") == {"tool": "1.0", "lib": "1.0"}
    assert names(files, "build") == {"compiler": "3"}
    assert names(files, "geo") == {"geo": "2"}
    assert names(files, "base") == names(files, "empty") == {}
    assert "://" not in files["apk.lock"]
    assert [each.requires for each in apk.read(files)] == [("lib",), (), (), ("lib",)]
    assert apk.solver_version(files).split(".")[0] in {"2", "3"}
    assert apk.musl_versions(files)["linux/amd64"].startswith("1.2.")
    for pin in apk.select(files, AMD64, ("alpine-core", "build", "geo")):
        assert pin.artifact.source == f"{FOLDER[1:]}{pin.artifact.file}"
        path = apk.cached_packages("linux/amd64")[pin.artifact.hash]
        assert pin.artifact.hash == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        assert pin.artifact.size == path.stat().st_size


@pytest.mark.engine
def test_only_what_is_new_is_fetched() -> None:
    with repository(TOOL, LIB, package_spec("extra", "1")) as repo:
        lock(repo.shell, core("tool"))
        assert repo.downloads() == ["lib-1.0-r0.apk", "tool-1.0-r0.apk"]
        lock(repo.shell, core("tool", "extra"))
        assert repo.downloads() == ["extra-1-r0.apk"]


@pytest.mark.engine
def test_an_unknown_package_is_named_with_its_group_and_apks_words() -> None:
    with repository(TOOL, LIB) as repo:
        with pytest.raises(UnsolvableError) as error:
            lock(
                repo.shell, core("lib"), Group(name="base", requirements=("tool", "no-such-thing"))
            )
        assert (
            "apk cannot install no-such-thing for group 'base' on linux/amd64"
            in error.value.message
        )
        assert (
            "no-such-thing (no such package):\n      required by: world[no-such-thing]"
            in error.value.message
        )
        with pytest.raises(UnsolvableError, match=r"lib-1\.0-r0:\n +breaks: world\[lib=0\.1\]"):
            lock(repo.shell, core("lib=0.1"))


@pytest.mark.engine
def test_a_conflict_with_a_stage_below_names_that_stage() -> None:
    rival = package_spec("rival", "1", depend="!lib")
    with repository(TOOL, LIB, rival) as repo, pytest.raises(UnsolvableError) as error:
        lock(
            repo.shell,
            core("tool"),
            Group(name="base", requirements=("rival",), parents=("alpine-core",)),
        )
    assert "apk cannot install rival for group 'base'" in error.value.message
    assert "\n  lib is there by group 'alpine-core'" in error.value.message


@pytest.mark.engine
def test_a_stage_may_not_ask_for_another_version_than_the_stage_below_has() -> None:
    above = Group(name="base", requirements=("lib<2",), parents=("alpine-core",))
    with repository(LIB, package_spec("lib", "2")) as repo:
        with pytest.raises(UnsolvableError, match="apk cannot install lib<2 for group 'base'"):
            lock(repo.shell, core("lib"), above)
        assert names(lock(repo.shell, core("lib=1.0-r0"), above), "alpine-core") == {"lib": "1.0"}


@pytest.mark.engine
def test_stages_side_by_side_agree_on_one_version() -> None:
    old = package_spec("old", "1", depend="lib<2")
    groups = (
        core("lib"),
        Group(name="base", requirements=("old",)),
        Group(name="base-build", requirements=("tool",)),
    )
    with repository(TOOL, LIB, package_spec("lib", "2"), old) as repo:
        files = lock(repo.shell, *groups)
        assert names(files, "alpine-core") == {"lib": "1.0"}
        assert names(files, "base") == {"lib": "1.0", "old": "1"}
        assert names(files, "base-build") == {"lib": "1.0", "tool": "1.0"}


@pytest.mark.engine
def test_stages_that_cannot_agree_are_refused() -> None:
    groups = core("old"), Group(name="base", requirements=("new",))
    packages = package_spec("old", "1", depend="lib<2"), package_spec("new", "1", depend="lib>=2")
    with (
        repository(LIB, package_spec("lib", "2"), *packages) as repo,
        pytest.raises(UnsolvableError, match=r"world\[!lib="),
    ):
        lock(repo.shell, *groups)


@pytest.mark.engine
def test_pins_are_kept_while_the_index_has_them() -> None:
    with repository(TOOL, LIB) as repo:
        old = lock(repo.shell, core("tool"))
    with repository(
        TOOL,
        LIB,
        package_spec("tool", "2.0", depend="lib"),
        package_spec("lib", "1.1"),
        package_spec("extra", "1"),
    ) as repo:
        assert lock(repo.shell, core("tool"), previous=old) == old
        grown = lock(repo.shell, core("tool", "extra"), previous=old)
        assert names(grown, "alpine-core") == {"tool": "1.0", "lib": "1.0", "extra": "1"}
        one = lock(repo.shell, core("tool"), previous=old, upgrade=Upgrade(packages={"lib": ""}))
        assert names(one, "alpine-core") == {"tool": "1.0", "lib": "1.1"}
        all_new = lock(repo.shell, core("tool"), previous=old, upgrade=Upgrade(everything=True))
        assert names(all_new, "alpine-core") == {"tool": "2.0", "lib": "1.1"}
        back = lock(
            repo.shell, core("tool"), previous=all_new, upgrade=Upgrade(packages={"tool": "1.0-r0"})
        )
        assert names(back, "alpine-core") == {"tool": "1.0", "lib": "1.1"}
        with pytest.raises(
            UnsolvableError, match="cannot install tool=9 on linux/amd64: it found 2"
        ):
            lock(repo.shell, core("tool"), previous=old, upgrade=Upgrade(packages={"tool": "9"}))


@pytest.mark.engine
def test_a_pin_that_is_gone_or_stands_in_the_way_is_given_up_and_told() -> None:
    with repository(
        package_spec("lib", "1"), package_spec("other", "1"), package_spec("gone", "1")
    ) as repo:
        old = lock(repo.shell, core("lib", "other", "gone"))
    lines: list[str] = []
    lib2 = package_spec("lib", "2"), package_spec("lib-dev", "2", depend="lib=2-r0")
    with repository(
        package_spec("lib", "1"),
        *lib2,
        package_spec("other", "1"),
        package_spec("other", "2"),
        package_spec("gone", "2"),
    ) as repo:
        files = lock(
            repo.shell, core("lib", "other", "gone", "lib-dev"), previous=old, progress=lines.append
        )
    assert names(files, "alpine-core") == {"lib": "2", "lib-dev": "2", "other": "1", "gone": "2"}
    assert lines == [
        "note: pins that the index of linux/amd64 no longer allows: gone 1-r0 -> 2-r0, lib 1-r0 -> 2-r0"
    ]


@pytest.mark.engine
def test_what_the_base_image_has_stays_unless_something_needs_a_newer_one() -> None:
    newer = (
        package_spec("scanelf", "99"),
        package_spec("scanelf", "100"),
        package_spec("wants", "1", depend="scanelf>90 scanelf<100"),
    )
    with repository(*newer) as repo:
        kept = lock(repo.shell, core("scanelf", "wants"))
        assert names(kept, "alpine-core") == {"scanelf": "99", "wants": "1"}
        alone = lock(repo.shell, core("scanelf"), previous=kept, upgrade=Upgrade(everything=True))
        assert names(alone, "alpine-core") == {}
        assert lock(repo.shell, core("scanelf"), previous=kept) == alone


@pytest.mark.engine
def test_a_solution_that_removes_a_package_is_refused() -> None:
    slim = package_spec("musl-utils", "99"), package_spec("wants", "1", depend="musl-utils>90")
    with repository(*slim) as repo, pytest.raises(UnsolvableError) as error:
        lock(repo.shell, core("wants"))
    assert error.value.message.startswith(
        "apk would remove scanelf from the base image for group 'alpine-core'"
    )


@pytest.mark.engine
@pytest.mark.parametrize("file", ["APKINDEX.tar.gz", "lib-1.0-r0.apk"])
def test_a_connection_that_breaks_is_tried_again(file: str) -> None:
    with repository(LIB) as repo:
        whole = repo.server.replies[FOLDER + file]
        assert isinstance(whole, Answer)
        repo.server.replies[FOLDER + file] = in_turn(whole._replace(sent=100), whole)
        assert names(lock(repo.shell, core("lib")), "alpine-core") == {"lib": "1.0"}
        asked = [request.path for request in repo.server.requests]
        assert asked.count(FOLDER + file) == 2


def unsigned_index(repo: Repository) -> None:
    repo.server.replies[f"{FOLDER}APKINDEX.tar.gz"] = Answer(200, index([built(LIB)[1]]))


def index_of_another_key(repo: Repository) -> None:
    repo.server.replies[f"{FOLDER}APKINDEX.tar.gz"] = Answer(
        200, signed(index([built(LIB)[1]]), "another.rsa")
    )


def no_index(repo: Repository) -> None:
    del repo.server.replies[f"{FOLDER}APKINDEX.tar.gz"]


def package_is_gone(repo: Repository) -> None:
    del repo.server.replies[f"{FOLDER}lib-1.0-r0.apk"]


def package_is_cut(repo: Repository) -> None:
    repo.server.replies[f"{FOLDER}lib-1.0-r0.apk"] = Answer(200, built(LIB)[0][:-20])


def package_is_another(repo: Repository) -> None:
    repo.server.replies[f"{FOLDER}lib-1.0-r0.apk"] = Answer(
        200, built(package_spec("lib", "1.0", replaces="abc"))[0]
    )


def package_of_another_key(repo: Repository) -> None:
    repo.server.replies[f"{FOLDER}lib-1.0-r0.apk"] = Answer(200, built(LIB, "another.rsa")[0])


@pytest.mark.engine
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (unsigned_index, "apk update failed on linux/amd64"),
        (index_of_another_key, "apk update failed on linux/amd64"),
        (no_index, "apk update failed on linux/amd64\n.*404"),
        (package_is_gone, "apk cannot fetch what it would install on linux/amd64\n.*lib-1.0-r0"),
        (package_is_cut, "apk cannot fetch what it would install on linux/amd64\n.*lib-1.0-r0"),
        (package_is_another, "apk cannot fetch what it would install on linux/amd64\n.*lib-1.0-r0"),
        (
            package_of_another_key,
            "not signed by a key that the base image trusts, on linux/amd64\n.*lib-1.0-r0",
        ),
    ],
)
def test_what_cannot_be_trusted_is_refused(
    harm: Callable[[Repository], None], message: str
) -> None:
    with repository(LIB) as repo:
        harm(repo)
        with pytest.raises(ExpectedError, match=message):
            lock(repo.shell, core("lib"))
    assert apk.cached_packages("linux/amd64") == {}


@pytest.mark.engine
def test_an_index_that_cannot_be_renewed_is_not_taken_from_the_cache() -> None:
    with repository(LIB) as repo:
        lock(repo.shell, core("lib"))
        no_index(repo)
        with pytest.raises(ExpectedError, match="apk update failed"):
            lock(repo.shell, core("lib"))


@pytest.mark.engine
def test_facts_of_the_base_image_without_a_solve() -> None:
    with repository() as repo:
        facts = apk.inspect_base(repo.shell, "linux/amd64")
        assert facts.mirrors == apk.mirrors(repo.shell, "linux/amd64") == (f"{repo.server.url}/",)
        assert repo.server.requests == []
    assert {"busybox", "apk-tools"} <= set(facts.world)
    assert facts.python == ""


@pytest.mark.engine
def test_as_of_is_told_not_to_apply() -> None:
    lines: list[str] = []
    now = datetime(2025, 1, 1, tzinfo=UTC)
    with repository(LIB) as repo:
        request = Request(
            groups=(core("lib"),),
            targets=(AMD64,),
            as_of=now,
            system=SystemOptions(shell=repo.shell),
            progress=lines.append,
        )
        apk.resolve(request)
    assert lines == ["note: as-of does not apply to apk: a mirror has the present index only"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            "https://a.example/alpine/v3.23/main\nhttps://a.example/alpine/v3.23/community",
            ("https://a.example/alpine/",),
        ),
        (
            "# http://old.example/x/y\n\n@edge http://b.example:81/edge/testing/",
            ("http://b.example:81/",),
        ),
        (
            "http://c.example/mirror/alpine/v3.23 main community",
            ("http://c.example/mirror/alpine/",),
        ),
        ("http://d.example/own", ("http://d.example/",)),
        ("/srv/packages", ()),
    ],
)
def test_mirrors_are_what_differs_between_the_addresses_of_one_repository(
    lines: str, expected: tuple[str, ...]
) -> None:
    def shell(script: str, *, platform: str, cache: str = "") -> str:
        assert (bool(script), platform, cache) == (True, "linux/amd64", "")
        return "@@ facts\napk 3.0.8\n" + "".join(
            f"repository {line}\n" for line in lines.split("\n")
        )

    assert apk.mirrors(shell, "linux/amd64") == expected


def test_no_requirements_no_lock() -> None:
    assert apk.resolve(Request(groups=(core(),), targets=(AMD64,))) == {}


@pytest.mark.parametrize(
    "requirement",
    ["!bash", "bash==5", "bash@edge", "$(reboot)", "a b", "-t", "bash>", "a;b", "a=1.x", ""],
)
def test_a_requirement_that_names_no_package_is_refused(requirement: str) -> None:
    request = Request(groups=(core("lib", requirement),), targets=(AMD64,))
    with pytest.raises(ExpectedError, match="of group 'alpine-core' is no requirement"):
        apk.resolve(request)


@pytest.mark.parametrize(
    "requirement",
    [
        "a",
        "a=1.0-r0",
        "a~1.2",
        "a>1",
        "a>=1",
        "a<2_rc1",
        "a<=2",
        "so:libz.so.1",
        "cmd:gcc",
        "py3.13:x",
    ],
)
def test_requirements_as_apk_takes_them(requirement: str) -> None:
    assert REQUIREMENT.fullmatch(requirement)


def test_two_groups_that_ask_for_different_versions_are_refused() -> None:
    request = Request(
        groups=(core("a=1"), Group(name="x", requirements=("a=2",))), targets=(AMD64,)
    )
    with pytest.raises(ExpectedError, match="group 'alpine-core' asks for a=1, group 'x' for a=2"):
        apk.resolve(request)


def test_two_platforms_may_differ_in_version() -> None:
    files = {"apk.lock": (DATA / "two-platforms.lock").read_text()}
    arm64 = Target(platform="linux/arm64")
    assert names(files, "core") == {"python3": "3.13.5", "xz-libs": "5.8.1"}
    assert [(pin.name, pin.version) for pin in apk.select(files, arm64, ("core",))] == [
        ("python3", "3.13.5-r1"), ("xz-libs", "5.8.1-r0"),
    ]  # fmt: skip
    packages = {(package.name, package.version): package for package in apk.read(files)}
    assert packages["xz-libs", "5.8.1-r0"].platforms == ("linux/amd64", "linux/arm64")
    assert [each.source for each in packages["xz-libs", "5.8.1-r0"].artifacts] == [
        "v3.23/main/aarch64/xz-libs-5.8.1-r0.apk", "v3.23/main/x86_64/xz-libs-5.8.1-r0.apk",
    ]  # fmt: skip
    assert packages["python3", "3.13.5-r0"].requires == ("xz-libs",)
    assert [apk.python_version(files, (group,)) for group in ("core", "none")] == ["3.13.5", ""]
    assert apk.musl_versions(files) == {"linux/amd64": "1.2.5", "linux/arm64": "1.2.5"}
    assert apk.solver_version(files) == "3.0.8-r0"
    with pytest.raises(ExpectedError, match="not locked for linux/s390x"):
        apk.select(files, Target(platform="linux/s390x"), ("core",))


def test_the_world_is_the_base_images_and_what_was_asked_each_name_once() -> None:
    files = {"apk.lock": (DATA / "two-platforms.lock").read_text()}
    assert apk.world(files, AMD64, ("core",)) == "apk-tools\nbusybox\npython3\nxz-libs\n"
    assert (
        apk.world(files, AMD64, ("base", "core"))
        == "apk-tools\nbusybox\npython3>3.12\nxz-libs\nxz-libs-static\n"
    )


@pytest.mark.parametrize("text", ["format = 2\n", "format = 1\nplatforms = 3\n", "format = ", ""])
def test_a_lock_that_cannot_be_read_is_an_expected_error(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"apk\.lock"):
        apk.read({"apk.lock": text})


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.13.5-r2", "3.13.5"), ("3.14.0_rc1-r0", "3.14.0rc1"), ("1.2.5", "1.2.5")],
)
def test_upstream_version(version: str, expected: str) -> None:
    assert upstream(version) == expected


def test_the_script_gives_pins_and_parents_in_order() -> None:
    groups = (
        core("lib"),
        Group(name="b", requirements=("tool>1", "x"), parents=("alpine-core", "gone")),
    )
    text = script(groups, {"b": "2", "a": "1"}, frozenset({"a"}))
    assert "printf %s 'hard a 1\nsoft b 2\n' > $work/pins\n" in text
    assert "\nsolve 0 lib\nsolve 1 'tool>1 x' 0\n" in text
