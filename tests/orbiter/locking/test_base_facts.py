"""The Python and the C library of a builder's base image."""

import msgspec
import pytest

from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.locking.base_facts import ASSUMED_GLIBC, ASSUMED_MUSL, base_facts
from orbiter.locking.python import check_python, with_python
from orbiter.lockset.model import BuilderFacts
from orbiter.lockset.targets import targets
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "apk"
AMD64, ARM64 = "linux/amd64", "linux/arm64"
IMAGES = ImageSet(
    version="0.1.0", repository="a/b", platforms=(AMD64, ARM64), builders={}, stages=()
)


@pytest.mark.parametrize(
    ("builder", "known", "libc"),
    [
        (
            "alpine",
            BuilderFacts(python="3.12.12", musl={AMD64: "1.2.4"}),
            ["musl 1.2.4", f"musl {ASSUMED_MUSL}"],
        ),
        (
            "debian",
            BuilderFacts(python="3.11.2", glibc={AMD64: "2.36"}),
            ["glibc 2.36", f"glibc {ASSUMED_GLIBC}"],
        ),
    ],
)
def test_an_added_platform_has_a_c_library(
    builder: str, known: BuilderFacts, libc: list[str]
) -> None:
    facts = base_facts(IMAGES, builder, system_files={}, known=known, shell=None)
    assert [target.libc for target in targets(IMAGES, facts)] == libc
    assert facts.python == known.python


@pytest.mark.parametrize(
    ("builder", "libc"),
    [("alpine", f"musl {ASSUMED_MUSL}"), ("micromamba", f"glibc {ASSUMED_GLIBC}")],
)
def test_without_a_base_image_a_c_library_is_assumed(builder: str, libc: str) -> None:
    facts = base_facts(IMAGES, builder, system_files={}, known=None, shell=None)
    assert {target.libc for target in targets(IMAGES, facts)} == {libc}


def test_the_python_of_images_toml_is_assumed_if_none_is_locked() -> None:
    builder = Builder(name="alpine", base="alpine:3.23", python="3.13")
    stage = Stage(
        name="alpine-core",
        builder="alpine",
        image="core",
        kind="final",
        requirements={"pip": ("six",)},
    )
    images = ImageSet(
        version="0.1.0",
        repository="a/b",
        platforms=(AMD64,),
        builders={"alpine": builder},
        stages=(stage,),
    )
    assert with_python(images, builder, BuilderFacts(), {}, for_pip=True).python == "3.13.0"
    assert (
        with_python(images, builder, BuilderFacts(python="3.13.5"), {}, for_pip=True).python
        == "3.13.5"
    )


@pytest.mark.parametrize("parent", ["", "core"])
def test_pip_packages_need_a_python_in_each_image(parent: str) -> None:
    locked = {"apk.lock": (DATA / "two-platforms.lock").read_text()}
    requirements = {"apk": ("python3",), "pip": ("six",)}
    stages = (
        Stage(name="core", builder="alpine", image="core", kind="build", requirements=requirements),
        Stage(
            name="image", builder="alpine", image="image", kind="final", parent=parent, build="core"
        ),
    )
    images = msgspec.structs.replace(IMAGES, stages=stages)
    if parent:
        check_python(images, "alpine", BuilderFacts(), locked, {})
        return
    with pytest.raises(ExpectedError, match="image has pip packages, but no Python") as caught:
        check_python(images, "alpine", BuilderFacts(), locked, {})
    assert (
        caught.value.hint
        == 'add "python3" to the apk list of image, or of a stage that it inherits from'
    )
    check_python(
        msgspec.structs.replace(images, stages=stages[:1]), "alpine", BuilderFacts(), locked, {}
    )


def test_without_system_packages_the_base_image_has_the_python() -> None:
    stage = Stage(
        name="core", builder="debian", image="core", kind="final", requirements={"pip": ("six",)}
    )
    images = msgspec.structs.replace(IMAGES, stages=(stage,))
    check_python(images, "debian", BuilderFacts(python="3.13.2"), {}, {})
    with pytest.raises(ExpectedError, match="core has pip packages, but no Python"):
        check_python(images, "debian", BuilderFacts(), {}, {})
