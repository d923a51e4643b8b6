"""From a lock set to a bill of materials. Pure."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from orbiter import __version__
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.stage_graph import ancestors
from orbiter.lockset.inputs import LOCK_FILES, locked_files, unlocked_parts
from orbiter.lockset.model import BuilderFacts, LockSet
from orbiter.lockset.names import check_platforms, resolve_stages
from orbiter.lockset.targets import target_for
from orbiter.sbom.files import base_components, file_components
from orbiter.sbom.model import Bill, Component, Image
from orbiter.sbom.packages import TargetPackages, installer_components, package_components
from orbiter.sbom.purl import image_purl
from resolvers.errors import ExpectedError


class _Content(msgspec.Struct, frozen=True, kw_only=True):
    """An image, and the components in it."""

    image: Image
    components: tuple[Component, ...]


def bill_of(
    lock_set: LockSet, names: tuple[str, ...] = (), platforms: tuple[str, ...] = ()
) -> Bill:
    """Return the bill for images or stages on some platforms; by default for all images.

    Raises ExpectedError for an unknown name or platform, and for a partial lock set.
    """
    image_set, manifest = lock_set.image_set, lock_set.manifest
    check_platforms(lock_set, platforms)
    if unlocked_parts(image_set, manifest.bases, manifest.builders):
        problem = f"the lock set of release {manifest.release} is partial"
        raise ExpectedError(problem, "run orbiter lock without --only")
    chosen = resolve_stages(lock_set, names) or _image_names(image_set)
    contents = [
        _content(lock_set, stage, platform)
        for stage in image_set.stages
        for platform in image_set.platforms
        if stage.name in chosen and platform in (platforms or image_set.platforms)
    ]
    images = tuple(content.image for content in contents)
    return Bill(
        name=_name(image_set, images),
        release=manifest.release,
        root=lock_set.root,
        serial=_serial(lock_set, images),
        time=datetime.fromtimestamp(manifest.source_date_epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        orbiter=__version__,
        maintainer=image_set.maintainer,
        source=image_set.source,
        images=images,
        components=_merged(contents),
    )


def _image_names(image_set: ImageSet) -> tuple[str, ...]:
    return tuple(stage.name for stage in image_set.stages if stage.kind == "final")


def _name(image_set: ImageSet, images: tuple[Image, ...]) -> str:
    """Return the name of the only image, otherwise the repository."""
    names = {image.name for image in images}
    return names.pop() if len(names) == 1 else image_set.repository


def _serial(lock_set: LockSet, images: tuple[Image, ...]) -> str:
    """Return a UUID that follows from the root digest and the chosen images."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, " ".join((lock_set.root, *(i.ref for i in images)))))


def _content(lock_set: LockSet, stage: Stage, platform: str) -> _Content:
    image_set, manifest = lock_set.image_set, lock_set.manifest
    found = (
        *base_components(lock_set, stage, platform),
        *_packages(lock_set, stage, platform),
        *file_components(lock_set, stage, platform),
    )
    components = tuple(replace(each, platforms=(platform,)) for each in found)
    image = Image(
        ref=f"image/{stage.name}/{platform}",
        name=stage.name,
        platform=platform,
        purl=image_purl(image_set.repository, f"{stage.name}-{manifest.release}"),
        components=tuple(sorted({component.ref for component in components})),
        is_hermetic=_is_hermetic(image_set, stage),
    )
    return _Content(image=image, components=components)


def _packages(lock_set: LockSet, stage: Stage, platform: str) -> Iterator[Component]:
    manifest = lock_set.manifest
    facts = manifest.builders.get(stage.builder, BuilderFacts())
    for manager in LOCK_FILES:
        if files := locked_files(lock_set, stage.builder, manager):
            lineage = (stage.name, *ancestors(lock_set.image_set, stage, manager))
            selection = TargetPackages(
                builder=lock_set.image_set.builders[stage.builder],
                files=files,
                target=target_for(facts, platform),
                stages=lineage,
            )
            yield from package_components(manager, selection)
            if manager == "conda":
                yield from installer_components(selection, manifest.installers)


def _is_hermetic(image_set: ImageSet, stage: Stage) -> bool:
    """Return whether no step of the stage and of those that it is made from had network access."""
    names = (stage.name, *ancestors(image_set, stage, "pip"))
    return not any(each.network for each in image_set.stages if each.name in names)


def _merged(contents: Iterable[_Content]) -> tuple[Component, ...]:
    """Return each component once, with the platforms and requirements of all images."""
    merged: dict[str, Component] = {}
    for content in contents:
        for component in content.components:
            known = merged.get(component.ref, component)
            merged[component.ref] = _union(known, component)
    return tuple(merged[ref] for ref in sorted(merged))


def _union(first: Component, second: Component) -> Component:
    return replace(
        first,
        platforms=tuple(sorted({*first.platforms, *second.platforms})),
        requires=tuple(sorted({*first.requires, *second.requires})),
    )


def contents_by_host(components: Iterable[Component]) -> Mapping[str, tuple[Component, ...]]:
    """Return the components inside of others by the ref of the outer one, "" for none."""
    hosts: dict[str, list[Component]] = {}
    for component in components:
        hosts.setdefault(component.inside, []).append(component)
    return {host: tuple(inner) for host, inner in hosts.items()}
