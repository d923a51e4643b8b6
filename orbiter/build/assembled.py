"""From the stages that bake built to assembled images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from orbiter.assembly.assemble import AssembledStage, Assembler, BaseLayers
from orbiter.assembly.base_layers import base_layers
from orbiter.assembly.image import AssembledImage
from orbiter.assembly.raw_image import read_raw_images
from orbiter.lockset.model import LockSet
from orbiter.render.derived import Derived
from orbiter.render.model import StagePlan
from orbiter.store.store import Store
from orbiter.tasks import Report


class StageImages(msgspec.Struct, frozen=True, kw_only=True):
    """Assembles the images of a lock set; see ``Assembler``."""

    lock_set: LockSet
    derived: Derived
    store: Store
    assembler: Assembler

    def assemble(
        self, name: str, layout: Path, platforms: Sequence[str], report: Report
    ) -> tuple[AssembledImage, ...]:
        """Return the image of a stage for each platform, from the layout that bake wrote."""
        lineage = self._lineage(name)
        raws = read_raw_images(layout, [stage_plan.stage.name for stage_plan in lineage])
        by_platform = {raw.platform: raw for raw in raws}
        return tuple(
            self.assembler.assemble(
                by_platform[platform],
                [_assembled_stage(stage_plan, platform) for stage_plan in lineage],
                self._base(lineage[0], platform),
                report,
            )
            for platform in platforms
        )

    def _lineage(self, name: str) -> list[StagePlan]:
        """Return the stages of an image, the lowest one first."""
        plans: Mapping[str, StagePlan] = {
            stage_plan.stage.name: stage_plan for stage_plan in self.derived.plan.stages
        }
        lineage = []
        while name:
            lineage.append(plans[name])
            name = plans[name].stage.parent
        return lineage[::-1]

    def _base(self, lowest: StagePlan, platform: str) -> BaseLayers:
        """Return the base image of the lowest stage, without layers if it makes its own base."""
        reference = self.lock_set.image_set.builders[lowest.stage.builder].base
        if not reference:
            return BaseLayers()
        return base_layers(self.lock_set.manifest.bases[reference][platform], self.store)


def _assembled_stage(stage_plan: StagePlan, platform: str) -> AssembledStage:
    stage = stage_plan.stage
    targets = [file.target for file in stage.files or ()]
    targets += [placed.target for placed in stage_plan.downloads.get(platform, ())]
    return AssembledStage(
        name=stage.name,
        rules=stage.trim or (),
        keep=frozenset(target.strip("/") for target in targets),
    )
