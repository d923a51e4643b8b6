"""The parts of an image that no manager installs: base image, downloads and own files. Pure."""

from collections.abc import Iterator
from posixpath import basename

from orbiter.config.image_set import Stage
from orbiter.config.stage_graph import ENVIRONMENT_MANAGERS, ancestors
from orbiter.lockset.downloads import read_downloads
from orbiter.lockset.model import LockSet
from orbiter.sbom.model import Component
from orbiter.sbom.purl import image_purl, purl

ENVIRONMENT = "/opt/env/"
"""The folder that a final stage receives from its build stage."""


def base_components(lock_set: LockSet, stage: Stage, platform: str) -> Iterator[Component]:
    """Yield the base image of a stage, unless its builder makes the base of packages."""
    reference = lock_set.image_set.builders[stage.builder].base
    if not reference:
        return
    digest = lock_set.manifest.bases[reference][platform]
    name, tag = _split(reference)
    yield Component(
        ref=f"base/{reference}#{digest.partition(':')[2][:12]}",
        kind="base",
        name=name,
        version=tag,
        purl=image_purl(name, tag, digest),
        hash=digest,
    )


def _split(reference: str) -> tuple[str, str]:
    """Return the name and the tag of an image."""
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "")


def file_components(lock_set: LockSet, stage: Stage, platform: str) -> Iterator[Component]:
    """Yield the downloads and the own files of a stage and of those that it is made from."""
    image_set = lock_set.image_set
    parents = {stage.name, *ancestors(image_set, stage, "apt")}
    sources = {stage.name, *ancestors(image_set, stage, ENVIRONMENT_MANAGERS[0])}
    for each in image_set.stages:
        if each.name in sources:
            # An image receives only one folder of a build stage.
            folder = "/" if each.name in parents else ENVIRONMENT
            yield from _downloads(lock_set, each, platform, folder)
            yield from _own_files(each, folder)


def _downloads(lock_set: LockSet, stage: Stage, platform: str, folder: str) -> Iterator[Component]:
    locked = read_downloads(lock_set.files, stage.builder)
    for download in stage.downloads or ():
        file = download.platforms.get(platform)
        # A download without a target is a package, which its manager has.
        if file is None or not file.target or not f"{file.target}/".startswith(folder):
            continue
        digest, name = locked[file.url].digest, basename(file.url.partition("?")[0])
        qualifiers = {"checksum": digest, "download_url": file.url}
        yield Component(
            ref=f"{stage.builder}/download{file.target}#{digest.partition(':')[2][:12]}",
            kind="file",
            name=name or file.url,
            purl=purl("generic", name or "file", qualifiers=qualifiers),
            file=file.target,
            hash=digest,
            source=file.url,
            address=file.url,
        )


def _own_files(stage: Stage, folder: str) -> Iterator[Component]:
    for file in stage.files or ():
        if file.target.startswith(folder):
            yield Component(
                ref=f"{stage.builder}/file{file.target}#{file.sha256[:12]}",
                kind="file",
                name=file.target,
                file=file.target,
                hash=f"sha256:{file.sha256}",
                source=file.source,
            )
