"""Changes of the downloads that two lock sets put into their images. Pure."""

from collections.abc import Mapping

from orbiter.config.download_changes import package_place
from orbiter.config.image_set import Download
from orbiter.diff.types import FileChange, FileKind
from orbiter.lockset.downloads import LockedDownload, all_downloads
from orbiter.lockset.model import LockSet


def download_changes(old: LockSet, new: LockSet) -> list[FileChange]:
    """Return the downloads that differ, named ``<stage>:<target>``.

    The lines have the address, size and sha256 for each platform, and how an archive is unpacked.
    """
    before, after = _lines(old), _lines(new)
    return [
        _change(name, before.get(name, ()), after.get(name, ()))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _change(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> FileChange:
    removed = (f"-{line}" for line in old if line not in new)
    added = (f"+{line}" for line in new if line not in old)
    lines = tuple(removed) + tuple(added)
    return FileChange(path=name, kind=_kind(old, new), lines=lines or ("order changed",))


def _kind(old: tuple[str, ...], new: tuple[str, ...]) -> FileKind:
    if not old:
        return "added"
    return "changed" if new else "removed"


def _lines(lock_set: LockSet) -> dict[str, tuple[str, ...]]:
    """Return the lines of each target; several archives may have the same one."""
    image_set = lock_set.image_set
    locked = all_downloads(lock_set.files, image_set.builders)
    lines: dict[str, tuple[str, ...]] = {}
    for stage in image_set.stages:
        for download in stage.downloads or ():
            for platform, file in sorted(download.platforms.items()):
                name = f"{stage.name}:{file.target or package_place(file.url)}"
                line = f"{platform}: {file.url}, {_content(locked[stage.builder], file.url)}"
                line += _placement(download)
                lines[name] = (*lines.get(name, ()), line)
    return lines


def _content(locked: Mapping[str, LockedDownload], url: str) -> str:
    download = locked.get(url)
    return f"{download.size:,} bytes, {download.digest}" if download else "not locked"


def _placement(download: Download) -> str:
    if download.is_package:
        return ", installed by apt"
    if download.unpack:
        return f", unpacked with strip {download.strip}"
    return f", mode {download.mode}"
