"""Warnings about Python modules of Debian and Alpine, which ``/opt/env`` does not import. Pure."""

from collections.abc import Iterator

from orbiter.config.builders import system_manager
from orbiter.config.image_set import ImageSet
from orbiter.config.requirements import package_name
from orbiter.config.stage_graph import stages_with
from orbiter.locking.base_facts import system_stages
from resolvers.types.request import LockWarning

PREFIXES = {"apt": "python3-", "apk": "py3-"}
"""The beginning of the names of packages with Python modules, by manager."""
NO_MODULES = frozenset(
    {
        *("python3-all", "python3-all-dev", "python3-dbg", "python3-dev", "python3-doc"),
        *("python3-examples", "python3-full", "python3-minimal", "python3-venv"),
        # Parts of the standard library, which virtual environments share.
        *("python3-distutils", "python3-gdbm", "python3-lib2to3", "python3-tk"),
    }
)


def system_module_warnings(image_set: ImageSet, builder: str) -> tuple[LockWarning, ...]:
    """Return a warning for each module that a stage requires next to packages of pip or conda."""
    stages: dict[str, list[str]] = {}
    for name, stage in _modules(image_set, builder):
        found = stages.setdefault(name, [])
        if stage not in found:
            found.append(stage)
    return tuple(_warning(name, found) for name, found in stages.items())


def _modules(image_set: ImageSet, builder: str) -> Iterator[tuple[str, str]]:
    """Yield each required module, and the stage whose ``/opt/env`` does not import it."""
    manager = system_manager(builder)
    for environment in ("pip", "conda"):
        for stage in stages_with(image_set, builder, environment):
            lineage = system_stages(image_set, stage)
            for other in image_set.stages:
                if other.name not in lineage:
                    continue
                for requirement in other.requirements.get(manager, ()):
                    name = package_name(manager, requirement)
                    if name.startswith(PREFIXES[manager]) and name not in NO_MODULES:
                        yield name, stage.name


def _warning(name: str, stages: list[str]) -> LockWarning:
    return LockWarning(
        name,
        f"Python in /opt/env cannot import this module; concerns {', '.join(sorted(stages))}",
        "add the Python package to a pip or conda list, unless only /usr/bin/python3 needs it",
    )
