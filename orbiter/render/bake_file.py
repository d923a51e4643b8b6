"""The bake file of a build folder: the graph of stages, and where what they take comes from. Pure."""

from typing import Any

from orbiter.config.image_set import ImageSet, Stage
from orbiter.render.model import Plan, base_images, platform_folder

COMPRESSION = "compression=zstd,compression-level=19"
"""Of the layers that are built; part of the lock set, because the image digest hangs on it."""
SEED = "_seed"
"""Ends the name of the bake target that a base begins as: its packages, unpacked and not yet installed."""


def bake_file(plan: Plan) -> dict[str, Any]:
    """The content of ``docker-bake.json``; its default group are the images that users pull."""
    finals = [each.stage.name for each in plan.stages if each.stage.kind == "final"]
    return {
        "variable": {
            name: {"default": ""} for name in ("ARTIFACTS", "BASES", "LOCKSET", "OUTPUT", "SEEDS")
        },
        "group": {"default": {"targets": finals}},
        "target": {each.stage.name: _target(plan, each.stage) for each in plan.stages}
        | {
            each.stage.name + SEED: _seed(plan, each.stage)
            for each in plan.stages
            if each.stage.kind == "base"
        },
    }


def _target(plan: Plan, stage: Stage) -> dict[str, Any]:
    platforms = plan.image_set.platforms
    archive = (
        "oci" if len(platforms) > 1 else "docker"
    )  # the same bytes; every engine can load the latter
    return {
        "context": stage.name,
        "contexts": {
            "artifacts": f"${{ARTIFACTS}}/{stage.name}",
            **(
                {"seed": f"target:{stage.name}{SEED}"}
                if stage.kind == "base"
                else _layouts(plan, stage)
            ),
            **{name: f"target:{name}" for name in (stage.parent, stage.build) if name},
        },
        "platforms": list(platforms),
        "args": {"SOURCE_DATE_EPOCH": str(plan.epoch)},
        "labels": {
            "org.opencontainers.image.revision": "${LOCKSET}",
            "org.orbiter.lockset": "${LOCKSET}",
        },
        "tags": [tag_of(plan.image_set, stage.name)],
        "attest": ["type=provenance,disabled=true", "type=sbom,disabled=true"],
        "output": [
            f"type={archive},dest=${{OUTPUT}}/{stage.name}.tar,oci-mediatypes=true,{COMPRESSION}"
        ],
    }


def _seed(plan: Plan, stage: Stage) -> dict[str, Any]:
    """What a base begins as: a tar file for each platform that is made of its packages while building."""
    multi = "ARG TARGETOS TARGETARCH TARGETVARIANT\n" if len(plan.image_set.platforms) > 1 else ""
    return {
        "context": f"${{SEEDS}}/{stage.name}",
        "dockerfile-inline": f"FROM scratch\n{multi}ADD {platform_folder(plan.image_set.platforms)}.tar /\n",
        "platforms": list(plan.image_set.platforms),
    }


def _layouts(plan: Plan, stage: Stage) -> dict[str, str]:
    """Base images come out of the store as OCI layouts, each in a folder named by its digest's hex."""
    return {
        f"{reference}@{digest}": f"oci-layout://${{BASES}}/{digest.partition(':')[2]}@{digest}"
        for _, reference, digest in base_images(plan, stage)
    }


def tag_of(image_set: ImageSet, stage: str) -> str:
    """The tag of a stage: ``dorgeln/orbiter:debian-base-0.1.0``."""
    return f"{image_set.repository}:{stage}-{image_set.version}"
