"""Checks of downloads and of the archive."""

import os
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

from orbiter.archive.configured import ARCHIVE
from orbiter.archive.target import open_storage
from orbiter.config.image_set import ImageSet
from orbiter.doctor.check import Asks, Check
from orbiter.doctor.result import Outcome, ok, skipped
from orbiter.doctor.subject import downloads
from orbiter.fetch.sources import HttpLocation, open_location
from resolvers.net.profile import origin


def download_checks(image_set: ImageSet) -> Iterator[Check]:
    """Yield a check of each server that downloads come from."""
    by_host: dict[str, list[str]] = {}
    for url in downloads(image_set):
        by_host.setdefault(urlsplit(url).netloc, []).append(url)
    for urls in by_host.values():
        yield Check("download", partial(_check_download, urls[0], len(urls)))


def _check_download(url: str, count: int, asks: Asks) -> Outcome:
    """Request a file as fetching does, and read only the head of the answer."""
    asks(url, "'downloads' in images.toml")
    with open_location(HttpLocation(url), {}):
        pass
    return ok("it has the file" if count == 1 else f"it has the file, the first of {count}")


def check_archive(asks: Asks) -> Outcome:
    """List the releases of the archive that fetching asks first."""
    target = os.environ.get(ARCHIVE, "")
    if not target:
        return skipped(f"{ARCHIVE} names none")
    asks(target, origin(ARCHIVE))
    storage = open_storage(target)
    releases = storage.list_releases()
    storage.read_manifest(releases[-1])
    return ok(f"releases: {', '.join(releases)}")
