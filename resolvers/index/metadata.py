"""The METADATA of wheels on the index, without fetching the wheels; kept on this machine by the wheel's hash."""

import hashlib
import tempfile
from pathlib import Path

from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.index import remote_wheel
from resolvers.index.index import IndexFile
from resolvers.net import http
from resolvers.net.once import Once


class Metadata:
    """Gets the metadata of each wheel once. Thread-safe."""

    def __init__(self) -> None:
        self._once: Once[str, bytes] = Once()

    def of(self, file: IndexFile) -> bytes:
        """The wheel's METADATA. Raises HTTPError, or ExpectedError where there is none."""
        return self._once(file.url, lambda: _kept(file))


def _kept(file: IndexFile) -> bytes:
    digest = file.hashes.get("sha256")
    if digest is None:
        return _fetched(file)
    path = cache.folder("metadata", digest[:2]) / digest
    try:
        return path.read_bytes()
    except FileNotFoundError:
        content = _fetched(file)
    _write(path, content)
    return content


def _fetched(file: IndexFile) -> bytes:
    if file.metadata is None:
        return remote_wheel.metadata(file.url)
    content = http.get(file.url + ".metadata").content
    expected = file.metadata.get("sha256")
    if expected and hashlib.sha256(content).hexdigest() != expected:
        raise ExpectedError(
            f"the index's metadata of {file.name} is not what its page promises (sha256 {expected})",
            "try again; if it stays, tell those who run the index",
        )
    return content


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
