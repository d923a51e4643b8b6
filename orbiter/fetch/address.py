"""Downloads the file at an address whose hash may not be known yet, and puts it into the store."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from orbiter.fetch.sources import HttpLocation, open_location
from orbiter.render.model import LAYER_TIME
from orbiter.store.store import Store
from orbiter.store.unpack import Layout, Owner, write_tar
from resolvers.cache import CACHE_HINT
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.redaction import redact
from resolvers.scratch import scratch_folder

ATTEMPTS = 3
"""Requests for a file whose connection breaks. Each one starts at the first byte."""


def store_download(store: Store, url: str, sha256: str, strips: tuple[int, ...]) -> tuple[str, int]:
    """Put the file at an address into the store; return its sha256 and its size in bytes.

    ``sha256`` is the expected one; if it is "", the file is always requested. Raises HTTPError,
    HashMismatchError, and ExpectedError if the file is not an archive that can be unpacked with
    each number of ``strips``.
    """
    with _scratch(store) as folder:
        found = sha256 or _store_unknown(store, url, folder / "file")
        digest = f"sha256:{found}"
        if not store.has(digest):
            store.download(digest, partial(open_location, HttpLocation(url)), name=url)
        for strip in strips:
            layout = Layout(strip, Owner(), LAYER_TIME)
            write_tar(store.path(digest), folder / "archive.tar", layout, url)
        return found, store.path(digest).stat().st_size


@contextmanager
def _scratch(store: Store) -> Iterator[Path]:
    with scratch_folder(store.root / "downloads", "download-", CACHE_HINT) as folder:
        yield folder


def _store_unknown(store: Store, url: str, path: Path) -> str:
    """Download a file whose hash is not known, put it into the store, and return its sha256."""
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            sha256 = _write(url, path)
            break
        except http.HTTPError as error:
            if not error.temporary or not attempts_left:
                raise
    store.add(path, f"sha256:{sha256}", name=url)
    return sha256


def _write(url: str, path: Path) -> str:
    """Write the file at an address, and return its sha256."""
    hasher = hashlib.sha256()
    with http.stream(url) as response, path.open("wb") as file:
        _refuse_unencrypted(url, response.url)
        for chunk in response.chunks:
            file.write(chunk)
            hasher.update(chunk)
    return hasher.hexdigest()


def _refuse_unencrypted(url: str, final_url: str) -> None:
    """Raise ExpectedError if the server redirects from https to http."""
    before, after = urlsplit(url), urlsplit(final_url)
    if (before.scheme, after.scheme) == ("https", "http"):
        problem = f"{url} redirects to an address that is not encrypted: {redact(final_url)}"
        raise ExpectedError(problem, "add the sha256 of the file to images.toml")
