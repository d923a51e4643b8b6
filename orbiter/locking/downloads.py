"""Locks the downloads of all builders: fetched once, hashed, checked and put into the store."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from orbiter.config.builders import SYSTEM_MANAGERS
from orbiter.config.image_set import Download, ImageSet
from orbiter.locking.work import LockRun
from orbiter.lockset.downloads import LockedDownload, addresses, format_downloads, read_downloads
from orbiter.lockset.inputs import package_addresses
from orbiter.lockset.model import LockSet
from resolvers.errors import ExpectedError
from resolvers.types.options import SystemPackageFile
from resolvers.types.request import NOTE

AT_ONCE = 4
"""The number of files to download at the same time."""


def lock_downloads(run: LockRun) -> dict[str, str]:
    """Return the lock files of all builders by path in the lock set.

    A recorded hash is kept without a request, unless an upgrade concerns the address or the image
    set gives another hash.
    """
    by_builder = {name: addresses(run.image_set, name) for name in run.image_set.builders}
    urls = sorted({url for used in by_builder.values() for url in used})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        locked = dict(zip(urls, pool.map(lambda url: _locked(run, url), urls), strict=True))
    files: dict[str, str] = {}
    for builder, used in by_builder.items():
        downloads = (
            msgspec.structs.replace(locked[url], platforms=platforms)
            for url, platforms in used.items()
        )
        texts = format_downloads(downloads)
        files |= {f"{builder}/{name}": text for name, text in texts.items()}
    _report_as_of(run, files)
    return files


def package_files(run: LockRun, builder: str, manager: str) -> tuple[SystemPackageFile, ...]:
    """Return the downloaded packages that a manager installs; fetch those that are not stored."""
    if manager not in SYSTEM_MANAGERS:
        return ()
    locked = read_downloads(run.downloads, builder)
    return tuple(
        SystemPackageFile(
            group=stage,
            platform=platform,
            url=url,
            sha256=locked[url].sha256,
            size=locked[url].size,
            path=run.environment.stored_download(url, locked[url].sha256),
        )
        for stage, platform, url in package_addresses(run.image_set, builder)
    )


def recorded_downloads(previous: LockSet | None) -> dict[str, LockedDownload]:
    """Return the downloads of all builders of a lock set by address."""
    found: dict[str, LockedDownload] = {}
    if previous:
        for builder in previous.image_set.builders:
            found |= read_downloads(previous.files, builder)
    return found


def _locked(run: LockRun, url: str) -> LockedDownload:
    """Return the download of an address, with its platforms missing."""
    expected = _expected_hash(run.image_set, url)
    known = recorded_downloads(run.previous).get(url)
    upgrade = run.options.upgrade
    is_upgraded = upgrade.everything or url in upgrade.packages
    if known and not is_upgraded and expected in {"", known.sha256}:
        return known
    report = run.start_task("download")
    report(url)
    strips = {each.strip for each in _downloads(run.image_set, url) if each.unpack}
    sha256, size = run.environment.store_download(url, expected, tuple(sorted(strips)))
    if known and known.sha256 != sha256:
        report(f"{NOTE}{url} has another file now: sha256 {known.sha256} -> {sha256}")
    report("")
    return LockedDownload(url=url, platforms=(), sha256=sha256, size=size)


def _expected_hash(image_set: ImageSet, url: str) -> str:
    """Return the hash that images.toml gives for an address, or ""."""
    hashes = {
        file.sha256
        for download in _downloads(image_set, url)
        for file in download.platforms.values()
        if file.url == url and file.sha256
    }
    if len(hashes) > 1:
        problem = f"images.toml: downloads: {url} has several hashes: {', '.join(sorted(hashes))}"
        raise ExpectedError(problem, "write the same sha256 wherever the address is listed")
    return hashes.pop() if hashes else ""


def _downloads(image_set: ImageSet, url: str) -> Iterator[Download]:
    for stage in image_set.stages:
        for download in stage.downloads or ():
            if any(file.url == url for file in download.platforms.values()):
                yield download


def _report_as_of(run: LockRun, files: Mapping[str, str]) -> None:
    if files and run.options.as_of:
        note = "as-of has no effect on downloads: an address only has its current file"
        run.start_task("download")(f"{NOTE}{note}")
