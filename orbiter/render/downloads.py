"""The downloads that a stage places, by platform, and the list that its step reads. Pure.

Addresses are in no Dockerfile, and names of files in the image are in the list alone.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from orbiter.config.image_set import Download, DownloadedFile, NotebookUser, Stage
from orbiter.lockset.downloads import LockedDownload
from orbiter.lockset.model import LockSetError
from orbiter.store.artifact_list import ADDRESS, LockedFile
from resolvers.index.source import is_direct
from resolvers.types.packages import Pin

FOLDER = "downloads"
"""The folder of downloads among the artifacts of a stage."""
RELOCK = "run orbiter lock"


class PlacedDownload(msgspec.Struct, frozen=True, kw_only=True):
    """A download of a stage on one platform, with its locked file."""

    download: Download
    file: DownloadedFile
    locked: LockedDownload

    @property
    def target(self) -> str:
        """The path in the image, or the folder of an archive."""
        assert self.file.target, "packages are not placed"
        return self.file.target

    @property
    def artifact(self) -> LockedFile:
        """The file among the artifacts of the stage, named by its sha256."""
        return LockedFile(
            path=f"{FOLDER}/{self.locked.sha256}",
            hash=self.locked.digest,
            size=self.locked.size,
            source=f"{ADDRESS}:{self.locked.url}",
        )

    def owner(self, user: NotebookUser) -> tuple[int, int]:
        """Return who owns it: the notebook user in its home and in /opt/env, otherwise root."""
        places = ("/opt/env/", f"/home/{user.name}/")
        is_users = f"{self.target}/".startswith(places)
        return (user.uid, user.gid) if is_users else (0, 0)

    def content(self, user: NotebookUser) -> str:
        """Return the path that the step reads, relative to the artifacts of the stage."""
        if not self.download.unpack:
            return self.artifact.path
        uid, gid = self.owner(user)
        return f"{self.artifact.path}-{self.download.strip}-{uid}-{gid}.tar"


Downloads = Mapping[str, tuple[PlacedDownload, ...]]
"""The downloads of a stage by platform."""


def placed_downloads(
    stage: Stage, platforms: tuple[str, ...], locked: Mapping[str, LockedDownload]
) -> Downloads:
    """Return the downloads of a stage; ``locked`` is by address.

    Raises LockSetError if the file of an address is not locked.
    """
    return {platform: tuple(_placed(stage, platform, locked)) for platform in platforms}


def _placed(
    stage: Stage, platform: str, locked: Mapping[str, LockedDownload]
) -> Iterator[PlacedDownload]:
    for download in stage.downloads or ():
        if download.is_package:
            continue
        file = download.platforms.get(platform)
        if file is None or file.url not in locked:
            problem = f"a download of {stage.name} is not locked for {platform}"
            raise LockSetError(problem, RELOCK)
        yield PlacedDownload(download=download, file=file, locked=locked[file.url])


def check_packages(pins: Iterable[Pin], locked: Mapping[str, LockedDownload]) -> None:
    """Check that packages from an address are downloads; ``locked`` is by address.

    Raises LockSetError, because images.toml must list every address that a build fetches.
    """
    for pin in pins:
        if not is_direct(pin.artifact.source):
            continue
        url = pin.artifact.source.removeprefix(f"{ADDRESS}:")
        if url not in locked or locked[url].digest != pin.artifact.hash:
            raise LockSetError(f"{pin.name} comes from {url}, which is not a download", RELOCK)


def places_files(stage: Stage) -> bool:
    """Return whether a stage has downloads other than packages."""
    return any(not each.is_package for each in stage.downloads or ())


def list_name(slug: str) -> str:
    """Return the name of the list for a platform, or for the expression of several."""
    return f"downloads-{slug}.txt"


def download_list(downloads: tuple[PlacedDownload, ...], user: NotebookUser) -> str:
    """Return the list for one platform: mode, or ``tar``, owner, path of the content and target."""
    return "".join(f"{_line(each, user)}\n" for each in downloads)


def _line(placed: PlacedDownload, user: NotebookUser) -> str:
    mode = "tar" if placed.download.unpack else placed.download.mode
    uid, gid = placed.owner(user)
    return f"{mode} {uid}:{gid} /artifacts/{placed.content(user)} {placed.target}"


def download_artifacts(downloads: tuple[PlacedDownload, ...]) -> tuple[LockedFile, ...]:
    """Return the files of downloads, each once."""
    return tuple({each.artifact.path: each.artifact for each in reversed(downloads)}.values())
