"""Requirements, mirrors and locks of apk, without running it."""

import pytest

from resolvers.apk import lock_file
from resolvers.apk import manager as apk
from resolvers.apk.requirement import REQUIREMENT, upstream_version
from resolvers.apk.solve import ApkPins, script
from resolvers.errors import ExpectedError
from resolvers.types.request import Group, Request, Target
from tests.support.apk_world import AMD64, added_versions, core
from tests.support.paths import TESTS

LOCK = {"apk.lock": (TESTS / "data/apk/two-platforms.lock").read_text(encoding="utf-8")}


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
def test_a_mirror_is_the_address_without_the_parts_that_all_mirrors_share(
    lines: str, expected: tuple[str, ...]
) -> None:
    def shell(script: str, *, platform: str, cache: str = "") -> str:
        assert (bool(script), platform, cache) == (True, "linux/amd64", "")
        repositories = [f"repository {line}\n" for line in lines.split("\n")]
        return "".join(["@@ facts\napk 3.0.8\n", *repositories])

    assert apk.mirrors(shell, "linux/amd64") == expected


def test_without_requirements_there_is_no_lock() -> None:
    assert apk.resolve(Request(groups=(core(),), targets=(AMD64,))) == {}


@pytest.mark.parametrize(
    "requirement",
    ["!bash", "bash==5", "bash@Edge", "$(reboot)", "a b", "-t", "bash>", "a;b", "a=1.x", ""],
)
def test_a_malformed_requirement_is_rejected(requirement: str) -> None:
    request = Request(groups=(core("lib", requirement),), targets=(AMD64,))
    with pytest.raises(ExpectedError, match="of stage 'alpine-core' is not a valid requirement"):
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
def test_all_forms_of_requirements_are_accepted(requirement: str) -> None:
    assert REQUIREMENT.fullmatch(requirement)


def test_different_exact_versions_in_two_groups_are_rejected() -> None:
    groups = core("a=1"), Group(name="x", requirements=("a=2",))
    message = "stage 'alpine-core' requires a=1, but stage 'x' requires a=2"
    with pytest.raises(ExpectedError, match=message):
        apk.resolve(Request(groups=groups, targets=(AMD64,)))


def test_versions_may_differ_between_platforms() -> None:
    arm64 = Target(platform="linux/arm64")
    assert added_versions(LOCK, "core") == {"python3": "3.13.5", "xz-libs": "5.8.1"}
    assert [(pin.name, pin.version) for pin in apk.select(LOCK, arm64, ("core",))] == [
        ("python3", "3.13.5-r1"),
        ("xz-libs", "5.8.1-r0"),
    ]
    packages = {(package.name, package.version): package for package in apk.read(LOCK)}
    xz = packages["xz-libs", "5.8.1-r0"]
    assert xz.platforms == ("linux/amd64", "linux/arm64")
    assert [artifact.source for artifact in xz.artifacts] == [
        "v3.23/main/aarch64/xz-libs-5.8.1-r0.apk",
        "v3.23/main/x86_64/xz-libs-5.8.1-r0.apk",
    ]
    assert packages["python3", "3.13.5-r0"].requires == ("xz-libs",)
    assert [apk.python_version(LOCK, (group,)) for group in ("core", "none")] == ["3.13.5", ""]
    assert apk.musl_versions(LOCK) == {"linux/amd64": "1.2.5", "linux/arm64": "1.2.5"}
    assert apk.solver_version(LOCK) == "3.0.8-r0"
    with pytest.raises(ExpectedError, match="not locked for linux/s390x"):
        apk.select(LOCK, Target(platform="linux/s390x"), ("core",))


def test_a_lock_is_written_as_it_was_read() -> None:
    assert lock_file.write(lock_file.parse(LOCK)) == LOCK


def test_the_world_has_each_name_once() -> None:
    assert apk.world(LOCK, AMD64, ("core",)) == "apk-tools\nbusybox\npython3\nxz-libs\n"
    assert (
        apk.world(LOCK, AMD64, ("base", "core"))
        == "apk-tools\nbusybox\npython3>3.12\nxz-libs\nxz-libs-static\n"
    )


@pytest.mark.parametrize("text", ["format = 2\n", "format = 1\nplatforms = 3\n", "format = ", ""])
def test_a_malformed_lock_is_an_expected_error(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"apk\.lock"):
        apk.read({"apk.lock": text})


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.13.5-r2", "3.13.5"), ("3.14.0_rc1-r0", "3.14.0rc1"), ("1.2.5", "1.2.5")],
)
def test_upstream_version(version: str, expected: str) -> None:
    assert upstream_version(version) == expected


def test_the_script_gets_pins_and_stages_in_order() -> None:
    above = Group(name="b", requirements=("tool>1", "x"), parents=("alpine-core", "missing"))
    pins = ApkPins(versions={"b": "2", "a": "1"}, exact=frozenset({"a"}))
    text = script((core("lib"), above), pins)
    assert text.startswith(
        "pins='hard a 1\nsoft b 2\n'\nrepositories=''\nstages='0::lib\n1:0:tool>1 x'\n"
    )
