"""The bake file of a build folder: the graph of stages and the sources of their inputs. Pure."""

from typing import Any

from orbiter.config.image_set import ImageSet, Stage
from orbiter.render.lists import artifact_folders
from orbiter.render.model import (
    LAYER_TIME,
    Plan,
    StagePlan,
    base_images,
    platform_slug_expression,
)

SEED_SUFFIX = "_seed"
"""The end of the name of a target that holds the unpacked packages a base starts from."""
ARTIFACTS_SEPARATOR = "_"
"""Between a stage and a folder in the name of a context: ``debian-core_apt``."""
SEED_FILE = ".tar.zst"
"""The end of the name of a seed. It is compressed, because BuildKit receives it from buildx."""
VARIABLES = ("ARTIFACTS", "BASES", "OUTPUT", "SEEDS")
EXPORTER = "type=oci,tar=false,compression=zstd,compression-level=0,oci-mediatypes=true"
"""The output of each image without its folder. Orbiter reads the layers and makes its own.

The fastest compression halves the time of the export, because BuildKit sends the layers through a
connection and computes their digests.
"""


def bake_file(plan: Plan) -> dict[str, Any]:
    """Return the content of ``docker-bake.json``. Its default group has the images."""
    stages = [stage_plan.stage for stage_plan in plan.stages]
    targets = {each.stage.name: _target(plan, each) for each in plan.stages}
    seeds = {
        stage.name + SEED_SUFFIX: _seed(plan, stage) for stage in stages if stage.kind == "base"
    }
    images = [stage.name for stage in stages if stage.kind == "final"]
    return {
        "variable": {name: {"default": ""} for name in VARIABLES},
        "group": {"default": {"targets": images}},
        "target": targets | seeds,
    }


def _target(plan: Plan, stage_plan: StagePlan) -> dict[str, Any]:
    stage = stage_plan.stage
    return {
        "context": stage.name,
        "contexts": {
            **artifact_contexts(plan, stage_plan),
            **_root_contexts(plan, stage),
            **{name: f"target:{name}" for name in (stage.parent, stage.build) if name},
        },
        "platforms": list(plan.image_set.platforms),
        # Without it, buildx would pass on the variable of the user's environment.
        "args": {"SOURCE_DATE_EPOCH": str(LAYER_TIME)},
        "tags": [tag(plan.image_set, stage.name)],
        # Attestations contain the time of the build.
        "attest": ["type=provenance,disabled=true", "type=sbom,disabled=true"],
        # buildx writes it only for the targets of a build, not for those that others start from.
        "output": [f"{EXPORTER},dest=${{OUTPUT}}/{stage.name}"],
    }


def artifact_contexts(plan: Plan, stage_plan: StagePlan) -> dict[str, str]:
    """Return a context for each folder of artifacts, with a name that no other stage has.

    BuildKit knows by this name which files it received before. With one name for several folders,
    it would receive all files again in each build.
    """
    name = stage_plan.stage.name
    folders = artifact_folders(stage_plan, plan.image_set.platforms)
    return {
        f"{name}{ARTIFACTS_SEPARATOR}{folder}": f"${{ARTIFACTS}}/{name}/{folder}"
        for folder in folders
    }


def _root_contexts(plan: Plan, stage: Stage) -> dict[str, str]:
    """Return the contexts that a stage without a parent starts from.

    Base images are OCI layouts in folders named after the hex digits of their digest.
    """
    if stage.kind == "base":
        return {"seed": f"target:{stage.name}{SEED_SUFFIX}"}
    contexts = {}
    for image in base_images(plan, stage):
        folder = image.digest.partition(":")[2]
        contexts[image.pinned] = f"oci-layout://${{BASES}}/{folder}@{image.digest}"
    return contexts


def _seed(plan: Plan, stage: Stage) -> dict[str, Any]:
    """Return the target with a base's unpacked packages: a tar per platform, written before."""
    platforms = plan.image_set.platforms
    arguments = "ARG TARGETOS TARGETARCH TARGETVARIANT\n" if len(platforms) > 1 else ""
    tar = f"{platform_slug_expression(platforms)}{SEED_FILE}"
    return {
        "context": f"${{SEEDS}}/{stage.name}",
        "dockerfile-inline": f"FROM scratch\n{arguments}ADD {tar} /\n",
        "platforms": list(platforms),
    }


def tag(image_set: ImageSet, stage: str) -> str:
    """Return the tag of a stage: ``dorgeln/orbiter:debian-base-0.1.0``."""
    return f"{image_set.repository}:{stage}-{image_set.version}"
