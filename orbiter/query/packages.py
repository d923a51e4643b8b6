"""The packages of images: ``orbiter list``, and what the other questions start from."""

from collections.abc import Collection, Mapping

import msgspec

from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.stage_graph import ancestors
from orbiter.documents import Document
from orbiter.lockfiles.lock_set import published, stage_packages
from orbiter.lockfiles.types import PackageEntry, Scope
from orbiter.lockset.inputs import locked_files, unlocked_parts
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import check_platforms, resolve_stages
from resolvers.errors import ExpectedError

MAX_NAME = 200
"""Characters of a name that similar names are found for; it takes quadratic time."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The images or stages, platforms and managers that a command is about; empty for all."""

    images: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()


class ListedPackage(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A package of an image.

    ``sizes`` maps the platforms that have the package to the size of its file in bytes, 0 if the
    lock file does not record it. ``direct`` says that images.toml requests the package.
    """

    manager: str
    name: str
    version: str
    build: str
    direct: bool
    sizes: Mapping[str, int]


class ListedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image or a stage with its packages, also those that it inherits.

    ``parent`` is the nearest listed image that it starts from, "" for none. ``base`` is the base
    image, whose packages no lock file lists; it is "" if the base is made of locked packages.
    """

    name: str
    parent: str
    base: str
    platforms: tuple[str, ...]
    packages: tuple[ListedPackage, ...]


class Listing(Document, frozen=True, kw_only=True):
    """The packages of a release. ``notes`` list what is missing, because it is not locked."""

    release: str
    images: tuple[ListedImage, ...]
    notes: tuple[str, ...] = ()


def listing(lock_set: LockSet, selection: Selection, *, only_direct: bool = False) -> Listing:
    """Return the packages of the selected images, by default of all images that users pull.

    Raises ExpectedError for an unknown image or platform.
    """
    image_set = lock_set.image_set
    packages = selected_packages(lock_set, selection)
    names = tuple(dict.fromkeys(scope.environment for scope in packages))
    stages = {stage.name: stage for stage in image_set.stages}
    images = []
    for name in names:
        of_image = {scope.platform: packages[scope] for scope in packages if scope[0] == name}
        listed = merge_platforms(of_image)
        images.append(
            ListedImage(
                name=name,
                parent=listed_parent(image_set, stages[name], names),
                base=image_set.builders[stages[name].builder].base,
                platforms=tuple(of_image),
                packages=tuple(each for each in listed if each.direct or not only_direct),
            )
        )
    return Listing(
        release=lock_set.manifest.release, images=tuple(images), notes=not_locked(lock_set)
    )


def selected_packages(
    lock_set: LockSet, selection: Selection
) -> dict[Scope, tuple[PackageEntry, ...]]:
    """Return the packages of the selected images and managers, by image and platform."""
    check_platforms(lock_set, selection.platforms)
    stages = selected_stages(lock_set, selection)
    platforms = selection.platforms or lock_set.image_set.platforms
    found = stage_packages(lock_set, stages, dict.fromkeys(platforms))
    top = {stage.name: requested_npm_packages(lock_set, stage.builder) for stage in stages}
    return {
        scope: tuple(
            _with_direct(entry, top[scope.environment])
            for entry in entries
            if not selection.managers or entry.manager in selection.managers
        )
        for scope, entries in found.items()
    }


def _with_direct(entry: PackageEntry, top: Collection[tuple[str, str]]) -> PackageEntry:
    """Return an entry of npm that is direct only if this version is the requested one."""
    if entry.manager != "npm" or not entry.direct or (entry.name, entry.version) in top:
        return entry
    return msgspec.structs.replace(entry, direct=False)


def requested_npm_packages(lock_set: LockSet, builder: str) -> frozenset[tuple[str, str]]:
    """Return the names and versions of the npm packages that a builder's stages request.

    npm may install other versions of them, too, because other packages require those.
    """
    files = locked_files(lock_set, builder, "npm")
    if not files:
        return frozenset()
    from resolvers.npm.locked_requirements import direct_packages

    return direct_packages(files)


def selected_stages(lock_set: LockSet, selection: Selection) -> tuple[Stage, ...]:
    """Return the selected stages, parents first."""
    names = resolve_stages(lock_set, selection.images)
    if not names:
        return published(lock_set.image_set)
    return tuple(stage for stage in lock_set.image_set.stages if stage.name in names)


def not_locked(lock_set: LockSet) -> tuple[str, ...]:
    """Return a line for each part of images.toml that the lock set lacks."""
    manifest = lock_set.manifest
    parts = unlocked_parts(lock_set.image_set, manifest.bases, manifest.builders)
    return tuple(f"{part} is not locked" for part in parts)


def uncovered(lock_set: LockSet, selection: Selection) -> tuple[str, ...]:
    """Return a line for everything in the selected images whose packages no lock file lists."""
    builders = lock_set.image_set.builders
    bases = {builders[stage.builder].base for stage in selected_stages(lock_set, selection)}
    lines = (f"the packages of the base image {base}" for base in sorted(bases - {""}))
    return (*lines, *not_locked(lock_set))


def listed_parent(image_set: ImageSet, stage: Stage, listed: Collection[str]) -> str:
    """Return the nearest ancestor among the listed images, "" for none."""
    lineage = ancestors(image_set, stage, "apt")
    return next((name for name in lineage if name in listed), "")


def merge_platforms(
    by_platform: Mapping[str, tuple[PackageEntry, ...]],
) -> tuple[ListedPackage, ...]:
    """Return each package once, sorted by manager and name."""
    sizes: dict[tuple[str, str, str, str], dict[str, int]] = {}
    direct: set[tuple[str, str, str, str]] = set()
    for platform, entries in by_platform.items():
        for entry in entries:
            key = entry.manager, entry.name, entry.version, entry.build
            sizes.setdefault(key, {})[platform] = entry.size
            if entry.direct:
                direct.add(key)
    return tuple(
        ListedPackage(
            manager=key[0],
            name=key[1],
            version=key[2],
            build=key[3],
            direct=key in direct,
            sizes=sizes[key],
        )
        for key in sorted(sizes)
    )


def unknown_package(
    name: str, known: Collection[str], lock_set: LockSet, selection: Selection
) -> ExpectedError:
    """Return the error for a package that no image has, with similar names."""
    from difflib import get_close_matches

    similar = get_close_matches(name[:MAX_NAME].lower(), sorted(known), n=3, cutoff=0.7)
    hint = "list all packages: orbiter list"
    if similar:
        hint = f"did you mean {' or '.join(similar)}? Otherwise {hint}"
    for missing in uncovered(lock_set, selection):
        hint += f"\n  not searched: {missing}"
    problem = f"release {lock_set.manifest.release} has no package '{name}'"
    if selection.managers:
        problem += f" of {' or '.join(selection.managers)}"
    if selection.images:
        problem += f" in {' or '.join(selection.images)}"
    return ExpectedError(problem, hint)
