"""The digest of everything that determines the bytes of a compiled Python package. Pure.

A later build reuses the compiled wheel while the digest stays the same.
"""

from collections.abc import Mapping

import msgspec

from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.runtime import NO_SETTINGS
from orbiter.config.stage_graph import ancestors
from orbiter.lockset.model import digest
from orbiter.render.model import StagePlan

MANAGERS_BEFORE_PIP = ("apk", "apt", "conda", "npm")
"""Managers that install before pip in a stage. pip's own packages are not visible to a build."""


def with_toolchain(
    image_set: ImageSet,
    stage_plan: StagePlan,
    stages: tuple[StagePlan, ...],
    bases: Mapping[str, Mapping[str, str]],
) -> StagePlan:
    """Return a stage's plan with the digest of its toolchain, if it builds Python packages.

    There is no digest if the stage or one of its ancestors has network access, because nobody knows
    what it downloads.
    """
    names = ancestors(image_set, stage_plan.stage, "pip")
    inherited = [other for other in stages if other.stage.name in names]
    builds = any(stage_plan.build_pins.values())
    if not builds or any(other.stage.network for other in (*inherited, stage_plan)):
        return stage_plan
    own_pins = {
        platform: {manager: pins.get(manager, ()) for manager in MANAGERS_BEFORE_PIP}
        for platform, pins in stage_plan.pins.items()
    }
    # A different order or structure gives different digests, and all wheels are compiled again.
    inputs = [
        bases.get(image_set.builders[stage_plan.stage.builder].base, {}),
        image_set.user,
        [_inherited_inputs(other) for other in inherited],
        own_pins,
        stage_plan.stage.normalize or (),
        stage_plan.npm_scripts,
        stage_plan.tools,
        stage_plan.build_pins,
        *_prebuild(stage_plan.stage),
    ]
    toolchain = digest(msgspec.json.encode(inputs, order="sorted").decode())
    return msgspec.structs.replace(stage_plan, toolchain=toolchain)


def _inherited_inputs(ancestor: StagePlan) -> tuple[object, ...]:
    return (
        ancestor.pins,
        ancestor.tools,
        ancestor.build_pins,
        ancestor.npm_scripts,
        ancestor.stage.postbuild,
        ancestor.stage.normalize or (),
        *_variables(ancestor.stage),
        *_prebuild(ancestor.stage),
    )


def _variables(stage: Stage) -> tuple[Mapping[str, str], ...]:
    """Return the variables that later stages inherit; stages without any keep their digests."""
    env = (stage.runtime or NO_SETTINGS).env
    return (env,) if env else ()


def _prebuild(stage: Stage) -> tuple[Mapping[str, object], ...]:
    """Return what precedes the packages; stages without any keep their digests."""
    before: dict[str, object] = {"prebuild": stage.prebuild, "debconf": stage.debconf}
    return tuple({key: value} for key, value in before.items() if value)
