"""The content-addressed folder of fetched files on this machine."""

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from orbiter.store.download import (
    HashMismatchError,
    OpenSource,
    ReportBytes,
    download_rest,
    finish_part,
    format_hash,
    open_part,
    part_size,
    read_chunks,
)
from orbiter.threads import stoppable_threads
from resolvers.cache import folder
from resolvers.errors import ExpectedError

VERIFIERS = 4
"""Threads that verify files."""
LINK_UNSUPPORTED = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}


class Store:
    """The store at ``root``, by default in the cache; safe for several processes at the same time.

    A file gets its name, ``<algorithm>/<2 hex>/<hex>``, when all its bytes are verified. Until then
    it is ``<hex>.part``, locked by the process that writes it.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or folder("store")

    def path(self, digest: str) -> Path:
        """Return the path of the file with this hash, whether it exists or not."""
        algorithm, _, hexadecimal = digest.partition(":")
        return self.root / algorithm / hexadecimal[:2] / hexadecimal

    def has(self, digest: str, size: int = 0) -> bool:
        """Return whether a file exists, with this size if it is known; does not read its bytes."""
        try:
            actual_size = self.path(digest).stat().st_size
        except FileNotFoundError:
            return False
        return size in {0, actual_size}

    def download(
        self,
        digest: str,
        source: OpenSource,
        *,
        name: str,
        size: int = 0,
        progress: ReportBytes = lambda _received, _total: None,
    ) -> None:
        """Download a file from ``source``, continuing an earlier attempt.

        ``name`` is for messages. Raises HTTPError if the source fails, HashMismatchError if its
        bytes do not match ``digest``. Waits while another process downloads the same file.
        """
        target = self.path(digest)
        with open_part(target, progress) as part:
            if self.has(digest, size):  # another process has fetched it in the meantime
                return
            resumed = part_size(part) > 0
            actual = download_rest(part, digest, size, source, progress)
            if actual != digest and resumed:  # the bytes of the earlier attempt may be wrong
                part.truncate(0)
                actual = download_rest(part, digest, size, source, progress)
            if actual != digest or size not in {0, part_size(part)}:
                expected_size = f" ({size} bytes)" if size else ""
                raise hash_mismatch(
                    name,
                    f"{digest}{expected_size}",
                    f"{actual} ({part_size(part)} bytes)",
                )
            finish_part(part, target)

    def add(self, content: bytes | Path, digest: str, *, name: str = "") -> None:
        """Store some bytes, or a copy of a file. Raises HashMismatchError."""
        target = self.path(digest)
        with open_part(target, lambda _received, _total: None) as part:
            part.truncate(0)
            hasher = hashlib.new(digest.partition(":")[0])
            chunks = [content] if isinstance(content, bytes) else read_chunks(content)
            for chunk in chunks:
                part.write(chunk)
                hasher.update(chunk)
            actual = format_hash(hasher)
            if actual != digest:
                raise hash_mismatch(name or str(content)[:60], digest, actual)
            finish_part(part, target)

    def verify(self, digest: str, name: str = "") -> Path:
        """Read all bytes of a file, check its hash and return its path.

        Raises ExpectedError if it is missing. If its hash is wrong, moves the file aside, so that
        it can be fetched again, and raises HashMismatchError.
        """
        path = self.path(digest)
        try:
            actual = hash_file(path, digest.partition(":")[0])
        except FileNotFoundError:
            raise ExpectedError(
                f"{name or digest} is not in the store ({digest})",
                "run 'orbiter fetch' to fetch missing files",
            ) from None
        if actual != digest:
            with suppress(FileNotFoundError):  # another thread has moved it already
                path.replace(path.with_suffix(".bad"))
            raise HashMismatchError(
                f"{name or path.name} was changed in the store: expected {digest}, got {actual}",
                "the file was moved aside; run 'orbiter fetch' to fetch it again",
            )
        return path

    def link(self, digest: str, destination: Path) -> None:
        """Verify a file and hard-link it to ``destination``, or copy it across file systems."""
        path = self.verify(digest, destination.name)
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.unlink(missing_ok=True)
        link_or_copy(path, destination)

    def link_all(self, links: Iterable[tuple[str, Path]]) -> None:
        """Link files, given as hash and destination, and report all failures together."""
        with stoppable_threads(VERIFIERS) as pool:
            failures = list(pool.map(lambda link: _failure(self.link, *link), links))
        raise_all("cannot be used from the store", [failure for failure in failures if failure])


def link_or_copy(path: Path, destination: Path) -> None:
    """Hard-link a file to a new path; copy it if the file systems do not allow the link."""
    try:
        destination.hardlink_to(path)
    except OSError as error:
        if error.errno not in LINK_UNSUPPORTED:
            raise
        shutil.copyfile(path, destination)


def hash_file(path: Path, algorithm: str) -> str:
    """Return the hash of a file, prefixed with the algorithm."""
    hasher = hashlib.new(algorithm)
    for chunk in read_chunks(path):
        hasher.update(chunk)
    return format_hash(hasher)


def raise_all(problem: str, failures: list[ExpectedError]) -> None:
    """Raise one ExpectedError for all failures, if there are any: ``2 files <problem>: …``."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        lines = [f"{len(failures)} files {problem}:"]
        lines += [f"  {failure.message}" for failure in failures]
        hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
        raise ExpectedError("\n".join(lines), "\n".join(hints))


def hash_mismatch(name: str, expected: str, actual: str) -> HashMismatchError:
    """Return the error for a file that arrived with unexpected bytes."""
    return HashMismatchError(
        f"{name}: expected {expected}, got {actual}",
        "the file was replaced at its source, or a proxy responded instead; nothing was stored",
    )


def _failure(
    action: Callable[[str, Path], None], digest: str, destination: Path
) -> ExpectedError | None:
    try:
        action(digest, destination)
    except ExpectedError as error:
        return error
    return None
