"""A lock set of Orbiter: what each image that users pull holds, on each platform. Pure."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.requirements import package_name
from orbiter.config.stage_graph import ancestors
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from orbiter.lockset.inputs import LOCK_FILES, locked_files, unlocked_parts
from orbiter.lockset.model import BUILD, BuilderFacts, LockSet, Manifest, digest
from orbiter.lockset.targets import target_for
from resolvers.managers import MANAGERS
from resolvers.types import LockFiles, Package, Pin

NO_MATTER = re.compile(
    r"^(?:# \S+(?: \S+)?, rendered by Orbiter\b|\s+org\.opencontainers\.image\.(?:version|created)=).*\n"
    r"|compression=\w+,compression-level=\d+",
    re.MULTILINE,
)
"""What of a Dockerfile changes nothing in an image: its release, when that was locked, how layers are compressed."""
INSTALLERS = "installers"
"""Where the programs are that install and stay in no image; they are compared like packages."""


class _Locks(msgspec.Struct, frozen=True):
    """The lock files of one manager for one builder, and the packages in them by name and version."""

    manager: str
    files: LockFiles
    packages: Mapping[tuple[str, str], Package]


def as_lock(lock_set: LockSet, name: str) -> Lock:
    """All packages inside each final stage's image; a build stage stands for an image that has no final one.

    ``direct`` is what a stage of the image asks for. Files and sizes are those that the platform gets.
    """
    manifest = lock_set.manifest
    image_set = lock_set.image_set
    locks = {builder: tuple(_locks(lock_set, builder)) for builder in image_set.builders}
    stages = _pulled(image_set)
    return Lock(
        name=name,
        format=f"lock set {manifest.format}",
        packages={
            Scope(stage.name, platform): tuple(
                _inside(image_set, stage, platform, manifest, locks[stage.builder])
            )
            for stage in stages
            for platform in image_set.platforms
        }
        | {
            Scope(INSTALLERS, platform): tuple(_installers(manifest, platform))
            for platform in image_set.platforms
        },
        facts=_facts(image_set, lock_set),
        notes=tuple(
            f"{part} is not locked"
            for part in unlocked_parts(image_set, manifest.bases, manifest.builders)
        ),
        release=manifest.release,
    )


def _installers(manifest: Manifest, platform: str) -> Iterator[PackageEntry]:
    """The programs that install while an image is built."""
    for each in manifest.installers:
        if each.platform in {"", platform}:
            manager = "npm" if each.pin.artifact.file.endswith(".tgz") else "pip"
            files = (PackageFile(each.pin.artifact.file, (each.pin.artifact.hash,)),)
            size = each.pin.artifact.size
            yield PackageEntry(
                manager=manager,
                name=each.pin.name,
                version=each.pin.version,
                files=files,
                size=size,
                direct=False,
            )


def _locks(lock_set: LockSet, builder: str) -> Iterator[_Locks]:
    for manager in LOCK_FILES:
        if files := locked_files(lock_set, builder, manager):
            packages = MANAGERS[manager].read(files)
            yield _Locks(
                manager, files, {(package.name, package.version): package for package in packages}
            )


def _pulled(image_set: ImageSet) -> tuple[Stage, ...]:
    """The stages whose images users pull."""
    finals = {(stage.builder, stage.image) for stage in image_set.stages if stage.kind == "final"}
    return tuple(
        stage
        for stage in image_set.stages
        if stage.kind == "final"
        or (stage.kind == "build" and (stage.builder, stage.image) not in finals)
    )


def _inside(
    image_set: ImageSet, stage: Stage, platform: str, manifest: Manifest, locks: tuple[_Locks, ...]
) -> Iterator[PackageEntry]:
    """All packages of one image on one platform."""
    facts = manifest.builders.get(stage.builder, BuilderFacts())
    target = target_for(facts, platform)
    for each in locks:
        names = (stage.name, *ancestors(image_set, stage, each.manager))
        asked = _asked(image_set, names, each.manager)
        if not asked:
            continue
        for pin in MANAGERS[each.manager].select(each.files, target, names):
            package = each.packages[pin.name, pin.version]
            yield _locked(package, names, asked, pin)
        for package in each.packages.values():
            if not package.artifacts and not set(names).isdisjoint(package.groups):
                yield _locked(package, names, asked)  # it lies in the tarball of another package


def _asked(image_set: ImageSet, names: tuple[str, ...], manager: str) -> frozenset[str]:
    """The names of the packages that any of the stages asks for."""
    return frozenset(
        package_name(manager, requirement)
        for stage in image_set.stages
        if stage.name in names
        for requirement in stage.requirements.get(manager, ())
    )


def _locked(
    package: Package, names: tuple[str, ...], asked: frozenset[str], pin: Pin | None = None
) -> PackageEntry:
    return PackageEntry(
        manager=package.manager,
        name=package.name,
        version=package.version,
        build=package.build,
        files=(PackageFile(pin.artifact.file, (pin.artifact.hash,)),) if pin else (),
        size=pin.artifact.size if pin else 0,
        requires=package.requires,
        direct=package.name in asked,
        groups=tuple(group for group in package.groups if group in names),
    )


def _facts(image_set: ImageSet, lock_set: LockSet) -> Mapping[str, Mapping[str, str]]:
    """What else decides the images. When a release was locked does not: that is other for every one of them."""
    manifest = lock_set.manifest
    return {
        "base image": {
            f"{reference} {platform}": found
            for reference, platforms in manifest.bases.items()
            for platform, found in platforms.items()
        },
        "platform": dict.fromkeys(image_set.platforms, "locked"),
        "python": {
            builder: facts.python for builder, facts in manifest.builders.items() if facts.python
        },
        "tool": dict(manifest.tools),
        "network while building": {
            stage.name: "allowed" for stage in image_set.stages if stage.network
        },
        "Dockerfile": {
            path.split("/")[1]: digest(NO_MATTER.sub("", text))
            for path, text in lock_set.files.items()
            if path.startswith(f"{BUILD}/") and path.endswith("/Dockerfile")
        },
    }
