"""Install scripts of locked npm packages, which run only for packages that images.toml names."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from resolvers.errors import ProgramError
from resolvers.npm.lock_file import (
    PackageTree,
    installed_name,
    package_name,
    reachable_paths,
    runs_on,
)
from resolvers.npm.session import Session
from resolvers.types.request import Group, LockWarning, Target

EVENTS = ("preinstall", "install", "postinstall")
"""The scripts that npm runs when it installs a package (``npm help scripts``)."""
KEY = "npm-scripts"


class SkippedScript(msgspec.Struct, frozen=True, order=True):
    """A package whose install scripts do not run in some stages.

    ``name`` is the name under which npm installs it, which ``package`` differs from for an alias.
    """

    name: str
    package: str
    version: str
    stages: tuple[str, ...]


def skipped_scripts(
    tree: PackageTree, groups: Iterable[Group], targets: Iterable[Target]
) -> tuple[SkippedScript, ...]:
    """Return the packages with install scripts that no stage allows. Pure."""
    sources = {group.name: group.sources for group in groups}
    targets = tuple(targets)
    stages: dict[tuple[str, str, str], list[str]] = {}
    for group in groups:
        allowed = {name for stage in (group.name, *group.parents) for name in sources[stage]}
        for path in sorted(reachable_paths(tree, tree.groups[group.name])):
            entry = tree.entries[path]
            name = installed_name(path)
            runs = entry.get("hasInstallScript") and name not in allowed
            if runs and any(runs_on(entry, target) for target in targets):
                key = (name, package_name(path, entry), entry["version"])
                found = stages.setdefault(key, [])
                # One package may lie at several paths.
                found += [group.name] * (group.name not in found)
    return tuple(SkippedScript(*key, tuple(found)) for key, found in stages.items())


def warnings(session: Session, skipped: Iterable[SkippedScript]) -> tuple[LockWarning, ...]:
    """Return a warning for each package, with the scripts that the registry knows."""
    skipped = tuple(skipped)
    with ThreadPoolExecutor() as pool:
        scripts = pool.map(lambda each: _scripts(session, each), skipped)
        return tuple(_warning(each, found) for each, found in zip(skipped, scripts, strict=True))


def _scripts(session: Session, skipped: SkippedScript) -> Mapping[str, str]:
    """Return the install scripts of a package by event; empty if they are not known."""
    try:
        scripts = json.loads(
            session.view(f"{skipped.package}@{skipped.version}", "scripts") or "{}"
        )
    except (ProgramError, ValueError):
        return {}  # the warning does not depend on the text of the scripts
    return {event: scripts[event] for event in EVENTS if event in scripts}


def _warning(skipped: SkippedScript, scripts: Mapping[str, str]) -> LockWarning:
    text = "its install scripts will not run"
    if scripts:
        text += ": " + ", ".join(f'{event} "{script}"' for event, script in scripts.items())
    stages = " and ".join(skipped.stages)
    return LockWarning(
        f"{skipped.package} {skipped.version}",
        text,
        f'if the package does not work without them, add {KEY} = ["{skipped.name}"] to {stages}',
    )
