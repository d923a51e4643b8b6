"""From a plan to the build folder of a lock set: what Docker gets, readable and reviewed. Pure.

The folder is part of the lock set, so a newer Orbiter with newer templates still builds an old release to the
same bytes. Its texts hold no host, no path of a machine and no clock: where artifacts lie, and the root digest
of the lock set that they are a part of, come in as bake variables (``ARTIFACTS``, ``BASES``, ``SEEDS``,
``LOCKSET``, ``OUTPUT``).
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orbiter
from orbiter.config.builders import conda_settings, system_manager
from orbiter.config.image_set import Stage
from orbiter.lockset.model import digest
from orbiter.render.bake_file import COMPRESSION, bake_file
from orbiter.render.model import (
    LAYER_TIME,
    Plan,
    StagePlan,
    base_images,
    platform_folder,
    platform_slug,
)

if TYPE_CHECKING:
    from jinja2 import Environment

from orbiter.render.lists import _algorithm, _json, _lists

_PACKAGE = Path(orbiter.__file__).parent
TEMPLATES = (_PACKAGE / "templates", _PACKAGE.parent / "templates")
"""Folders of the templates: inside the package in a wheel, beside it in a checkout."""
ENV_PARTS = range(9)
"""The layers that /opt/env comes in without conda: packages by the sums of their names, all else in the last one."""


def render(plan: Plan) -> dict[str, str]:
    """The files of the build folder by path: ``docker-bake.json`` and one folder a stage."""
    templates = _templates()
    files = {"docker-bake.json": _json(bake_file(plan))}
    for stage_plan in plan.stages:
        scripts = {
            name: templates.get_template(f"image/{name.replace('-', '_')}").render()
            for name in _scripts(plan, stage_plan)
        }
        stage_files = {
            "Dockerfile": templates.get_template("Dockerfile.j2").render(
                _with_cache(templates, _context(plan, stage_plan))
            ),
            **scripts,
            **_lists(plan, stage_plan),
            **stage_plan.files,
        }
        files |= {f"{stage_plan.stage.name}/{name}": text for name, text in stage_files.items()}
    return files


def _scripts(plan: Plan, stage_plan: StagePlan) -> Iterator[str]:
    """The programs that a stage's conda packages are installed with, besides the installer."""
    if stage_plan.stage.requirements.get("conda"):
        yield "conda-tidy.py"
        if conda_settings(plan.image_set.builders[stage_plan.stage.builder]).installer == "rattler":
            yield "conda-install.py"


def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # no HTML is rendered
    )


def _context(plan: Plan, stage_plan: StagePlan) -> dict[str, Any]:
    stage, platforms = stage_plan.stage, plan.image_set.platforms
    made = bool(plan.image_set.builders[stage.builder].suite)
    network = "default" if stage.network else "none"
    folder = platform_folder(platforms)
    first = platforms[0]
    apt = stage_plan.pins.get(first, {}).get("apt", ())
    alpine = system_manager(stage.builder) == "apk"
    there = {found[:2] for found in stage_plan.packages.get(first, ())}
    conda = conda_settings(plan.image_set.builders[stage.builder])
    return {
        "stage": stage,
        "on_base": stage.kind != "base" and stage.parent in {"", stage.builder},
        "release": plan.release,
        "moment": LAYER_TIME,
        "compression": COMPRESSION,
        "parts": ENV_PARTS,
        "made": made,
        "alpine": alpine,
        "worlds": any(name.endswith(".world") for name in stage_plan.files),
        "new": _new(made=made, alpine=alpine),
        "shell": "sh" if alpine and ("apk", "bash") not in there else "bash",
        "user": plan.image_set.user,
        "froms": _froms(plan, stage),
        "folder": folder,
        "multi_platform": len(platforms) > 1,
        "managers": {
            manager for pins in stage_plan.pins.values() for manager, found in pins.items() if found
        },
        "brings_python": any(
            pin.name.startswith("libpython3") and pin.name.endswith("-stdlib") for pin in apt
        ),
        "network": network,
        "algorithm": {pin.name: _algorithm(pin) for pin in stage_plan.tools.get(first, ())},
        "compiles": "build-requirements.txt" in stage_plan.files,
        "toolchain": stage_plan.toolchain,
        "scripts": stage_plan.npm_scripts,
        "links": _links(stage_plan.files),
        "labels": _labels(plan, stage),
        "jupyterlab": not there.isdisjoint({("pip", "jupyterlab"), ("conda", "jupyterlab")}),
        "conda": any(manager == "conda" for manager, _ in there),
        "conda_python": ("conda", "python") in there,
        "installer": conda.installer,
        "keep_installer": conda.keep_installer,
    }


def _with_cache(templates: "Environment", context: dict[str, Any]) -> dict[str, Any]:
    """The context with the name of the cache for compiled wheels: what the step does decides their bytes too."""
    if not context["toolchain"]:
        return context
    step = templates.get_template("install/pip.j2").render(context)
    return {**context, "toolchain": digest(step).removeprefix("sha256:")[:16]}


def _new(*, made: bool, alpine: bool) -> str:
    """What ``find`` takes for a file that a step wrote; see begin.j2."""
    if alpine:
        return "-newer /tmp/began"
    return (
        f"'(' -newermt @{LAYER_TIME} -o ! -newermt @{LAYER_TIME - 1} ')'"
        if made
        else "-newermt $began"
    )


def _froms(plan: Plan, stage: Stage) -> list[dict[str, str]]:
    return [
        {
            "platform": platform,
            "folder": platform_slug(platform),
            "reference": f"{reference}@{digest}",
        }
        for platform, reference, digest in base_images(plan, stage)
    ]


def _labels(plan: Plan, stage: Stage) -> dict[str, str]:
    """What is known of the image before it is built, quoted; the root digest comes in while building."""
    created = datetime.fromtimestamp(plan.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "title": stage.name,
        "version": plan.release,
        "created": created,
        "source": plan.image_set.source,
        "authors": plan.image_set.maintainer,
    }
    found = {
        f"org.opencontainers.image.{key}": _quoted(value) for key, value in labels.items() if value
    }
    return {**found, "org.orbiter.hermetic": _quoted("true" if _hermetic(plan, stage) else "false")}


def _quoted(value: str) -> str:
    """A word of a Dockerfile in which nothing is expanded."""
    escaped = re.sub(r'([\\"$])', r"\\\1", " ".join(value.split()))
    return f'"{escaped}"'


def _hermetic(plan: Plan, stage: Stage) -> bool:
    """Whether neither the stage nor one that it was made of had the network."""
    by_name = {each.stage.name: each.stage for each in plan.stages}
    made_of = [by_name[name] for name in (stage.parent, stage.build) if name]
    return not stage.network and all(_hermetic(plan, each) for each in made_of)


def _links(files: Mapping[str, str]) -> list[dict[str, str]]:
    """The programs of the npm packages that were asked for, as links in /opt/env/bin."""
    if "package-lock.json" not in files:
        return []
    packages = json.loads(files["package-lock.json"])["packages"]
    direct = sorted(packages.get("", {}).get("dependencies", {}))
    return [
        {"name": name, "target": f"../lib/npm/node_modules/{package}/{path.removeprefix('./')}"}
        for package in direct
        for name, path in sorted(packages[f"node_modules/{package}"].get("bin", {}).items())
    ]
