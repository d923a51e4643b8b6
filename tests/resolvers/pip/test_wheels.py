"""The choice among the files of a package for a target."""

import tomllib
from itertools import product

import pytest
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from resolvers.pip import wheels
from resolvers.types.packages import Artifact
from resolvers.types.request import Target
from tests.support.paths import ROOT

AMD64 = Target(platform="linux/amd64", python="3.13.5", glibc="2.41")
ARM64 = Target(platform="linux/arm64", python="3.13.5", glibc="2.41")
MUSL = Target(platform="linux/arm64", python="3.13.5", musl="1.2.5")


def artifacts(*files: str) -> list[Artifact]:
    return [Artifact(file=file, hash="sha256:00", source=f"x/{file}") for file in files]


def best(target: Target, *files: str) -> str:
    wheel = wheels.best_wheel(artifacts(*files), target)
    return wheel.file if wheel else ""


def test_on_musl_only_wheels_for_musl_or_for_any_libc_fit() -> None:
    ranked = sorted(wheels.tags(MUSL).items(), key=lambda item: item[1])
    platforms = [tag.platform for tag, _ in ranked if tag.interpreter == tag.abi == "cp313"]
    assert platforms == ["musllinux_1_2_aarch64", "musllinux_1_1_aarch64", "linux_aarch64"]
    assert not any("manylinux" in tag.platform for tag in wheels.tags(MUSL))
    assert not any("musllinux" in tag.platform for tag in wheels.tags(ARM64))


def test_tags_reach_from_the_targets_glibc_down_to_the_oldest() -> None:
    tags = wheels.tags(AMD64)
    manylinux = ["manylinux_2_41", "manylinux_2_17", "manylinux2014", "manylinux2010", "manylinux1"]
    ranks = [
        tags[Tag("cp313", "cp313", f"{platform}_x86_64")] for platform in [*manylinux, "linux"]
    ]
    assert ranks == sorted(ranks)
    assert Tag("cp313", "cp313", "manylinux_2_42_x86_64") not in tags
    assert Tag("cp313", "cp313", "musllinux_1_1_x86_64") not in tags
    assert Tag("cp313", "cp313", "manylinux1_aarch64") not in wheels.tags(ARM64)
    assert Tag("cp314", "cp314", "manylinux_2_17_x86_64") not in tags
    assert Tag("cp39", "abi3", "manylinux_2_17_x86_64") in tags


def test_the_best_wheel_is_the_most_specific_that_fits() -> None:
    plain, abi3 = "x-1-py3-none-any.whl", "x-1-cp39-abi3-manylinux_2_17_x86_64.whl"
    old, new = (
        "x-1-cp313-cp313-manylinux_2_17_x86_64.whl",
        "x-1-cp313-cp313-manylinux_2_28_x86_64.whl",
    )
    future = "x-1-cp313-cp313-manylinux_2_99_x86_64.whl"
    assert best(AMD64, plain, abi3, old, new, future) == new
    assert best(AMD64, plain, abi3) == abi3
    assert best(ARM64, plain, abi3, old, new) == plain
    assert best(ARM64, abi3, old) == ""
    assert (
        best(AMD64, "x-1-1-py3-none-any.whl", "x-1-2-py3-none-any.whl") == "x-1-2-py3-none-any.whl"
    )
    assert best(AMD64, "x-1.tar.gz", "not a wheel.whl") == ""


def test_the_sdist_is_selected_among_wheels() -> None:
    sdist = wheels.sdist(artifacts("x-1-py3-none-any.whl", "x-1.zip", "x-1.tar.gz"))
    assert sdist is not None
    assert sdist.file == "x-1.tar.gz"
    assert wheels.sdist(artifacts("x-1-py3-none-any.whl")) is None


@pytest.mark.parametrize("target", [AMD64, ARM64, MUSL])
def test_a_wheel_fits_exactly_if_one_of_its_tags_is_supported(target: Target) -> None:
    text = (ROOT / "locks" / "0.2.0" / "debian" / "poetry.lock").read_text(encoding="utf-8")
    packages = tomllib.loads(text)["package"]
    files = {file["file"] for package in packages for file in package["files"]}
    parts = product(("cp313", "py2.py3", "CP313"), ("cp313", "none.abi3"), ("any", "linux_x86_64"))
    files |= {f"a-1-{'-'.join(tags)}.whl" for tags in parts}
    files |= {"a-1-2b-py3-none-any.whl", "a-x-y-py3-none-any.whl", "a-1-py3-none-any.tar.gz", "a"}
    fitting = {file for file in files if best(target, file)}
    assert fitting == {
        file for file in files if not supported(file).isdisjoint(wheels.tags(target))
    }
    assert len(fitting) > len(packages)


def supported(file: str) -> frozenset[Tag]:
    """Return the tags in the name of a wheel, as packaging reads it."""
    try:
        return parse_wheel_filename(file)[3]
    except InvalidWheelFilename:
        return frozenset()
