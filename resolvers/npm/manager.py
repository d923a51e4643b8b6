"""npm: solved by npm itself; the lock files are npm's own, freed of addresses."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.npm import program
from resolvers.npm.lock_file import (
    LOCK,
    MANIFEST,
    NESTED,
    Entry,
    Tree,
    artifact,
    find,
    name_of,
    needs,
    package_name,
    packages,
    parse,
    reach,
    runs_on,
    write,
)
from resolvers.npm.program import Session
from resolvers.types import Artifact, Group, LockFiles, Package, Pin, Request, Target, sorted_union

REQUIREMENT = re.compile(
    r"(@[a-z0-9~_-][a-z0-9._~-]*/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]*(@(npm:[^:\s]+|[^:/]+))?"
)
"""A package of a registry, with a range, a tag or an alias (npm help package-spec)."""


def resolve(request: Request) -> LockFiles:
    """Solve with npm; ``{}`` when nothing is asked.

    Pins of the previous lock stay as long as they fit, were published by ``as_of`` and may not be upgraded.
    Raises UnsolvableError with npm's words; ExpectedError for packages from elsewhere than a registry.
    """
    groups = tuple(group for group in request.groups if group.requirements)
    if not groups:
        return {}
    manifest = _manifest(groups)
    previous = parse(request.previous).lock if LOCK in request.previous else {}
    known = {name for name, _ in _pins(previous)}
    moving = {name: wanted for name, wanted in request.upgrade.packages.items() if name in known}
    exact = {name: wanted for name, wanted in moving.items() if wanted}
    lock = (
        {}
        if request.upgrade.everything
        else _without(previous, lambda name, _version: name in moving)
    )
    held = frozenset({} if request.as_of else (name for name, _ in _pins(lock)))
    new = {name: wanted for name, wanted in manifest["dependencies"].items() if name not in held}
    with program.session(new, held, request.as_of) as session:
        lock = _without_late(session, request, manifest, lock) if lock and request.as_of else lock
        if (
            exact
        ):  # for a moment they are requirements, so that npm puts them where all can use them
            lock = _solve(
                session,
                request,
                manifest | {"dependencies": manifest["dependencies"] | exact},
                lock,
            )
        lock = _solve(session, request, manifest, lock)
    _check_versions(exact, lock)
    return {MANIFEST: write(manifest), LOCK: write(lock)}


def read(files: LockFiles) -> tuple[Package, ...]:
    """Read the locks: one package per name and version, whichever paths it lies at."""
    tree = parse(files)
    groups: dict[str, list[str]] = {path: [] for path in tree.entries}
    for group, names in sorted(tree.groups.items()):
        for path in reach(tree, names):
            groups[path].append(group)
    found: dict[tuple[str, str], list[Package]] = {}
    for path, entry in packages(tree):
        package = _package(tree, path, entry, tuple(groups[path]))
        found.setdefault((package.name, package.version), []).append(package)
    return tuple(_merged(same) for _, same in sorted(found.items()))


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """What the groups together install on the target; optional packages for other systems are left out."""
    tree = parse(files)

    def fits(path: str, entry: Entry) -> bool:
        if runs_on(entry, target):
            return True
        if entry.get("optional"):
            return False
        raise ExpectedError(
            f"{LOCK}: {package_name(path, entry)} {entry['version']} does not run on {target.platform}",
            "ask for another package, or leave out the platform",
        )

    pins = set()
    for path in reach(tree, _asked(tree, groups), fits):
        entry = tree.entries[path]
        if file := artifact(path, entry):
            pins.add(Pin(name=package_name(path, entry), version=entry["version"], artifact=file))
    return tuple(sorted(pins))


def stage_files(
    files: LockFiles, groups: tuple[str, ...], folder: str = "/artifacts/npm"
) -> LockFiles:
    """Both files for one stage: what its groups reach, to be had from tarballs in ``folder``.

    ``npm ci --offline --ignore-scripts`` installs from them and checks every tarball's integrity.
    """
    tree = parse(files)
    asked = _asked(tree, groups)
    wanted = {name: tree.manifest["dependencies"][name] for name in asked}
    manifest = {key: value for key, value in tree.manifest.items() if key != "orbiter"} | {
        "dependencies": wanted
    }
    reached = reach(tree, asked)
    entries = {"": tree.entries[""] | {"dependencies": wanted}}
    for path, entry in tree.entries.items():
        if path in reached:
            entries[path] = _local(entry, artifact(path, entry), folder)
    return {MANIFEST: write(manifest), LOCK: write(tree.lock | {"packages": entries})}


def _manifest(groups: tuple[Group, ...]) -> dict[str, Any]:
    """package.json: the requirements of all groups as one project; Orbiter's own key remembers the groups."""
    asked: dict[str, tuple[str, str]] = {}
    for group in groups:
        for requirement in group.requirements:
            name = _checked_name(requirement, group.name)
            wanted = requirement[len(name) + 1 :]
            first, where = asked.get(name, ("", ""))
            if first and wanted and first != wanted:
                raise ExpectedError(
                    f"npm: group '{where}' asks for {name}@{first}, group '{group.name}' for {requirement}",
                    "all stages of a builder share one tree of packages: ask for the same range",
                )
            asked[name] = (first, where) if first else (wanted, group.name)
    return {
        "name": "orbiter",
        "version": "0.0.0",
        "private": True,
        "dependencies": {name: asked[name][0] or "*" for name in sorted(asked)},
        "orbiter": {
            "groups": {group.name: sorted(set(group.requirements)) for group in _by_name(groups)}
        },
    }


def _by_name(groups: tuple[Group, ...]) -> list[Group]:
    return sorted(groups, key=lambda group: group.name)


def _checked_name(requirement: str, group: str) -> str:
    if not REQUIREMENT.fullmatch(requirement):
        raise ExpectedError(
            f"npm: '{requirement}' of group '{group}' is no requirement",
            "write a package's name, or name@range; packages come from a registry only",
        )
    return name_of(requirement)


def _solve(
    session: Session, request: Request, manifest: dict[str, Any], lock: dict[str, Any]
) -> dict[str, Any]:
    """What npm makes of both files, checked and canonical."""
    try:
        text = session.lock(write(manifest), write(lock) if lock else "")
    except UnsolvableError as error:
        named = [
            f"{requirement} of group '{group.name}'"
            for group in request.groups
            for requirement in group.requirements
            if name_of(requirement) in error.message
        ]
        raise UnsolvableError(
            f"npm cannot install {', '.join(named) or 'this'}\n{error.message}", error.hint
        ) from None
    solved = parse({LOCK: text}).lock
    for path, entry in solved["packages"].items():
        entry.pop("deprecated", None)  # the registry's word of today, which may change tomorrow
        if path:
            _check_entry(path, entry)
    return solved


def _check_entry(path: str, entry: Entry) -> None:
    if "resolved" in entry or entry.get("link"):
        raise ExpectedError(
            f"npm: {package_name(path, entry)} {entry.get('version', '')} ({path}) does not come from a registry",
            "ask for a version of it that a registry has; git, links and other addresses cannot be locked",
        )
    artifact(path, entry)


def _check_versions(exact: Mapping[str, str], lock: dict[str, Any]) -> None:
    pins = _pins(lock)
    for name, wanted in exact.items():
        if (name, wanted) not in pins:
            found = ", ".join(sorted(version for each, version in pins if each == name)) or "none"
            raise UnsolvableError(
                f"npm cannot install {name}@{wanted}: what is asked for allows {found}",
                "name a version that the requirements allow",
            )


def _without_late(
    session: Session, request: Request, manifest: dict[str, Any], lock: dict[str, Any]
) -> dict[str, Any]:
    """The lock without pins that were published after the cut-off, for npm itself would keep them."""
    assert request.as_of
    fresh = _pins(
        _solve(session, request, manifest, {})
    )  # all of it was there at the cut-off and needs no asking
    doubtful = _pins(lock) - fresh
    if doubtful:
        request.progress(f"npm: asking when {len(doubtful)} pinned packages were published")
    times = session.published({name for name, _ in doubtful})
    late = {
        (name, version)
        for name, version in doubtful
        if _is_late(times[name].get(version), request.as_of)
    }
    return _without(lock, lambda name, version: (name, version) in late)


def _is_late(published: str | None, as_of: datetime) -> bool:
    if published is None:
        return True
    moment = datetime.fromisoformat(published)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) > as_of


def _without(lock: dict[str, Any], goes: Callable[[str, str], bool]) -> dict[str, Any]:
    """The lock without some packages and without what lies below them; npm then fills the gaps."""
    entries = lock.get("packages", {})
    gone = [
        path
        for path, entry in entries.items()
        if path and goes(package_name(path, entry), entry["version"])
    ]
    inside = tuple(path + NESTED for path in gone)
    kept = {
        path: entry
        for path, entry in entries.items()
        if path not in gone and not path.startswith(inside)
    }
    return lock | {"packages": kept} if gone else lock


def _pins(lock: dict[str, Any]) -> set[tuple[str, str]]:
    """Names and versions of a lock of ours, in which every entry but the first is a package."""
    entries = lock.get("packages", {}).items()
    return {(package_name(path, entry), entry["version"]) for path, entry in entries if path}


def _asked(tree: Tree, groups: tuple[str, ...]) -> list[str]:
    return sorted({name for group in groups for name in tree.groups.get(group, ())})


def _local(entry: dict[str, Any], file: Artifact | None, folder: str) -> dict[str, Any]:
    """An entry whose tarball is to be had from a folder; the key stands where npm puts it."""
    if file is None:
        return entry
    head = {key: entry[key] for key in ("name", "version") if key in entry}
    return head | {"resolved": f"file:{folder}/{file.file}"} | entry


def _package(tree: Tree, path: str, entry: Entry, groups: tuple[str, ...]) -> Package:
    file = artifact(path, entry)
    targets = {target for name in needs(entry) if (target := find(tree.entries, path, name))}
    return Package(
        manager="npm",
        name=package_name(path, entry),
        version=entry["version"],
        groups=groups,
        requires=tuple(sorted({package_name(target, tree.entries[target]) for target in targets})),
        artifacts=(file,) if file else (),
    )


def _merged(same: list[Package]) -> Package:
    """One package that lies at several paths."""
    return replace(
        same[0],
        groups=sorted_union(each.groups for each in same),
        requires=sorted_union(each.requires for each in same),
        artifacts=tuple(sorted({file for each in same for file in each.artifacts})),
    )
