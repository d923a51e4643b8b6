"""Files of pip that come from an address in images.toml instead of an index.

Their source in a lock is ``url:<address>``, or ``git:<address>@<commit>`` for an sdist that is made
of a commit. Verified files are kept in the cache by their sha256.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.index.git_address import SOURCE as GIT
from resolvers.index.git_sdist import sdist_of
from resolvers.index.index_file import IndexFile
from resolvers.index.source import FOLDER, URL
from resolvers.net import http
from resolvers.scratch import scratch_folder
from resolvers.types.packages import Artifact

UPLOAD_TIME = datetime(1980, 1, 1, tzinfo=UTC)
"""Upload time of all direct files: it is not known, so that no moment hides them."""


def index_file(artifact: Artifact) -> IndexFile:
    """Return a file of a direct source as an index would offer it, verified and in the cache.

    Raises HTTPError, and ExpectedError if its bytes are not those of the lock.
    """
    path = cached_path(artifact.hash)
    if not path.exists():
        _fetch(artifact)
    return IndexFile(
        name=artifact.file,
        url=path.as_uri(),
        hashes={"sha256": artifact.hash.partition(":")[2]},
        size=path.stat().st_size,
        upload_time=UPLOAD_TIME,
    )


def cached_path(digest: str) -> Path:
    """Return the path in the cache of a file with this sha256, whether it exists or not."""
    hexadecimal = digest.partition(":")[2]
    return cache.folder("direct", hexadecimal[:2]) / hexadecimal


def download(url: str) -> tuple[str, int]:
    """Download a file into the cache; return its hash and its size in bytes. Raises HTTPError."""
    hasher, size = hashlib.sha256(), 0
    with scratch_folder(cache.folder("new"), "new-", cache.CACHE_HINT) as scratch:
        part = scratch / "part"
        with part.open("wb") as file:
            for chunk in http.stream_chunks(url):
                hasher.update(chunk)
                size += file.write(chunk)
        digest = f"sha256:{hasher.hexdigest()}"
        part.replace(cached_path(digest))
    return digest, size


def keep(content: bytes) -> str:
    """Write a file into the cache; return its hash."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    cache.write(cached_path(digest), content)
    return digest


def _fetch(artifact: Artifact) -> None:
    """Fetch a file of the lock into the cache."""
    if artifact.source.startswith(FOLDER):
        raise ExpectedError(
            f"the wheel {artifact.file} of a folder is not in the cache",
            "run orbiter lock --upgrade-package for it",
        )
    if artifact.source.startswith(GIT):
        actual = keep(sdist_of(artifact.source, artifact.file))
    else:
        actual, _ = download(artifact.source.removeprefix(URL))
    if actual != artifact.hash:
        raise ExpectedError(
            f"{artifact.source} is another file now: expected {artifact.hash}, got {actual}",
            "ask its author why it changed, or lock the new file with --upgrade-package",
        )


@contextmanager
def open_sdist(
    source: str, file_name: str, _headers: Mapping[str, str] = {}
) -> Iterator[http.Stream]:
    """Stream the sdist of a commit; ranges are ignored. Raises ExpectedError."""
    content = sdist_of(source, file_name)
    length = {"content-length": str(len(content))}
    yield http.Stream(200, source, length, iter((content,)))
