"""Lists of a stage for each platform: artifacts, packages and each manager's input."""

import json
from collections.abc import Iterable

from orbiter.render.model import Plan, StagePlan, platform_slug
from orbiter.store.artifact_list import LockedFile, format_list
from resolvers.types import Pin

FORMAT = 1
TOOL_OF = {"uv": "pip", "npm": "npm", "py-rattler": "pip", "micromamba": "conda"}
"""Which manager's index keeps an installer."""


def _lists(plan: Plan, stage_plan: StagePlan) -> dict[str, str]:
    """The lists of a stage for each platform: artifacts, packages, and what each manager reads."""
    files = {}
    for platform in plan.image_set.platforms:
        folder = platform_slug(platform)
        pins = stage_plan.pins.get(platform, {})
        files[f"artifacts-{folder}.txt"] = format_list(_entries(stage_plan, platform))
        files[f"packages-{folder}.json"] = _packages(plan, stage_plan, platform)
        for manager in ("apk", "apt", "conda"):
            if pins.get(manager):
                files[f"{manager}-{folder}.sha256"] = _sums(pins[manager])
        if pins.get("pip"):
            files |= _of_pip(stage_plan, pins["pip"], folder)
        for tool in stage_plan.tools.get(platform, ()):
            files[f"{tool.name}-{folder}.{_algorithm(tool)}"] = _sums((tool,))
    return files


def _of_pip(stage_plan: StagePlan, pins: Iterable[Pin], folder: str) -> dict[str, str]:
    """Wheels with their hashes; what is built has no known one, so its sdist is checked before."""
    wheels = [pin for pin in pins if pin.artifact.file.endswith(".whl")]
    sdists = [pin for pin in pins if pin not in wheels]
    files = {
        f"pip-{folder}.txt": "".join(
            sorted(_requirement(p) + f" --hash={p.artifact.hash}\n" for p in wheels)
        )
    }
    if "build-requirements.txt" in stage_plan.files:
        files[f"sdists-{folder}.sha256"] = _sums(sdists)
        files[f"sdists-{folder}.txt"] = "".join(sorted(f"{_requirement(pin)}\n" for pin in sdists))
    return files


def _requirement(pin: Pin) -> str:
    return f"{pin.name}=={pin.version}"


def _entries(stage_plan: StagePlan, platform: str) -> Iterable[LockedFile]:
    """Every file that the stage needs on a platform, once: what builds an sdist may be a package of its own too."""
    of_manager = [
        (manager, manager, pins) for manager, pins in stage_plan.pins.get(platform, {}).items()
    ]
    of_manager.append(("pip", "pip", stage_plan.build_pins.get(platform, ())))
    of_manager += [
        ("tools", TOOL_OF[tool.name], (tool,)) for tool in stage_plan.tools.get(platform, ())
    ]
    entries = (
        LockedFile(
            path=f"{place}/{pin.artifact.file}",
            hash=pin.artifact.hash,
            size=pin.artifact.size,
            source=f"{manager}:{pin.artifact.source}",
        )
        for place, manager, pins in of_manager
        for pin in pins
    )
    # Not every lock knows sizes; the entry that does comes last, and stays.
    return {(entry.path, entry.hash): entry for entry in sorted(entries)}.values()


def _packages(plan: Plan, stage_plan: StagePlan, platform: str) -> str:
    packages = [
        {"manager": manager, "name": name, "version": version}
        for manager, name, version in sorted(stage_plan.packages.get(platform, ()))
    ]
    return _json(
        {
            "format": FORMAT,
            "image": stage_plan.stage.name,
            "release": plan.release,
            "platform": platform,
            "packages": packages,
        }
    )


def _algorithm(pin: Pin) -> str:
    return pin.artifact.hash.partition(":")[0]


def _sums(pins: Iterable[Pin]) -> str:
    """What ``sha256sum --check`` reads."""
    lines = {f"{pin.artifact.hash.partition(':')[2]}  {pin.artifact.file}\n" for pin in pins}
    return "".join(sorted(lines, key=lambda line: line.partition("  ")[2]))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
