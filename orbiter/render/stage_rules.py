"""The rules for the Dockerfile of a stage, which follow from the plan. Pure."""

from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.runtime import NO_SETTINGS
from orbiter.config.stage_graph import runtime_of
from orbiter.render.bake_file import artifact_contexts
from orbiter.render.context import is_hermetic
from orbiter.render.grammar import StageRules
from orbiter.render.model import Plan, base_images, platform_slug, platform_slug_expression
from orbiter.render.runtime import own_instructions


def stage_rules(derived_plan: Plan, stage: Stage) -> StageRules:
    """Return what the Dockerfile of a stage may contain."""
    image_set = derived_plan.image_set
    own = stage.runtime or NO_SETTINGS
    stage_plan = next(each for each in derived_plan.stages if each.stage.name == stage.name)
    return StageRules(
        name=stage.name,
        start=_start(derived_plan, stage),
        copy=_copy(image_set, stage),
        contexts=artifact_contexts(derived_plan, stage_plan).keys(),
        network=stage.network,
        hermetic=is_hermetic(derived_plan, stage),
        settings=own_instructions(own, runtime_of(image_set, stage)),
        variables=own.env.keys(),
        labels=own.labels.keys(),
    )


def _copy(image_set: ImageSet, stage: Stage) -> str:
    """Return the COPY instruction of a stage; empty if it has no build stage."""
    owner = f"{image_set.user.uid}:{image_set.user.gid}"
    return f"COPY --from={stage.build} --chown={owner} /opt/env /opt/env" if stage.build else ""


def _start(derived_plan: Plan, stage: Stage) -> tuple[str, ...]:
    """Return the FROM instructions of a stage."""
    images = base_images(derived_plan, stage)
    if stage.kind == "base":
        source = "seed"
    elif len(images) > 1:
        source = f"from-{platform_slug_expression(derived_plan.image_set.platforms)}"
    else:
        source = images[0].pinned if images else stage.parent
    choices = (
        f"FROM --platform={image.platform} {image.pinned} AS from-{platform_slug(image.platform)}"
        for image in images
        if len(images) > 1
    )
    return (*choices, f"FROM {source} AS {stage.name}")
