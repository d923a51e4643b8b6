"""``docker buildx bake`` on the build folder of a lock set, into image archives."""

import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from orbiter.docker.bake_log import BakeLog
from orbiter.tasks import ReportLine
from resolvers import process
from resolvers.errors import ExpectedError, ProgramError

Begin = Callable[[str], ReportLine]
"""Starts a task for people and gives the function that takes its lines."""
BASES = "bases"
"""The folder beside ``build/`` with the base images."""
SEEDS = "seeds"
"""The folder beside ``build/`` with what bases begin as: ``<stage>/<platform>.tar``."""
IMAGES = "images"
"""The folder beside ``build/`` that the archives are written to."""
DOCKER = "install Docker Engine with buildx and start it; 'docker info' must work for this user"
SWITCHES = {
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # they hold the time of the build
    "BUILDX_NO_DEFAULT_LOAD": "1",  # else build stages would be loaded too
    "BUILDX_BAKE_ENTITLEMENTS_FS": "0",  # newer buildx would ask whether it may read what Orbiter laid out
}


class BuildOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is built and where it goes.

    ``images`` are names of stages, empty for every image of the release; ``platforms`` empty for all that are
    locked. ``builder`` is a buildx builder. ``output`` is a folder that keeps the image archives. In
    ``cache_from`` and ``cache_to``, which are those of buildx, ``{stage}`` stands for the stage's name. ``force``
    pushes whatever the tags name in the registry.
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
    """An image that was built: ``digest`` is that of its manifest (of its index, for several platforms).

    ``archive`` is where its archive was while building, ``file`` where it is kept, if it is. ``pushed`` says that it
    was pushed now; the registry may have had it before.
    """

    stage: str
    platforms: tuple[str, ...]
    tag: str
    digest: str
    archive: Path
    file: Path | None = None
    pushed: bool = False


def run_bake(place: Path, root: str, options: BuildOptions, begin: Begin) -> tuple[BuiltImage, ...]:
    """Build into archives under ``place``; arguments as of ``engine.build``."""
    buildx_version()  # without it docker's own message is of an unknown flag
    targets = _targets(place, options)
    (place / IMAGES).mkdir(exist_ok=True)
    _run(place, root, list(targets), _settings(targets, options), begin)
    return tuple(_built(name, target, place / IMAGES, options) for name, target in targets.items())


def can_push(builder: str) -> bool:
    """Whether a builder pushes by itself: the engine's own cannot push what it built repeatably."""
    return "docker" not in inspect_builder(builder).get("driver", ())


def inspect_builder(builder: str) -> dict[str, tuple[str, ...]]:
    """What buildx tells of a builder, by lower-case key; several values where it has several machines."""
    command = [process.find("docker", DOCKER), "buildx", "inspect", *([builder] if builder else [])]
    found: dict[str, dict[str, None]] = {}
    for line in process.run(command, name="docker buildx inspect").splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip().lower(), {})[value.strip()] = None
    return {key: tuple(values) for key, values in found.items()}


def buildx_version() -> str:
    """The version of buildx, without what a packager adds before it; raises ExpectedError where there is none."""
    try:
        told = process.run(
            [process.find("docker", DOCKER), "buildx", "version"], name="docker buildx version"
        )
    except ProgramError as error:
        raise ExpectedError(f"docker has no buildx: {error.message}", DOCKER) from error
    return told.split()[1].removeprefix("v")


def exporter_options(text: str) -> dict[str, str]:
    """The exporter options of a bake file's images that decide their digests; ``text`` is the file's."""
    outputs = [
        target["output"][0].split(",")
        for target in json.loads(text)["target"].values()
        if "tags" in target
    ]
    pairs = (word.partition("=") for words in outputs for word in words)
    return {key: value for key, _, value in pairs if key not in {"type", "dest"}}


def push_from_builder(
    place: Path, root: str, options: BuildOptions, begin: Begin
) -> dict[str, str]:
    """Let the builder push what it just built: the same steps out of its cache, into the registry.

    Gives the digest that each stage was pushed under.
    """
    targets = _targets(place, options)
    settings = _settings(targets, msgspec.structs.replace(options, no_cache=False, cache_to=()))
    for name, target in targets.items():
        kept = [
            word
            for word in target["output"][0].split(",")
            if not word.startswith(("type=", "dest="))
        ]
        settings += ["--set", f"{name}.output={','.join(['type=image', 'push=true', *kept])}"]
    told = place / "pushed.json"
    _run(place, root, list(targets), [*settings, "--metadata-file", str(told)], begin)
    return {
        name: each["containerimage.digest"]
        for name, each in json.loads(told.read_text()).items()
        if name in targets
    }


def _targets(place: Path, options: BuildOptions) -> dict[str, Any]:
    """The targets to build by name, as the bake file has them."""
    file = _bake_file(place)
    names = options.images or tuple(file["group"]["default"]["targets"])
    images = {name: target for name, target in file["target"].items() if "tags" in target}
    for name in names:
        if name not in images:
            raise ExpectedError(
                f"the release has no image '{name}'", f"it has {', '.join(sorted(images))}"
            )
    return {name: images[name] for name in dict.fromkeys(names)}


def _bake_file(place: Path) -> dict[str, Any]:
    content = (place / "build" / "docker-bake.json").read_text(encoding="utf-8")
    return dict(json.loads(content))


def _settings(targets: Mapping[str, Any], options: BuildOptions) -> list[str]:
    words = ["--builder", options.builder] if options.builder else []
    words += ["--no-cache"] if options.no_cache else []
    if options.platforms:
        words += ["--set", f"*.platform={','.join(options.platforms)}"]
    for name in targets:
        for key, specs in (("cache-from", options.cache_from), ("cache-to", options.cache_to)):
            for spec in specs:
                words += ["--set", f"{name}.{key}={_anchored(spec.replace('{stage}', name))}"]
    return words


def _anchored(spec: str) -> str:
    """A cache's specification with its folder made absolute: bake runs elsewhere than the user."""
    return re.sub(
        r"(^|,)(src|dest)=([^,]+)", lambda m: f"{m[1]}{m[2]}={Path(m[3]).absolute()}", spec
    )


def _stand_ins(place: Path) -> list[str]:
    """Settings for base images that are not there, because their platform is not built.

    BuildKit looks at every base image that a Dockerfile names, also at those that it does not use, so another
    one stands in for them.
    """
    file = _bake_file(place)
    there = min((path.name for path in (place / BASES).glob("*")), default="")
    return [
        word
        for name, target in file["target"].items()
        for reference, layout in target.get("contexts", {}).items()
        if layout.startswith("oci-layout:")
        and not (place / BASES / layout.rpartition(":")[2]).exists()
        for word in (
            "--set",
            f"{name}.contexts.{reference}=oci-layout://{place / BASES / there}@sha256:{there}",
        )
    ]


def _run(
    place: Path, root: str, targets: Sequence[str], settings: Sequence[str], begin: Begin
) -> None:
    log = BakeLog(begin, _bake_file(place)["target"], targets)
    command = [process.find("docker", DOCKER), "buildx", "bake", "--file", "docker-bake.json"]
    command += ["--progress", "plain", *targets, *settings, *_stand_ins(place)]
    variables = {
        "ARTIFACTS": str(place / "artifacts"),
        "BASES": str(place / BASES),
        "SEEDS": str(place / SEEDS),
        "OUTPUT": str(place / IMAGES),
        "LOCKSET": root,
    }
    try:
        process.run(command, cwd=place / "build", env={**SWITCHES, **variables}, on_line=log)
    except ProgramError as error:
        raise log.failure(error.output) from error
    log.finish()


def _built(name: str, target: Mapping[str, Any], output: Path, options: BuildOptions) -> BuiltImage:
    tag = target["tags"][0]
    archive = output / f"{name}.tar"
    return BuiltImage(
        stage=name,
        platforms=options.platforms or tuple(target["platforms"]),
        tag=tag,
        digest=archive_digest(archive),
        archive=archive,
    )


def archive_digest(archive: Path) -> str:
    """The digest that an image archive's ``index.json`` names."""
    with tarfile.open(archive) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        return str(json.load(index)["manifests"][0]["digest"])


def keep_archives(images: Iterable[BuiltImage], folder: Path) -> tuple[BuiltImage, ...]:
    """Copy the archives of images to a folder, named by their tags."""
    return tuple(
        msgspec.structs.replace(
            image, file=_keep(image.archive, folder, image.tag.rpartition(":")[2])
        )
        for image in images
    )


def _keep(archive: Path, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    kept, part = folder / f"{name}.tar", folder / f".{name}.tar.part-{os.getpid()}"
    try:
        shutil.copyfile(archive, part)
        part.replace(kept)
    finally:
        part.unlink(missing_ok=True)
    return kept
