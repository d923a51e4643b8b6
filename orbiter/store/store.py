"""The content-addressed folder of fetched artifacts on this machine, and the lists of what a stage needs."""

import contextlib
import errno
import hashlib
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orbiter.store.download import (
    Open,
    Progress,
    WrongBytesError,
    chunks,
    fill,
    finish,
    length,
    part_of,
    spelled,
)
from resolvers.cache import folder
from resolvers.errors import ExpectedError

VERIFIERS = 4


class Store:
    """The store under ``root``, by default this machine's; safe with several Orbiters at once.

    A file has its name, ``<algorithm>/<2 hex>/<hex>``, only when all its bytes were verified. ``<hex>.part``
    is one on its way here, locked by whom fills it.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or folder("store")

    def path(self, digest: str) -> Path:
        """Where the file with this hash is, or would be."""
        algorithm, _, hexadecimal = digest.partition(":")
        return self.root / algorithm / hexadecimal[:2] / hexadecimal

    def has(self, digest: str, size: int = 0) -> bool:
        """Is the file here, and of this size if that is known? Its bytes are not read."""
        try:
            found = self.path(digest).stat().st_size
        except FileNotFoundError:
            return False
        return size in {0, found}

    def download(
        self,
        digest: str,
        source: Open,
        *,
        name: str,
        size: int = 0,
        progress: Progress = lambda _d, _t: None,
    ) -> None:
        """Fill in one file from ``source``, going on where an earlier try ended.

        ``name`` is for messages. Raises HTTPError when the source fails, WrongBytesError when it gives other
        bytes than ``digest`` names. Waits for another Orbiter that is fetching the same file.
        """
        target = self.path(digest)
        with part_of(target, progress) as part:
            if self.has(digest, size):
                return
            resumed = length(part) > 0
            got = fill(part, digest, size, source, progress)
            if got != digest and resumed:  # the fault may lie in what an earlier try left
                part.truncate(0)
                got = fill(part, digest, size, source, progress)
            if got != digest or size not in {0, length(part)}:
                raise wrong_bytes(
                    name,
                    f"{digest} ({size or 'any number of'} bytes)",
                    f"{got} ({length(part)} bytes)",
                )
            finish(part, target)

    def add(self, content: bytes | Path, digest: str, *, name: str = "") -> None:
        """Put bytes, or a copy of a file, into the store. Raises WrongBytesError."""
        target = self.path(digest)
        with part_of(target, lambda _done, _total: None) as part:
            part.truncate(0)
            hasher = hashlib.new(digest.partition(":")[0])
            for chunk in [content] if isinstance(content, bytes) else chunks(content):
                part.write(chunk)
                hasher.update(chunk)
            got = spelled(hasher)
            if got != digest:
                raise wrong_bytes(name or str(content)[:60], digest, got)
            finish(part, target)

    def verify(self, digest: str, name: str = "") -> Path:
        """The path of a file whose bytes were just read and are right.

        Raises ExpectedError when it is not here. One with other bytes is moved aside, so that it can be
        fetched again, and WrongBytesError raised.
        """
        path = self.path(digest)
        try:
            got = hash_file(path, digest.partition(":")[0])
        except FileNotFoundError:
            raise ExpectedError(
                f"{name or digest} is not in the store ({digest})",
                "run 'orbiter fetch' to fetch what is missing",
            ) from None
        if got != digest:
            with contextlib.suppress(FileNotFoundError):  # another thread has found it out too
                path.replace(path.with_suffix(".bad"))
            raise WrongBytesError(
                f"{name or path.name} was changed in the store: expected {digest}, got {got}",
                "it was moved aside; 'orbiter fetch' fetches it again",
            )
        return path

    def link(self, digest: str, destination: Path) -> None:
        """Verify a file and hard-link it (across file systems: copy it) to ``destination``."""
        path = self.verify(digest, destination.name)
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.unlink(missing_ok=True)
        link_or_copy(path, destination)

    def link_all(self, links: Iterable[tuple[str, Path]]) -> None:
        """Link many files, verifying several at once; all that fail are reported together."""
        with ThreadPoolExecutor(VERIFIERS) as pool:
            failures = list(pool.map(lambda link: _failure(self.link, *link), links))
        raise_all("cannot be used from the store", [failure for failure in failures if failure])


def link_or_copy(path: Path, destination: Path) -> None:
    """Hard-link a file to where nothing is; copy it across file systems, and where they cannot link."""
    try:
        destination.hardlink_to(path)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
            raise
        shutil.copyfile(path, destination)


def hash_file(path: Path, algorithm: str) -> str:
    """The hash of a file, with the algorithm's name before it."""
    with path.open("rb") as file:
        return spelled(hashlib.file_digest(file, algorithm))


def raise_all(what: str, failures: list[ExpectedError]) -> None:
    """Raise one ExpectedError that tells of all failures; none for none."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        lines = [
            f"{len(failures)} files {what}:",
            *(f"  {failure.message}" for failure in failures),
        ]
        hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
        raise ExpectedError("\n".join(lines), "\n".join(hints))


def wrong_bytes(name: str, expected: str, got: str) -> WrongBytesError:
    """The error for a file that came with other bytes than it should have."""
    return WrongBytesError(
        f"{name}: expected {expected}, got {got}",
        "the file was replaced where it comes from, or a proxy answered in its place; nothing was kept",
    )


def _failure(action: Callable[[str, Path], None], digest: str, path: Path) -> ExpectedError | None:
    try:
        action(digest, path)
    except ExpectedError as error:
        return error
    return None
