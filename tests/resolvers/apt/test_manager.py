"""Requirements and locks of apt, without running it."""

import pytest

from resolvers.apt import manager as apt
from resolvers.apt.requirement import upstream_version
from resolvers.apt.solve import script
from resolvers.errors import ExpectedError
from resolvers.types.request import Group, Request, Target
from tests.support.apt_world import AMD64, core
from tests.support.paths import TESTS

LOCK = {"apt.lock": (TESTS / "data/apt/two-platforms.lock").read_text(encoding="utf-8")}


def test_without_requirements_there_is_no_lock() -> None:
    assert apt.resolve(Request(groups=(core(),), targets=(AMD64,))) == {}


@pytest.mark.parametrize(
    "requirement",
    [
        "bash-",
        "Bash",
        "bash>=5",
        "bash/Sid",
        "bash/sid=1",
        "$(reboot)",
        "a b",
        "task^",
        "a=1.*.2",
        "a=*",
        "",
    ],
)
def test_a_malformed_requirement_is_rejected(requirement: str) -> None:
    request = Request(groups=(core("adduser", requirement),), targets=(AMD64,))
    with pytest.raises(ExpectedError, match="of stage 'debian-core' is not a valid requirement"):
        apt.resolve(request)


def test_different_exact_versions_in_two_groups_are_rejected() -> None:
    groups = core("a1=1"), Group(name="x", requirements=("a1=2",))
    message = "stage 'debian-core' requires a1=1, but stage 'x' requires a1=2"
    with pytest.raises(ExpectedError, match=message):
        apt.resolve(Request(groups=groups, targets=(AMD64,)))


def test_versions_may_differ_between_platforms() -> None:
    arm64 = Target(platform="linux/arm64")
    assert [(pin.name, pin.version) for pin in apt.select(LOCK, AMD64, ("core",))] == [
        ("python3", "3.13.5-1"),
        ("python3.13", "3.13.5-2"),
        ("tzdata", "2025b-4"),
    ]
    assert [(pin.name, pin.version) for pin in apt.select(LOCK, arm64, ("core",))] == [
        ("python3", "3.13.5-1"),
        ("python3.13", "3.13.5-2+b1"),
        ("tzdata", "2025b-4"),
    ]
    packages = {(package.name, package.version): package for package in apt.read(LOCK)}
    python3 = packages["python3", "3.13.5-1"]
    assert python3.platforms == ("linux/amd64", "linux/arm64")
    assert [artifact.file for artifact in python3.artifacts] == [
        "python3_3.13.5-1_amd64.deb",
        "python3_3.13.5-1_arm64.deb",
    ]
    assert packages["tzdata", "2025b-4"].requires == ()
    assert python3.requires == ("python3.13",)
    assert [apt.python_version(LOCK, (group,)) for group in ("core", "none")] == ["3.13.5", ""]
    with pytest.raises(ExpectedError, match="not locked for linux/s390x"):
        apt.select(LOCK, Target(platform="linux/s390x"), ("core",))


@pytest.mark.parametrize("text", ["format = 2\n", "format = 1\nplatforms = 3\n", "format = ", ""])
def test_a_malformed_lock_is_an_expected_error(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"apt\.lock"):
        apt.read({"apt.lock": text})


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.13.5-2+deb13u5", "3.13.5"),
        ("1:2.41-12", "2.41"),
        ("3.14.0~rc1-1", "3.14.0rc1"),
        ("3.9", "3.9"),
        ("2:1.0-rc-3", "1.0-rc"),
    ],
)
def test_upstream_version(version: str, expected: str) -> None:
    assert upstream_version(version) == expected


def test_the_script_pins_without_downgrades_of_installed_packages() -> None:
    above = Group(name="b", requirements=("gcc",), parents=("debian-core", "missing"))
    text = script((core("bash"), above), {"a": "version 1"})
    assert text.startswith(
        "preferences='Package: a\nPin: version 1\nPin-Priority: 999\n\n'\n"
        "suite=''\narchitecture=''\nrepositories=''\nstages='0::bash\n1:0:gcc'\nrecommending=''\n"
    )
