"""The lists of a stage for each platform: artifacts, packages and the inputs of each manager."""

import json
from collections.abc import Iterable, Iterator

from orbiter.config.builders import overwrites
from orbiter.config.requirements import package_name
from orbiter.render import own_files
from orbiter.render.downloads import download_artifacts, download_list, list_name
from orbiter.render.model import Plan, StagePlan, platform_slug
from orbiter.store.artifact_list import LockedFile, format_list, listed_source
from resolvers.conda.address import is_address
from resolvers.types.packages import Pin

FORMAT = 1
TOOLS = "tools"
"""The folder of installers among the artifacts of a stage."""
INSTALLER_MANAGERS = {"uv": "pip", "npm": "npm", "py-rattler": "pip", "micromamba": "conda"}
"""The manager whose index has an installer, by the installer's name."""


def stage_lists(plan: Plan, stage_plan: StagePlan) -> dict[str, str]:
    """Return the lists of a stage by file name."""
    files = own_files.own_file_list(plan, stage_plan.stage)
    for platform in plan.image_set.platforms:
        slug = platform_slug(platform)
        pins = stage_plan.pins.get(platform, {})
        files[f"artifacts-{slug}.txt"] = format_list(_artifacts(stage_plan, platform))
        files[f"packages-{slug}.json"] = _packages(plan, stage_plan, platform)
        if downloads := stage_plan.downloads.get(platform):
            files[list_name(slug)] = download_list(downloads, plan.image_set.user)
        for manager in ("apk", "apt", "conda"):
            if pins.get(manager):
                files[f"{manager}-{slug}.sha256"] = _checksums(pins[manager])
        if pins.get("pip"):
            files |= _pip_lists(stage_plan, pins["pip"], slug)
        if pins.get("conda"):
            requested = stage_plan.stage.requirements["conda"]
            files["conda-requested.txt"] = _lines(map(without_address, requested))
        if overwriting(plan, stage_plan, "conda"):
            files[f"conda-overwrites-{slug}.txt"] = _conda_overwrites(plan, stage_plan, platform)
        for tool in stage_plan.tools.get(platform, ()):
            files[f"{tool.name}-{slug}.{hash_algorithm(tool)}"] = _checksums((tool,))
    return files


def overwriting(plan: Plan, stage_plan: StagePlan, manager: str) -> tuple[str, ...]:
    """Return the packages of the stage whose files replace those of others, the last one wins."""
    builder = plan.image_set.builders[stage_plan.stage.builder]
    own: set[str] = set()
    for pins in stage_plan.pins.values():
        own.update(pin.name for pin in pins.get(manager, ()))
    return tuple(name for name in overwrites(builder).get(manager, ()) if name in own)


def _conda_overwrites(plan: Plan, stage_plan: StagePlan, platform: str) -> str:
    """Return the files of the conda packages that are installed after all others, in order."""
    pins = {pin.name: pin for pin in stage_plan.pins[platform].get("conda", ())}
    names = overwriting(plan, stage_plan, "conda")
    return _lines(pins[name].artifact.file for name in names if name in pins)


def without_address(requirement: str) -> str:
    """Return a conda requirement as the records in an image have it: a name for an address."""
    return package_name("conda", requirement) if is_address(requirement) else requirement


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def _pip_lists(stage_plan: StagePlan, pins: Iterable[Pin], slug: str) -> dict[str, str]:
    """Return the lists of wheels and of sdists.

    The hash of a wheel that is built here is not known, so its sdist is verified before the build.
    """
    wheels: list[str] = []
    sdists: list[str] = []
    sdist_pins: list[Pin] = []
    for pin in pins:
        requirement = f"{pin.name}=={pin.version}"
        if pin.artifact.file.endswith(".whl"):
            wheels.append(f"{requirement} --hash={pin.artifact.hash}\n")
        else:
            sdists.append(f"{requirement}\n")
            sdist_pins.append(pin)
    files = {f"pip-{slug}.txt": "".join(sorted(wheels))}
    if "build-requirements.txt" in stage_plan.files:
        files[f"sdists-{slug}.sha256"] = _checksums(sdist_pins)
        files[f"sdists-{slug}.txt"] = "".join(sorted(sdists))
    return files


def _artifacts(stage_plan: StagePlan, platform: str) -> Iterable[LockedFile]:
    """Return each file that the stage needs on a platform once.

    A wheel that builds an sdist may be a package of the stage too.
    """
    files: dict[tuple[str, str], LockedFile] = {}
    for file in sorted(_all_artifacts(stage_plan, platform)):
        # Not every lock has sizes. Of two entries, the one with a size sorts last and is kept.
        files[file.path, file.hash] = file
    return files.values()


def artifact_folders(stage_plan: StagePlan, platforms: Iterable[str]) -> tuple[str, ...]:
    """Return the folders of the artifacts that a stage needs: ``apt``, ``npm``, ``tools``."""
    files = (file for platform in platforms for file in _all_artifacts(stage_plan, platform))
    return tuple(sorted({file.path.partition("/")[0] for file in files}))


def _all_artifacts(stage_plan: StagePlan, platform: str) -> Iterator[LockedFile]:
    for manager, pins in stage_plan.pins.get(platform, {}).items():
        for pin in pins:
            yield _locked_file(pin, manager, manager)
    for pin in stage_plan.build_pins.get(platform, ()):
        yield _locked_file(pin, "pip", "pip")
    yield from download_artifacts(stage_plan.downloads.get(platform, ()))
    yield from own_files.stored_files(stage_plan.stage)
    for tool in stage_plan.tools.get(platform, ()):
        yield _locked_file(tool, TOOLS, INSTALLER_MANAGERS[tool.name])


def _locked_file(pin: Pin, folder: str, manager: str) -> LockedFile:
    return LockedFile(
        path=f"{folder}/{pin.artifact.file}",
        hash=pin.artifact.hash,
        size=pin.artifact.size,
        source=listed_source(manager, pin.artifact.source),
    )


def _packages(plan: Plan, stage_plan: StagePlan, platform: str) -> str:
    packages = [
        {"manager": manager, "name": name, "version": version}
        for manager, name, version in sorted(stage_plan.packages.get(platform, ()))
    ]
    return to_json(
        {
            "format": FORMAT,
            "image": stage_plan.stage.name,
            "release": plan.release,
            "platform": platform,
            "packages": packages,
        }
    )


def hash_algorithm(pin: Pin) -> str:
    """Return the algorithm of a pin's hash: ``sha256`` or ``sha512``."""
    return pin.artifact.hash.partition(":")[0]


def _checksums(pins: Iterable[Pin]) -> str:
    """Return the input of ``sha256sum --check``, sorted by file."""
    checksums = set()
    for pin in pins:
        digest = pin.artifact.hash.partition(":")[2]
        checksums.add((pin.artifact.file, digest))
    return "".join(f"{digest}  {file}\n" for file, digest in sorted(checksums))


def to_json(value: object) -> str:
    """Return the canonical JSON text of a value."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
