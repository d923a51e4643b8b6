"""Compiled wheels are kept as long as everything that determines their bytes is the same."""

import pytest
from msgspec.structs import replace

from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.render.model import StagePlan
from orbiter.render.toolchain import with_toolchain
from resolvers.types.packages import Artifact, Pin

PLATFORM = "linux/amd64"


def pin(name: str, version: str = "1") -> Pin:
    return Pin(
        name=name,
        version=version,
        artifact=Artifact(file=name, hash=f"sha256:{version}", source=name),
    )


def stage(name: str, **more: object) -> Stage:
    return Stage(name=f"alpine-{name}", builder="alpine", image=name, kind="final", **more)  # type: ignore[arg-type]


def stage_plan(stage: Stage, **pins: tuple[Pin, ...]) -> StagePlan:
    return StagePlan(stage=stage, pins={PLATFORM: pins})


CORE = stage_plan(stage("core", postbuild=("true",)), apk=(pin("musl"),))
OTHER = stage_plan(stage("other"), apk=(pin("gdal"),))
BUILD = replace(
    stage_plan(stage("build", parent="alpine-core"), apk=(pin("gcc"),), pip=(pin("made"),)),
    build_pins={PLATFORM: (pin("setuptools"),)},
    tools={PLATFORM: (pin("uv"),)},
)


def toolchain(
    build: StagePlan = BUILD,
    core: StagePlan = CORE,
    other: StagePlan = OTHER,
    base: str = "sha256:1",
) -> str:
    stages = (core, other, build)
    images = ImageSet(
        version="0.1.0",
        repository="a/b",
        platforms=(PLATFORM,),
        builders={"alpine": Builder(name="alpine", base="alpine:3.23")},
        stages=tuple(plan.stage for plan in stages),
    )
    return with_toolchain(images, build, stages, {"alpine:3.23": {PLATFORM: base}}).toolchain


def with_pins(plan: StagePlan, **pins: tuple[Pin, ...]) -> StagePlan:
    return replace(plan, pins={PLATFORM: {**plan.pins[PLATFORM], **pins}})


def test_other_packages_of_pip_and_unrelated_stages_change_nothing() -> None:
    assert toolchain().startswith("sha256:")
    assert toolchain(with_pins(BUILD, pip=(pin("made"), pin("six")))) == toolchain()
    assert toolchain(other=with_pins(OTHER, apk=())) == toolchain()
    assert (
        toolchain(replace(BUILD, stage=replace(BUILD.stage, postbuild=("false",)))) == toolchain()
    ), "postbuild runs after pip"


@pytest.mark.parametrize(
    ("build", "core", "base"),
    [
        (BUILD, CORE, "sha256:2"),
        (with_pins(BUILD, apk=(pin("gcc", "2"),)), CORE, "sha256:1"),
        (with_pins(BUILD, npm=(pin("node-gyp"),)), CORE, "sha256:1"),
        (replace(BUILD, npm_scripts=("canvas",)), CORE, "sha256:1"),
        (replace(BUILD, build_pins={PLATFORM: (pin("setuptools", "2"),)}), CORE, "sha256:1"),
        (replace(BUILD, tools={PLATFORM: (pin("uv", "2"),)}), CORE, "sha256:1"),
        (BUILD, with_pins(CORE, apk=(pin("musl", "2"),)), "sha256:1"),
        (BUILD, with_pins(CORE, pip=(pin("ziglang"),)), "sha256:1"),
        (BUILD, replace(CORE, stage=replace(CORE.stage, postbuild=("false",))), "sha256:1"),
        (replace(BUILD, stage=replace(BUILD.stage, prebuild=("true",))), CORE, "sha256:1"),
        (BUILD, replace(CORE, stage=replace(CORE.stage, prebuild=("true",))), "sha256:1"),
    ],
)
def test_every_input_of_the_compiler_changes_the_digest(
    build: StagePlan, core: StagePlan, base: str
) -> None:
    assert toolchain(build, core, base=base) not in {"", toolchain()}


def test_without_compiling_or_with_network_access_there_is_no_digest() -> None:
    assert toolchain(replace(BUILD, build_pins={PLATFORM: ()})) == ""
    assert toolchain(replace(BUILD, stage=replace(BUILD.stage, network=True))) == ""
    assert toolchain(core=replace(CORE, stage=replace(CORE.stage, network=True))) == ""
