"""``docker buildx bake``: builds image archives from a definition that Orbiter made."""

import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from orbiter.docker.bake_definition import BASES, IMAGES, permissions
from orbiter.docker.bake_log import BakeLog
from orbiter.docker.buildx import buildx_version, docker_program
from orbiter.tasks import StartTask
from resolvers import process
from resolvers.errors import ProgramError
from resolvers.scratch import scratch_folder

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


class BuildOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Images to build, how to build them, and their destination.

    ``images`` are names of stages; empty for every image of the release. ``platforms`` is empty for
    every locked platform. ``builder`` names a buildx builder. ``output`` is a folder that keeps the
    image archives. ``cache_from`` and ``cache_to`` are cache specifications of buildx, in which
    ``{stage}`` stands for the stage's name. ``force`` pushes without checking the registry's tags.
    """

    images: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    builder: str = ""
    push: bool = False
    force: bool = False
    load: bool = True
    output: Path | None = None
    no_cache: bool = False
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()


class BuiltImage(msgspec.Struct, frozen=True, kw_only=True):
    """A built image.

    ``digest`` is that of its manifest, or of its index if it has several platforms. ``archive`` is
    the archive that bake wrote; ``file`` its copy in the output folder, if there is one.
    ``pushed`` says that this build pushed the image, not an earlier one.
    """

    stage: str
    platforms: tuple[str, ...]
    tag: str
    digest: str
    archive: Path
    file: Path | None = None
    pushed: bool = False


def run_bake(
    folder: Path, definition: Definition, options: BuildOptions, start_task: StartTask
) -> tuple[BuiltImage, ...]:
    """Build image archives below ``folder``, from a bound definition."""
    targets = _selected_targets(definition, options)
    (folder / IMAGES).mkdir(exist_ok=True)
    _run(folder, definition, list(targets), _settings(targets, options), options, start_task)
    return tuple(
        _built_image(name, target, folder / IMAGES, options) for name, target in targets.items()
    )


def push_from_builder(
    folder: Path, definition: Definition, options: BuildOptions, start_task: StartTask
) -> dict[str, str]:
    """Let the builder push the images that it just built; its cache has every step.

    Returns the pushed digest of each stage.
    """
    targets = _selected_targets(definition, options)
    # Every step comes from the cache of the build before, which was also exported then.
    cached_options = msgspec.structs.replace(options, no_cache=False, cache_to=())
    settings = _settings(targets, cached_options)
    for name, target in targets.items():
        # The other exporter options stay, because they decide the digest.
        output = ["type=image", "push=true", *_exporter_words(target)]
        settings += ["--set", f"{name}.output={','.join(output)}"]
    metadata = folder / "pushed.json"
    settings += ["--metadata-file", str(metadata)]
    _run(folder, definition, list(targets), settings, cached_options, start_task)
    results = json.loads(metadata.read_text())
    return {name: results[name]["containerimage.digest"] for name in targets if name in results}


def archive_digest(archive: Path) -> str:
    """Return the digest in the ``index.json`` of an image archive."""
    with tarfile.open(archive) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        return str(json.load(index)["manifests"][0]["digest"])


def keep_archives(images: Iterable[BuiltImage], folder: Path) -> tuple[BuiltImage, ...]:
    """Copy the archives of images to a folder, as ``<tag>.tar``."""
    # Copy, then rename: a killed run leaves no incomplete archive under the final name.
    with scratch_folder(folder, ".orbiter-new-", "name another folder in --output") as scratch:
        return tuple(
            msgspec.structs.replace(image, file=_keep(image, folder, scratch)) for image in images
        )


def _keep(image: BuiltImage, folder: Path, scratch: Path) -> Path:
    name = f"{image.tag.rpartition(':')[2]}.tar"
    shutil.copyfile(image.archive, scratch / name)
    return (scratch / name).replace(folder / name)


def _exporter_words(target: Mapping[str, Any]) -> list[str]:
    """Return the output options of a target, without the kind and place of the output."""
    words: list[str] = target["output"][0].split(",")
    return [word for word in words if not word.startswith(("type=", "dest="))]


def _selected_targets(definition: Definition, options: BuildOptions) -> dict[str, Any]:
    """Return the targets to build, by name."""
    targets = definition["target"]
    names = options.images or tuple(definition["group"]["default"]["targets"])
    return {name: targets[name] for name in dict.fromkeys(names)}


def _settings(targets: Mapping[str, Any], options: BuildOptions) -> list[str]:
    """Return the arguments of bake for these options."""
    settings = []
    if options.builder:
        settings += ["--builder", options.builder]
    if options.no_cache:
        settings.append("--no-cache")
    if options.platforms:
        settings += ["--set", f"*.platform={','.join(options.platforms)}"]
    for name in targets:
        settings += _cache_settings(name, "cache-from", options.cache_from)
        settings += _cache_settings(name, "cache-to", options.cache_to)
    return settings


def _cache_settings(target: str, key: str, specifications: Sequence[str]) -> list[str]:
    settings = []
    for specification in specifications:
        value = _absolute(specification.replace("{stage}", target))
        settings += ["--set", f"{target}.{key}={value}"]
    return settings


def cache_folders(options: BuildOptions, targets: Sequence[str]) -> list[Path]:
    """Return the folders of the user's local caches.

    For a folder that does not exist, buildx asks for its nearest parent that does.
    """
    found: set[Path] = set()
    for specification in (*options.cache_from, *options.cache_to):
        for name in targets:
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


def _run(
    folder: Path,
    definition: Definition,
    targets: Sequence[str],
    settings: Sequence[str],
    options: BuildOptions,
    start_task: StartTask,
) -> None:
    log = BakeLog(start_task, definition["target"], targets)
    # buildx may use the current folder without a permission, so it has nothing else in it.
    place = folder / "definition"
    place.mkdir(exist_ok=True)
    complete = with_substitutes(definition, folder)
    (place / BAKE_FILE).write_text(json.dumps(complete), encoding="utf-8")
    version = buildx_version()  # fails with a clear error if docker has no buildx
    caches = cache_folders(options, targets)
    command = [docker_program(), "buildx", "bake", "--file", BAKE_FILE, "--progress", "rawjson"]
    command += [*targets, *settings, *permissions(complete, caches, folder, version)]
    try:
        process.run(command, cwd=place, env=ENVIRONMENT, on_line=log)
    except ProgramError as error:
        raise log.failure() from error
    archives = (folder / IMAGES).glob("*.tar")
    log.finish({archive.stem: archive.stat().st_size for archive in archives})


def _built_image(
    name: str, target: Mapping[str, Any], archives: Path, options: BuildOptions
) -> BuiltImage:
    archive = archives / f"{name}.tar"
    return BuiltImage(
        stage=name,
        platforms=options.platforms or tuple(target["platforms"]),
        tag=target["tags"][0],
        digest=archive_digest(archive),
        archive=archive,
    )
