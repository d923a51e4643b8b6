"""pip with each engine: locking, reading and selecting."""

from datetime import UTC, datetime

import msgspec
import pytest

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.pip import manager as pip
from resolvers.pip import resolve
from resolvers.types.request import Group, Request, Target, Upgrade
from tests.support.pip_cases import AMD64, ARM64, assert_portable, data, request, versions

ENGINES = ("poetry", "uv", "pip-tools")
ALL = ("core", "base-build")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_lock_is_read(engine: str) -> None:
    packages = {package.name: package for package in pip.read(data(engine))}
    assert packages["attrs"].groups == ("core",)
    assert packages["jinja2"].requires == ("markupsafe",)
    assert packages["markupsafe"].groups == ("base-build",)
    assert packages["markupsafe"].version == "3.0.2"
    assert packages["docopt"].artifacts == (
        pip.select(data(engine), AMD64, ("base-build",))[0].artifact,
    )
    assert {package.manager for package in packages.values()} == {"pip"}
    wheel = next(file for file in packages["attrs"].artifacts if file.file.endswith(".whl"))
    assert wheel.source == "attrs/attrs-24.3.0-py3-none-any.whl"
    assert wheel.hash == "sha256:ac96cd038792094f438ad1f6ff80837353805ac950cd2aa0e0625ef19850c308"


@pytest.mark.parametrize("engine", ENGINES)
def test_one_file_is_selected_per_package_and_platform(engine: str) -> None:
    amd64 = {pin.name: pin.artifact.file for pin in pip.select(data(engine), AMD64, ALL)}
    arm64 = {pin.name: pin.artifact.file for pin in pip.select(data(engine), ARM64, ALL)}
    assert list(amd64) == [
        "attrs",
        "docopt",
        "jinja2",
        "markupsafe",
        "tqdm",
    ]  # colorama is for Windows only
    assert list(arm64) == list(amd64)
    cp313 = "MarkupSafe-3.0.2-cp313-cp313-manylinux_2_17"
    assert amd64["markupsafe"] == f"{cp313}_x86_64.manylinux2014_x86_64.whl"
    assert arm64["markupsafe"] == f"{cp313}_aarch64.manylinux2014_aarch64.whl"
    assert amd64["docopt"] == "docopt-0.6.2.tar.gz"


@pytest.mark.parametrize("engine", ENGINES)
def test_groups_are_selected_separately_and_together(engine: str) -> None:
    def names(*groups: str) -> list[str]:
        return [pin.name for pin in pip.select(data(engine), AMD64, groups)]

    assert names("core") == ["attrs"]
    assert names("base-build") == ["docopt", "jinja2", "markupsafe", "tqdm"]
    assert names() == names("other") == []


@pytest.mark.parametrize("engine", ENGINES)
def test_without_a_wheel_an_sdist_must_be_allowed(engine: str) -> None:
    files = data(engine)
    files["pyproject.toml"] = files["pyproject.toml"].partition("[tool.orbiter]")[0]
    with pytest.raises(
        ExpectedError, match=r"docopt 0\.6\.2 has no wheel for linux/amd64"
    ) as caught:
        pip.select(files, AMD64, ALL)
    assert 'pip-sdist = ["docopt"]' in caught.value.hint
    assert pip.select(files, AMD64, ("core",))


def test_an_error_lists_the_wheels_that_do_not_fit() -> None:
    old = Target(platform="linux/amd64", python="3.7.1", glibc="2.28")
    with pytest.raises(
        ExpectedError, match=r"MarkupSafe-3\.0\.2-cp310-cp310-macosx.* and \d+ more"
    ):
        pip.select(data("poetry"), old, ("base-build",))


def test_all_packages_without_a_file_are_reported_together() -> None:
    files = data("poetry")
    files["pyproject.toml"] = files["pyproject.toml"].partition("[tool.orbiter]")[0]
    old = Target(platform="linux/amd64", python="3.7.1", musl="1.2.5")
    with pytest.raises(ExpectedError) as caught:
        pip.select(files, old, ALL)
    assert caught.value.message == (
        "2 packages have no wheel for linux/amd64, Python 3.7.1 and musl 1.2.5: "
        "docopt 0.6.2, markupsafe 3.0.2"
    )
    assert 'pip-sdist = ["docopt", "markupsafe"], or require another version' in caught.value.hint


@pytest.mark.parametrize("engine", ENGINES)
def test_build_requirements_are_pinned(engine: str) -> None:
    (pin,) = pip.build_pins(data(engine), AMD64)
    assert pin.artifact.source == "setuptools/setuptools-75.6.0-py3-none-any.whl"
    assert pip.build_pins({}, AMD64) == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_unchanged_request_returns_the_previous_files(engine: str) -> None:
    groups = (
        Group(name="core", requirements=("attrs",)),
        Group(name="base-build", requirements=("tqdm", "docopt", "jinja2"), sources=("docopt",)),
    )
    changed_request = Request(
        groups=groups, targets=(AMD64, ARM64), engine=engine, previous=data(engine)
    )
    assert pip.resolve(changed_request) == data(engine)


def test_without_requirements_nothing_is_locked() -> None:
    assert pip.resolve(request("poetry")) == {}
    assert pip.read({}) == ()
    assert pip.select({}, AMD64, ALL) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "pdm"}, "no engine 'pdm'"),
        ({"targets": (msgspec.structs.replace(AMD64, python=""),)}, "need Python in the image"),
        (
            {"targets": (AMD64, msgspec.structs.replace(ARM64, python="3.13.6"))},
            "different Python versions",
        ),
        ({"upgrade": Upgrade(packages={"attrs": "newest"})}, "which is not a valid version"),
        (
            {
                "groups": (
                    Group(name="core", requirements=("x @ https://a.invalid/x.whl",)),
                    Group(name="base", requirements=("x @ https://b.invalid/x.whl",)),
                )
            },
            "comes from https://a.invalid/x.whl, but from https://b.invalid/x.whl in stage 'base'",
        ),
    ],
)
def test_invalid_requests_are_rejected(change: dict[str, object], message: str) -> None:
    with pytest.raises(ExpectedError, match=message):
        pip.resolve(msgspec.structs.replace(request("poetry", "attrs"), **change))


@pytest.mark.index
@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_moment_gives_the_same_lock(engine: str) -> None:
    first = pip.resolve(request(engine, "attrs", "jinja2"))
    assert versions(first) == {"attrs": "24.3.0", "jinja2": "3.1.5", "markupsafe": "3.0.2"}
    assert_portable(first)
    assert pip.resolve(request(engine, "jinja2", "attrs")) == first
    assert pip.resolve(request(engine, "attrs", "jinja2", previous=first)) == first
    earlier = request(
        engine, "attrs", "jinja2", previous=first, as_of=datetime(2024, 12, 1, tzinfo=UTC)
    )
    assert versions(pip.resolve(earlier)) == {
        "attrs": "24.2.0",
        "jinja2": "3.1.4",
        "markupsafe": "3.0.2",
    }


@pytest.mark.index
@pytest.mark.parametrize(
    ("engine", "next_engine"),
    [
        ("poetry", "poetry"),
        ("uv", "uv"),
        ("poetry", "uv"),
        ("uv", "pip-tools"),
        ("pip-tools", "poetry"),
    ],
)
def test_another_requirement_changes_no_pin(engine: str, next_engine: str) -> None:
    first = pip.resolve(request(engine, "attrs", "jinja2"))
    more = pip.resolve(request(next_engine, "attrs", "jinja2", "six", previous=first, as_of=None))
    assert dict(versions(more), six="") == dict(versions(first), six="")
    assert "six" in versions(more)


@pytest.mark.index
@pytest.mark.parametrize("engine", ENGINES)
def test_only_the_named_packages_are_upgraded(engine: str) -> None:
    first = pip.resolve(request(engine, "attrs", "jinja2"))
    later = datetime(2025, 7, 1, tzinfo=UTC)

    def upgraded(upgrade: Upgrade) -> dict[str, str]:
        changed_request = request(
            engine, "attrs", "jinja2", previous=first, as_of=later, upgrade=upgrade
        )
        return dict(versions(pip.resolve(changed_request)))

    old = {"attrs": "24.3.0", "jinja2": "3.1.5", "markupsafe": "3.0.2"}
    assert upgraded(Upgrade(packages={"Attrs": ""})) == old | {"attrs": "25.3.0"}
    assert upgraded(Upgrade(packages={"markupsafe": "3.0.1"})) == old | {"markupsafe": "3.0.1"}
    assert upgraded(Upgrade(everything=True)) == old | {"attrs": "25.3.0", "jinja2": "3.1.6"}
    with pytest.raises(ExpectedError, match="'six' cannot be upgraded"):
        upgraded(Upgrade(packages={"six": ""}))
    with pytest.raises(UnsolvableError, match="'attrs==99' is requested as an upgrade"):
        upgraded(Upgrade(packages={"attrs": "99"}))


@pytest.mark.index
@pytest.mark.parametrize("engine", ["poetry", "uv"])  # pip-tools: see test_pip_tools.py
def test_unsolvable_requirements_are_explained(engine: str) -> None:
    with pytest.raises(UnsolvableError) as caught:
        pip.resolve(request(engine, "jinja2>=3", "markupsafe<1"))
    assert "markupsafe" in caught.value.message.splitlines()[1]
    assert "'markupsafe<1' is required by 'base-build'" in caught.value.message
    assert "orbiter-image" not in caught.value.message


@pytest.mark.index
@pytest.mark.parametrize("engine", ENGINES)
def test_building_a_package_without_wheels_must_be_allowed(engine: str) -> None:
    with pytest.raises(ExpectedError, match=r"docopt 0\.6\.2 has no wheel for linux/amd64"):
        pip.resolve(request(engine, "docopt"))
    allowed = request(engine, "docopt", sources=("docopt",))
    files = pip.resolve(allowed)
    assert_portable(files)
    assert files["build-requirements.txt"] == data(engine)["build-requirements.txt"]
    assert [pin.artifact.file for pin in pip.select(files, ARM64, ALL)] == ["docopt-0.6.2.tar.gz"]
    assert pip.resolve(msgspec.structs.replace(allowed, previous=files)) == files


def test_an_upgrade_that_the_requirements_do_not_allow_has_a_remedy() -> None:
    with pytest.raises(UnsolvableError, match=r"'attrs' stays at 24\.3\.0") as caught:
        resolve._check_upgraded(Upgrade(packages={"attrs": "99"}), pip.read(data("uv")))
    assert caught.value.hint == (
        "change the requirements, or leave out --upgrade-package attrs==99"
    )
