"""Render a plan as the build folder of a lock set: files that people can review. Pure.

The folder is part of the lock set, so a newer Orbiter with newer templates still builds an old
release to the same bytes. Its texts contain no host, no path of a machine and no current time. The
folders of the inputs and of the results are bake variables: ``ARTIFACTS``, ``BASES``, ``SEEDS`` and
``OUTPUT``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import orbiter
from orbiter.config.own_template import TemplateMistakeError, check_template
from orbiter.lockset.model import digest
from orbiter.render.bake_file import bake_file
from orbiter.render.context import installed_managers, stage_context, strips
from orbiter.render.lists import stage_lists, to_json
from orbiter.render.model import Plan, StagePlan
from resolvers.errors import ExpectedError

DOCKERFILE = "Dockerfile.j2"
OWN = "own"

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = Path(orbiter.__file__).parent
TEMPLATES = (_PACKAGE / "templates", _PACKAGE.parent / "templates")
"""The folders of the templates: inside the package in a wheel, beside it in a checkout."""


def render(plan: Plan) -> dict[str, str]:
    """Return the files of the build folder: ``docker-bake.json`` and a folder for each stage."""
    files = {"docker-bake.json": to_json(bake_file(plan)), **render_commands(plan)}
    for stage_plan in plan.stages:
        folder = stage_plan.stage.name
        stage_files = {**stage_lists(plan, stage_plan), **stage_plan.files}
        files |= {f"{folder}/{name}": text for name, text in stage_files.items()}
    return files


def render_commands(plan: Plan) -> dict[str, str]:
    """Return the files of the build folder that contain commands: Dockerfiles and scripts."""
    templates = _templates(plan.template)
    files = {}
    for stage_plan in plan.stages:
        folder = stage_plan.stage.name
        files[f"{folder}/Dockerfile"] = _dockerfile(templates, plan, stage_plan)
        for name in script_names(plan, stage_plan):
            script = templates.get_template(f"image/{name.replace('-', '_')}").render()
            files[f"{folder}/{name}"] = script
    return files


def _dockerfile(templates: "Environment", plan: Plan, stage_plan: StagePlan) -> str:
    context = stage_context(plan, stage_plan)
    if context.wheel_cache:
        # The commands of the step and its time determine the bytes of the wheels too.
        names = ("args.j2", "install/pip.j2")
        texts = [templates.get_template(name).render(_variables(context)) for name in names]
        cache = digest("".join(texts)).removeprefix("sha256:")[:16]
        context = msgspec.structs.replace(context, wheel_cache=cache)
    return _rendered(templates, plan, context)


def _rendered(templates: "Environment", plan: Plan, context: msgspec.Struct) -> str:
    """Return the Dockerfile that Orbiter's template and the own one give. Raises ExpectedError."""
    if not plan.image_set.template:
        return templates.get_template(DOCKERFILE).render(_variables(context))
    from jinja2 import TemplateError

    source = plan.image_set.template.source
    try:
        check_template(plan.template)
        return templates.get_template(f"{OWN}/{DOCKERFILE}").render(_variables(context))
    except TemplateMistakeError as error:
        raise ExpectedError(f"{source}:{error.line}: {error.problem}", error.hint) from None
    except (TemplateError, TypeError, RecursionError) as error:
        hint = "correct the own template; the reference lists the blocks and values"
        raise ExpectedError(f"{source} cannot be rendered: {error}", hint) from None


def _variables(context: msgspec.Struct) -> dict[str, Any]:
    return msgspec.structs.asdict(context)


def script_names(plan: Plan, stage_plan: StagePlan) -> Iterator[str]:
    """Yield the programs that run in the steps of a stage, besides the installers."""
    if "apt" in installed_managers(stage_plan) and stage_plan.stage.kind != "base":
        yield "apt-normalize.sh"
    if stage_plan.stage.postbuild:
        yield "byte-code.py"
    if strips(plan.image_set, stage_plan.stage):
        yield "strip.sh"
    if not stage_plan.stage.requirements.get("conda"):
        return
    context = stage_context(plan, stage_plan)
    if context.installer == "rattler":
        yield "conda-install.py"
    if context.installer == "rattler" or context.has_conda_python:
        yield "conda-tidy.py"
    else:
        yield "conda-records.awk"


def _templates(own: str) -> "Environment":
    """Return the templates of Orbiter, also as orbiter/…, and the own one as own/Dockerfile.j2."""
    from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, PrefixLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    orbiters = FileSystemLoader(TEMPLATES)
    others = PrefixLoader({"orbiter": orbiters, OWN: DictLoader({DOCKERFILE: own})})
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader((orbiters, others)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # no HTML is rendered
    )
