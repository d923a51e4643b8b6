"""The manager npm: solved by npm itself; the lock files are npm's own, without addresses."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.npm import pins
from resolvers.npm.address import git_commit, is_address
from resolvers.npm.advice import deprecations
from resolvers.npm.lock_file import (
    LOCK,
    MANIFEST,
    JsonObject,
    LockEntry,
    PackageTree,
    artifact,
    find,
    installed_name,
    package_name,
    parse,
    reachable_paths,
    registry_packages,
    required_names,
    runs_on,
    to_json,
)
from resolvers.npm.manifest import changed_overrides, manifest, without_references
from resolvers.types.packages import Artifact, LockFiles, Package, Pin, sorted_union
from resolvers.types.request import Request, Target

if TYPE_CHECKING:
    from resolvers.npm.solve import Solve


def resolve(request: Request) -> LockFiles:
    """Solve with npm; return {} if nothing is required.

    Keeps the pins of the previous lock that still fit, were published by ``as_of`` and should not
    be upgraded. Raises UnsolvableError with npm's explanation, and ExpectedError for packages that
    do not come from a registry.
    """
    # Slow to import, and not needed for reading a lock.
    from resolvers.npm import install_scripts
    from resolvers.npm.direct import direct_packages, without_direct
    from resolvers.npm.session import open_session
    from resolvers.npm.solve import Solve

    groups = tuple(group for group in request.groups if group.requirements)
    if not groups:
        return {}
    package_json = manifest(groups, request.npm.overrides)
    previous = parse(request.previous) if LOCK in request.previous else None
    direct = direct_packages(request, package_json, previous)
    start, exact = _starting_point(request, package_json, previous)
    known = frozenset(pins.names(start))
    if request.as_of:
        known = frozenset()  # npm must look up when the pinned packages were published
    dependencies = without_direct(package_json["dependencies"], direct)
    new = {name: dependencies[name] for name in dependencies if name not in known}
    with open_session(new, known, request.as_of, request.npm.registries) as session:
        solve = Solve(session, request, package_json, direct, deprecated={})
        lock = _solved(solve, start, exact)
        files = {MANIFEST: to_json(package_json), LOCK: to_json(lock)}
        skipped = install_scripts.skipped_scripts(parse(files), groups, request.targets)
        for warning in install_scripts.warnings(session, skipped):
            request.warn(warning)
        for warning in deprecations(request, lock, solve.deprecated):
            request.warn(warning)
    return files


def _solved(solve: "Solve", start: JsonObject, exact: Mapping[str, str]) -> JsonObject:
    """Return the lock that npm makes from a starting point, with the exact versions."""
    as_of = solve.request.as_of
    if start and as_of:
        start = solve.without_late_pins(start, as_of)
    if exact:
        # npm installs requirements of the project where all packages find them.
        start = solve.lock(start, exact)
    lock = solve.lock(start)
    _check_versions(exact, lock)
    return lock


def _starting_point(
    request: Request, package_json: JsonObject, previous: PackageTree | None
) -> tuple[JsonObject, dict[str, str]]:
    """Return the previous lock without packages to upgrade, and the versions to upgrade to."""
    lock: JsonObject = {}
    if previous:
        # npm would keep a pin that an override no longer allows.
        overridden = changed_overrides(previous.manifest, package_json)
        lock = pins.without_installed(previous.lock, overridden)
    pinned = pins.names(lock)
    upgrades = {
        name: version for name, version in request.upgrade.packages.items() if name in pinned
    }
    exact = {name: version for name, version in upgrades.items() if version}
    if request.upgrade.everything:
        return {}, exact
    return pins.without(lock, lambda pin: pin.name in upgrades), exact


def _check_versions(exact: Mapping[str, str], lock: JsonObject) -> None:
    locked = pins.pins(lock)
    for name, version in exact.items():
        if pins.NpmPin(name, version) not in locked:
            versions = sorted(pin.version for pin in locked if pin.name == name)
            raise UnsolvableError(
                f"npm cannot install {name}@{version}: "
                f"the requirements allow {', '.join(versions) or 'no version'}",
                "name a version that the requirements allow",
            )


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return the packages of the lock: one per name and version, even if at several paths."""
    tree = parse(files)
    groups: dict[str, list[str]] = {}
    for group in sorted(tree.groups):
        for path in reachable_paths(tree, tree.groups[group]):
            groups.setdefault(path, []).append(group)
    copies: dict[tuple[str, str], list[Package]] = {}
    for path, entry in registry_packages(tree):
        package = _package(tree, path, entry, tuple(groups.get(path, ())))
        key = (package.name, package.version)
        copies.setdefault(key, []).append(package)
    return tuple(_merge(copies[key]) for key in sorted(copies))


def _package(tree: PackageTree, path: str, entry: LockEntry, groups: tuple[str, ...]) -> Package:
    tarball = artifact(path, entry)
    commit = git_commit(str(entry.get("resolved", "")))
    requires: set[str] = set()
    for name in required_names(entry):
        required_path = find(tree.entries, path, name)
        if required_path:
            requires.add(package_name(required_path, tree.entries[required_path]))
    return Package(
        manager="npm",
        name=package_name(path, entry),
        version=entry["version"],
        groups=groups,
        build=commit.reference if commit else "",
        requires=tuple(sorted(requires)),
        artifacts=(tarball,) if tarball else (),
    )


def _merge(copies: list[Package]) -> Package:
    """Merge the copies of one package at several paths."""
    return replace(
        copies[0],
        groups=sorted_union(copy.groups for copy in copies),
        requires=sorted_union(copy.requires for copy in copies),
        artifacts=tuple(sorted({artifact for copy in copies for artifact in copy.artifacts})),
    )


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """Return the packages that the groups together install on the target, sorted by name.

    Leaves out optional packages for other systems. Raises ExpectedError if another package does
    not run on the target.
    """
    tree = parse(files)
    selected = set()
    for path in selected_paths(tree, target, groups):
        entry = tree.entries[path]
        if tarball := artifact(path, entry):
            name = package_name(path, entry)
            selected.add(Pin(name=name, version=entry["version"], artifact=tarball))
    return tuple(sorted(selected))


def installed_names(files: LockFiles, target: Target, groups: tuple[str, ...]) -> frozenset[str]:
    """Return the names under which npm installs what ``select`` returns; aliases have their own."""
    return frozenset(map(installed_name, selected_paths(parse(files), target, groups)))


def selected_paths(tree: PackageTree, target: Target, groups: tuple[str, ...]) -> set[str]:
    """Return the paths of everything that the groups install; raises as ``select`` does."""

    def fits(path: str, entry: LockEntry) -> bool:
        if runs_on(entry, target):
            return True
        if entry.get("optional"):
            return False
        name = package_name(path, entry)
        raise ExpectedError(
            f"{LOCK}: {name} {entry['version']} does not run on {target.platform}",
            "require another package, or remove the platform",
        )

    return reachable_paths(tree, _names_of(tree, groups), fits)


def stage_files(
    files: LockFiles, groups: tuple[str, ...], folder: str = "/artifacts/npm"
) -> LockFiles:
    """Return both files for one stage: only packages of its groups, from tarballs in a folder.

    ``npm ci --offline --ignore-scripts`` installs from them, and checks every tarball's hash.
    """
    tree = parse(files)
    names = _names_of(tree, groups)
    tarballs = _direct_tarballs(tree, folder)
    dependencies = tree.manifest["dependencies"] | tarballs
    package_json = without_references(tree.manifest | {"dependencies": dependencies})
    package_json = {key: value for key, value in package_json.items() if key != "orbiter"}
    dependencies = {name: dependencies[name] for name in names}
    package_json["dependencies"] = dependencies
    reached = reachable_paths(tree, names)
    entries = {"": tree.entries[""] | {"dependencies": dependencies}}
    for path, entry in tree.entries.items():
        if path in reached:
            entries[path] = _with_local_tarball(entry, artifact(path, entry), folder)
    return {MANIFEST: to_json(package_json), LOCK: to_json(tree.lock | {"packages": entries})}


def _direct_tarballs(tree: PackageTree, folder: str) -> dict[str, str]:
    """Return the tarballs of requirements with an address, which npm would compare."""
    tarballs = {}
    for name, text in tree.manifest["dependencies"].items():
        path = f"node_modules/{name}"
        if is_address(text) and (tarball := artifact(path, tree.entries[path])):
            tarballs[name] = f"file:{folder}/{tarball.file}"
    return tarballs


def _names_of(tree: PackageTree, groups: tuple[str, ...]) -> list[str]:
    """Return the names that the groups require."""
    names: set[str] = set()
    for group in groups:
        names.update(tree.groups.get(group, ()))
    return sorted(names)


def _with_local_tarball(entry: JsonObject, tarball: Artifact | None, folder: str) -> JsonObject:
    """Return an entry with the key ``resolved`` where npm writes it: after name and version."""
    if tarball is None:
        return entry
    head = {key: entry[key] for key in ("name", "version") if key in entry}
    return head | {"resolved": ""} | entry | {"resolved": f"file:{folder}/{tarball.file}"}
