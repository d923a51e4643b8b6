"""Everything that goes into an image, as resource descriptors of in-toto. Pure.

Format: https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orbiter.config.image_set import Stage
from orbiter.config.stage_graph import ENVIRONMENT_MANAGERS, ancestors
from orbiter.lockset.model import BUILD, LockSet
from orbiter.render.model import platform_slug
from orbiter.sbom.model import Bill, Component
from orbiter.store.artifact_list import LockedFile, parse_list

Descriptor = dict[str, Any]
"""A resource descriptor; the specification describes its fields."""


def lineage(lock_set: LockSet, stage: Stage) -> tuple[str, ...]:
    """Return the stages that an image is made from: its own, its parents and build stages."""
    return (stage.name, *ancestors(lock_set.image_set, stage, ENVIRONMENT_MANAGERS[0]))


def dependencies(
    lock_set: LockSet, stages: Sequence[str], platforms: Sequence[str], bill: Bill
) -> list[Descriptor]:
    """Return the base images and the artifacts of some stages, each once and sorted.

    ``bill`` describes the same stages; it has the package URLs.
    """
    components = {each.hash: each for each in bill.components if each.hash}
    files = set(_files(lock_set, stages, platforms))
    found = [_base(each) for each in bill.components if each.kind == "base"]
    return found + [_artifact(file, components) for file in sorted(files)]


def _files(
    lock_set: LockSet, stages: Sequence[str], platforms: Sequence[str]
) -> Iterator[LockedFile]:
    for stage in stages:
        for platform in platforms:
            path = f"{BUILD}/{stage}/artifacts-{platform_slug(platform)}.txt"
            yield from parse_list(lock_set.files[path])


def _base(component: Component) -> Descriptor:
    return {
        "name": f"{component.name}:{component.version}".rstrip(":"),
        "uri": component.purl,
        "digest": digest_set(component.hash),
    }


def _artifact(file: LockedFile, components: Mapping[str, Component]) -> Descriptor:
    """Return the descriptor of a file; only packages and downloads in images have a URL."""
    component = components.get(file.hash)
    descriptor = {
        "name": file.path,
        "uri": component.purl if component else "",
        "downloadLocation": component.address if component else "",
        "digest": digest_set(file.hash),
        "annotations": {"source": file.source},
    }
    return {name: value for name, value in descriptor.items() if value}


def digest_set(text: str) -> dict[str, str]:
    """Return ``sha256:<hex>`` as in-toto writes digests."""
    algorithm, _, value = text.partition(":")
    return {algorithm: value}
