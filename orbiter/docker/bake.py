"""``docker buildx bake``: builds images from a definition that Orbiter made."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from orbiter.docker.bake_definition import BASES, IMAGES, permissions
from orbiter.docker.bake_log import BakeLog
from orbiter.docker.buildx import buildx_version, docker_program
from orbiter.tasks import StartTask
from resolvers import process
from resolvers.errors import ProgramError

BAKE_FILE = "docker-bake.json"
LOCAL_CACHE = re.compile(r"(^|,)(src|dest)=([^,]+)")
Definition = Mapping[str, Any]
"""The content of a bake file whose variables are replaced; see ``bake_definition.bound``."""
ENVIRONMENT = {
    # Attestations hold the time of the build, which would change the digest.
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    # Otherwise buildx loads the build stages into the engine too.
    "BUILDX_NO_DEFAULT_LOAD": "1",
    # The user's environment may have turned the permissions for folders off.
    "BUILDX_BAKE_ENTITLEMENTS_FS": "1",
}


class BakeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a run of bake.

    ``targets`` are the names of the images to build. ``platforms`` is empty for all of a target.
    ``builder`` names a buildx builder. ``cache_from`` and ``cache_to`` are cache specifications of
    buildx, in which ``{stage}`` stands for the name of a target.
    """

    targets: tuple[str, ...]
    platforms: tuple[str, ...] = ()
    builder: str = ""
    no_cache: bool = False
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()


def run_bake(
    folder: Path, definition: Definition, options: BakeOptions, start_task: StartTask
) -> None:
    """Build the targets from a bound definition; their results are layouts in ``images/<target>``.

    Raises ExpectedError with the last lines of a failed step.
    """
    (folder / IMAGES).mkdir(exist_ok=True)
    log = BakeLog(start_task, definition["target"], options.targets)
    # buildx may use the current folder without a permission, so it has nothing else in it.
    place = folder / "definition"
    place.mkdir(exist_ok=True)
    complete = with_substitutes(definition, folder)
    (place / BAKE_FILE).write_text(json.dumps(complete), encoding="utf-8")
    version = buildx_version()  # fails with a clear error if docker has no buildx
    caches = cache_folders(options)
    command = [docker_program(), "buildx", "bake", "--file", BAKE_FILE, "--progress", "rawjson"]
    command += [*options.targets, *_settings(options)]
    command += permissions(complete, caches, folder, version)
    try:
        process.run(command, cwd=place, env=ENVIRONMENT, on_line=log)
    except ProgramError as error:
        raise log.failure() from error
    log.finish()


def _settings(options: BakeOptions) -> list[str]:
    """Return the arguments of bake for these options."""
    settings = []
    if options.builder:
        settings += ["--builder", options.builder]
    if options.no_cache:
        settings.append("--no-cache")
    if options.platforms:
        settings += ["--set", f"*.platform={','.join(options.platforms)}"]
    for name in options.targets:
        settings += _cache_settings(name, "cache-from", options.cache_from)
        settings += _cache_settings(name, "cache-to", options.cache_to)
    return settings


def _cache_settings(target: str, key: str, specifications: Sequence[str]) -> list[str]:
    settings = []
    for specification in specifications:
        value = _absolute(specification.replace("{stage}", target))
        settings += ["--set", f"{target}.{key}={value}"]
    return settings


def cache_folders(options: BakeOptions) -> list[Path]:
    """Return the folders of the user's local caches.

    For a folder that does not exist, buildx asks for its nearest parent that does.
    """
    found: set[Path] = set()
    for specification in (*options.cache_from, *options.cache_to):
        for name in options.targets:
            text = _absolute(specification.replace("{stage}", name))
            found.update(Path(match[3]) for match in LOCAL_CACHE.finditer(text))
    return sorted({next(filter(Path.exists, (path, *path.parents))) for path in found})


def _absolute(specification: str) -> str:
    """Make the folders of a cache specification absolute: bake runs in another folder."""
    return LOCAL_CACHE.sub(
        lambda match: f"{match[1]}{match[2]}={Path(match[3]).absolute()}",
        specification,
    )


def with_substitutes(definition: Definition, folder: Path) -> dict[str, Any]:
    """Return a definition whose missing base images, whose platform is not built, are others.

    BuildKit reads every base image that a Dockerfile names, even the unused ones.
    """
    bases = folder / BASES
    substitute = min((path.name for path in bases.glob("*")), default="")
    address = f"oci-layout://{bases / substitute}@sha256:{substitute}"
    targets = {}
    for name, target in definition["target"].items():
        contexts = dict(target.get("contexts", {}))
        for reference, layout in contexts.items():
            is_base = layout.startswith("oci-layout:")
            if is_base and not (bases / layout.rpartition(":")[2]).exists():
                contexts[reference] = address
        targets[name] = {**target, "contexts": contexts}
    return {**definition, "target": targets}
