"""The METADATA of wheels on an index, read without downloading the wheels and cached by hash."""

import hashlib

from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.index import remote_wheel
from resolvers.index.index_file import IndexFile
from resolvers.net import http
from resolvers.net.once import OncePerKey


class MetadataReader:
    """Reads the METADATA of each wheel once. Thread-safe."""

    def __init__(self) -> None:
        self._contents: OncePerKey[tuple[str, str], bytes] = OncePerKey()

    def read(self, wheel: IndexFile) -> bytes:
        """Return the wheel's METADATA. Raises HTTPError, or ExpectedError if it has none."""
        # The page may name another file at the same address when it is read again.
        key = (wheel.url, wheel.hashes.get("sha256", ""))
        return self._contents(key, lambda: _read_cached(wheel))


def _read_cached(wheel: IndexFile) -> bytes:
    digest = wheel.hashes.get("sha256")
    # Without a hash, the file at this address may change at any time.
    if digest is None:
        return _download(wheel)
    path = cache.folder("metadata", digest[:2]) / digest
    try:
        return path.read_bytes()
    except FileNotFoundError:
        content = _download(wheel)
    cache.write(path, content)
    return content


def _download(wheel: IndexFile) -> bytes:
    if wheel.metadata is None:
        return remote_wheel.metadata(wheel.url)
    content = http.get(wheel.url + ".metadata").content
    expected = wheel.metadata.get("sha256")
    if expected and hashlib.sha256(content).hexdigest() != expected:
        raise ExpectedError(
            f"the metadata of {wheel.name} does not match the hash on the index's page "
            f"(sha256 {expected})",
            "try again; if the error persists, report it to the operator of the index",
        )
    return content
