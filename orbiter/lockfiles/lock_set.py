"""Conversion of a lock set to a lock: the packages of each published image, per platform."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import msgspec

from orbiter.config.builders import SYSTEM_MANAGERS
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.requirements import locked_name
from orbiter.config.stage_graph import ancestors, has_packages
from orbiter.lockfiles import document
from orbiter.lockfiles.origins import folder_of, with_foreign_sources
from orbiter.lockfiles.types import EntryFault, FormatReader, Lock, PackageEntry, PackageFile, Scope
from orbiter.lockset.inputs import LOCK_FILES, locked_files, unlocked_parts
from orbiter.lockset.model import BuilderFacts, LockSet, LockSetError, Manifest
from orbiter.lockset.targets import target_for
from resolvers.distro.repositories import split_source as split_repository
from resolvers.errors import ExpectedError
from resolvers.index.source import URL, build_of, is_direct, origin_url, place_of
from resolvers.managers import MANAGERS
from resolvers.npm.address import git_commit
from resolvers.pip.requirement_files import FILES
from resolvers.types.packages import Artifact, LockFiles, Package, Pin

INSTALLERS = "installers"
"""Environment of the programs that install packages; no image contains them."""


FOREIGN_LOCKS = {
    "conda-lock.yml": "conda_lock",
    "package-lock.json": "package_lock",
    "poetry.lock": "poetry",
    "uv.lock": "uv",
}
"""Lock files in the format of another tool, and the modules in this package that read them."""
FILE_NAMES = {"apk": "{name}-{version}.", "apt": "{name}_{version}_"}
"""Beginning of the name of a package file."""


class _ManagerLock(msgspec.Struct, frozen=True):
    """The lock files of one manager for one builder; ``packages`` by name and version."""

    manager: str
    files: LockFiles
    packages: Mapping[tuple[str, str], Package]


def as_lock(lock_set: LockSet, name: str) -> Lock:
    """Return the packages in the image of each final stage.

    A build stage counts as an image if no final stage belongs to it. A package is direct if a
    stage of the image requests it. Files and sizes are those for the platform.
    """
    manifest = lock_set.manifest
    image_set = lock_set.image_set
    packages = stage_packages(lock_set, published(image_set), image_set.platforms)
    for platform in image_set.platforms:
        packages[Scope(INSTALLERS, platform)] = tuple(_installers(manifest, platform))
    not_locked = unlocked_parts(image_set, manifest.bases, manifest.builders)
    lock = Lock(
        name=name,
        format=f"lock set {manifest.format}",
        packages=packages,
        facts=_facts(image_set, lock_set),
        notes=tuple(f"{part} is not locked" for part in not_locked),
        release=manifest.release,
        lock_set=lock_set,
    )
    return with_foreign_sources(lock)


def stage_packages(
    lock_set: LockSet, stages: Iterable[Stage], platforms: Iterable[str]
) -> dict[Scope, tuple[PackageEntry, ...]]:
    """Return all packages of each stage on each platform, with those that it inherits."""
    image_set = lock_set.image_set
    locks = {builder: tuple(_manager_locks(lock_set, builder)) for builder in image_set.builders}
    return {
        Scope(stage.name, platform): tuple(
            _packages(image_set, stage, platform, lock_set.manifest, locks[stage.builder])
        )
        for stage, platform in product(stages, platforms)
    }


def _installers(manifest: Manifest, platform: str) -> Iterator[PackageEntry]:
    """Yield the programs that install packages during a build."""
    for installer in manifest.installers:
        if installer.platform in {"", platform}:
            pin, artifact = installer.pin, installer.pin.artifact
            yield PackageEntry(
                manager="npm" if artifact.file.endswith(".tgz") else "pip",
                name=pin.name,
                version=pin.version,
                files=(PackageFile(artifact.file, (artifact.hash,)),),
                size=artifact.size,
                direct=False,
            )


def _manager_locks(lock_set: LockSet, builder: str) -> Iterator[_ManagerLock]:
    for manager in LOCK_FILES:
        if files := locked_files(lock_set, builder, manager):
            packages = MANAGERS[manager].read(files)
            by_version = {(package.name, package.version): package for package in packages}
            yield _ManagerLock(manager, files, by_version)


def published(image_set: ImageSet) -> tuple[Stage, ...]:
    """Return the stages whose images users pull."""
    finals = {(stage.builder, stage.image) for stage in image_set.stages if stage.kind == "final"}
    return tuple(
        stage
        for stage in image_set.stages
        if stage.kind == "final"
        or (stage.kind == "build" and (stage.builder, stage.image) not in finals)
    )


def _packages(
    image_set: ImageSet,
    stage: Stage,
    platform: str,
    manifest: Manifest,
    locks: tuple[_ManagerLock, ...],
) -> Iterator[PackageEntry]:
    """Yield all packages of one image on one platform."""
    target = target_for(manifest.builders.get(stage.builder, BuilderFacts()), platform)
    for lock in locks:
        stages = (stage.name, *ancestors(image_set, stage, lock.manager))
        requested = _requested_names(image_set, stages, lock.manager)
        with_packages = {each.name for each in image_set.stages if has_packages(each, lock.manager)}
        if with_packages.isdisjoint(stages):
            continue
        for pin in MANAGERS[lock.manager].select(lock.files, target, stages):
            package = lock.packages[pin.name, pin.version]
            yield _entry(package, stages, requested, pin)
        for package in lock.packages.values():
            # A package without artifacts is in the tarball of another package.
            if not package.artifacts and not set(stages).isdisjoint(package.groups):
                yield _entry(package, stages, requested)


def _requested_names(image_set: ImageSet, stages: tuple[str, ...], manager: str) -> frozenset[str]:
    return frozenset(
        locked_name(manager, requirement)
        for stage in image_set.stages
        if stage.name in stages
        for requirement in stage.requirements.get(manager, ())
    )


def _entry(
    package: Package, stages: tuple[str, ...], requested: frozenset[str], pin: Pin | None = None
) -> PackageEntry:
    artifacts = [pin.artifact] if pin else []
    is_download = any(is_direct(artifact.source) for artifact in artifacts)
    return PackageEntry(
        manager=package.manager,
        name=package.name,
        version=package.version,
        build=package.build or _made_of(package.manager, artifacts),
        source=_source(package.manager, artifacts[0].source) if artifacts else "",
        files=tuple(map(_file, artifacts)),
        size=sum(artifact.size for artifact in artifacts),
        requires=package.requires,
        direct=package.name in requested or is_download,
        groups=tuple(group for group in package.groups if group in stages),
    )


def _file(artifact: Artifact) -> PackageFile:
    return PackageFile(artifact.file, (artifact.hash,), folder_of(origin_url(artifact.source)))


def _made_of(manager: str, artifacts: list[Artifact]) -> str:
    """Return the commit or the folder that a package of pip is made of, "" for others."""
    return build_of(artifacts[0].source) if manager == "pip" and artifacts else ""


def _source(manager: str, source: str) -> str:
    """Return the name of a package's index or repository, or its own address."""
    if manager == "pip":
        return place_of(source)
    if manager in SYSTEM_MANAGERS:
        return place_of(source) if is_direct(source) else split_repository(source)[0]
    if manager != "npm":
        return ""
    if commit := git_commit(source):
        return str(commit._replace(reference=""))
    return source.removeprefix(URL) if source.startswith(URL) else ""


def _facts(image_set: ImageSet, lock_set: LockSet) -> Mapping[str, Mapping[str, str]]:
    """Return everything else that determines the images.

    The time of locking does not belong to it: each release has another one.
    """
    manifest = lock_set.manifest
    base_images = {
        f"{reference} {platform}": base_digest
        for reference, platforms in manifest.bases.items()
        for platform, base_digest in platforms.items()
    }
    pythons = {builder: facts.python for builder, facts in manifest.builders.items()}
    return {
        "base image": base_images,
        "platform": dict.fromkeys(image_set.platforms, "locked"),
        "python": {builder: python for builder, python in pythons.items() if python},
        "tool": dict(manifest.tools),
        "network while building": {
            stage.name: "allowed" for stage in image_set.stages if stage.network
        },
    }


def check_entries(folder: Path, lock_set: LockSet) -> None:
    """Raise LockSetError if an entry of a lock file contradicts its own file."""
    found = faults(lock_set)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise LockSetError(
            f"{folder}/{found[0]}{more}",
            "a merge mixed both sides: restore the lock set from git, or run orbiter lock",
        )


def faults(lock_set: LockSet) -> tuple[str, ...]:
    """Return the entries whose name or version contradicts their file, as after a faulty merge.

    Raises ExpectedError if a lock file is invalid.
    """
    return tuple(f"{path}: {fault}" for path, fault in sorted(set(_all_faults(lock_set))))


def _all_faults(lock_set: LockSet) -> Iterator[tuple[str, str]]:
    for builder in lock_set.image_set.builders:
        for manager in LOCK_FILES:
            files = locked_files(lock_set, builder, manager)
            for name, text in files.items():
                for note in _notes(name, text):
                    yield f"{builder}/{name}", note
            if FILES in files:
                for fault in _requirement_faults(files):
                    yield f"{builder}/{FILES}", fault
            if manager in FILE_NAMES and files:
                for package in MANAGERS[manager].read(files):
                    for fault in file_faults(package, FILE_NAMES[manager]):
                        yield f"{builder}/{min(files)}", fault


def _notes(name: str, text: str) -> tuple[str, ...]:
    """Return the faults that the reader of a foreign format finds."""
    if name not in FOREIGN_LOCKS:
        return ()
    # recognise would import the readers of all formats, which takes longer than reading a lock.
    reader: FormatReader = import_module(f"orbiter.lockfiles.{FOREIGN_LOCKS[name]}")
    if not reader.recognises(text):
        raise LockSetError(f"{name}: this is not a lock file of its format", document.DAMAGED)
    return tuple(note for note in reader.read(name, text).notes if isinstance(note, EntryFault))


def _requirement_faults(files: LockFiles) -> Iterator[str]:
    """Yield the first fault of the hashed requirements of pip-tools."""
    try:
        MANAGERS["pip"].read(files)
    except ExpectedError as error:
        yield error.message


def file_faults(package: Package, template: str) -> Iterator[str]:
    """Yield the files of apk or apt whose name is that of another package or version."""
    # A file name has no epoch, and Debian encodes some characters.
    version = package.version.partition(":")[2] or package.version
    start = template.format(name=package.name, version=version)
    for artifact in package.artifacts:
        if not unquote(artifact.file).startswith(start):
            yield (
                f"{package.name} {package.version} lists the file {artifact.file}, "
                "which is not its own"
            )
