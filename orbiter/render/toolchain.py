"""What decides the bytes of a Python package that is compiled, so that it can be kept for the next build. Pure."""

from collections.abc import Mapping

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.config.stage_graph import ancestors
from orbiter.lockset.model import digest
from orbiter.render.model import StagePlan

BEFORE = ("apk", "apt", "conda", "npm")
"""Managers that install in a stage before pip does; from other packages of pip there, building is kept away."""


def with_toolchain(
    image_set: ImageSet,
    stage_plan: StagePlan,
    stages: tuple[StagePlan, ...],
    bases: Mapping[str, Mapping[str, str]],
) -> StagePlan:
    """The plan of a stage with the digest of its toolchain, where it builds Python packages.

    There is none where it or a stage below has the network: nobody knows what that fetches.
    """
    below = ancestors(image_set, stage_plan.stage, "pip")
    beneath = [each for each in stages if each.stage.name in below]
    if not any(stage_plan.build_pins.values()) or any(
        each.stage.network for each in (*beneath, stage_plan)
    ):
        return stage_plan
    own = {
        name: {each: pins.get(each, ()) for each in BEFORE}
        for name, pins in stage_plan.pins.items()
    }
    there = [
        (each.pins, each.tools, each.build_pins, each.npm_scripts, each.stage.postbuild)
        for each in beneath
    ]
    base = bases.get(image_set.builders[stage_plan.stage.builder].base, {})
    everything = [
        base,
        image_set.user,
        there,
        own,
        stage_plan.npm_scripts,
        stage_plan.tools,
        stage_plan.build_pins,
    ]
    toolchain = digest(msgspec.json.encode(everything, order="sorted").decode())
    return msgspec.structs.replace(stage_plan, toolchain=toolchain)
