"""The bake definition of one build, and the permissions that it needs. Pure.

The definition comes from Orbiter's own data, never from a file of a lock set. It has no variables,
so buildx reads nothing from the environment. buildx may use only the folders named here.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BASES = "bases"
"""Folder of the base images, as OCI layouts: ``<hex>/``."""
SEEDS = "seeds"
"""Folder of the seeds of Debian bases: ``<stage>/<platform>.tar.zst``."""
IMAGES = "images"
"""Folder for the OCI layouts that bake writes: ``<target>/``."""
ARTIFACTS = "artifacts"
"""Folder of the artifacts: ``<stage>/<folder>/<platform>/``; see ``artifact_place``."""
BUILD = "build"
"""Folder with the Dockerfile and the lists of each stage."""

VARIABLE = re.compile(r"\$\{(ARTIFACTS|BASES|OUTPUT|SEEDS)\}")
TEMPLATE = re.compile(r"([$%])\{")
"""The start of an expression that bake would evaluate; the sign doubled, it stays as it is."""
FOLDER_PERMISSIONS = (0, 19)
"""The first version of buildx with permissions for folders."""


def artifact_place(stage_folder: Path, slug: str, path: str) -> Path:
    """Return the place of an artifact among those of its stage.

    ``slug`` stands for the platform. ``apt/curl.deb`` is at ``apt/linux-amd64/curl.deb``, because
    each folder is a context.
    """
    folder, _, name = path.partition("/")
    return stage_folder / folder / slug / name


def bound(definition: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a definition with the folders of a build."""
    values = {
        "ARTIFACTS": str(folder / ARTIFACTS),
        "BASES": str(folder / BASES),
        "OUTPUT": str(folder / IMAGES),
        "SEEDS": str(folder / SEEDS),
    }
    targets = {}
    for name, target in definition["target"].items():
        # The context of a stage is its folder; that of a seed is a variable.
        context = target["context"]
        if not context.startswith("${"):
            context = str(folder / BUILD / context)
        targets[name] = {**target, "context": context}
    filled: dict[str, Any] = _filled({"group": definition["group"], "target": targets}, values)
    return filled


def permissions(
    definition: Mapping[str, Any], caches: Iterable[Path], folder: Path, version: str
) -> list[str]:
    """Return the arguments that let buildx use the folders of a bound definition, and no others.

    ``caches`` are the folders of the user's caches. Older versions of buildx have no permissions,
    and no arguments for them either.
    """
    if version_numbers(version) < FOLDER_PERMISSIONS:
        return []
    readable: set[str] = set()
    for target in definition["target"].values():
        contexts = (target["context"], *target.get("contexts", {}).values())
        for context in contexts:
            if not context.startswith("target:"):
                place = context.removeprefix("oci-layout://").partition("@")[0]
                readable.add(place)
    arguments = [f"fs.read={place}" for place in sorted(readable)]
    arguments.append(f"fs.write={folder / IMAGES}")
    arguments += [f"fs={cache}" for cache in caches]
    return [word for argument in arguments for word in ("--allow", argument)]


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """Return a JSON value with variables replaced and all other expressions escaped."""
    if isinstance(value, dict):
        return {_text(key, values): _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    return _text(value, values) if isinstance(value, str) else value


def _text(text: str, values: Mapping[str, str]) -> str:
    # The odd parts are names of variables.
    parts = VARIABLE.split(text)
    filled = [values[part] if index % 2 else part for index, part in enumerate(parts)]
    return TEMPLATE.sub(r"\1\1{", "".join(filled))


def version_numbers(text: str) -> tuple[int, ...]:
    """Return a version such as ``0.13.1+ds1`` as numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])
