"""Uploads of large blobs in chunks, which continue after a broken connection.

Protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from orbiter.oci.registry import Repository
from orbiter.oci.registry_errors import DENIED
from orbiter.oci.upload import (
    OCTETS,
    has_blob,
    new_location,
    put_blob,
    retried,
    start_upload,
    token_for,
    uploads_url,
    with_digest,
)
from resolvers.net import http

CHUNK_SIZE = 1 << 25
"""Bytes of a chunk; a smaller blob is uploaded in one piece."""
SESSIONS = 3
"""Uploads in chunks to start before the blob is sent in one piece."""
INVALID_SESSION = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    }
)

ReadRange = Callable[[int, int], Iterable[bytes]]
"""Returns the bytes from a start to a stop position."""


class _LostSessionError(Exception):
    """The registry forgot an upload, or has other bytes of it than were sent."""


class _NoChunksError(Exception):
    """The registry does not support uploads in chunks."""


def put_blob_in_chunks(
    repository: Repository, digest: str, size: int, read: ReadRange, location: str = ""
) -> None:
    """Upload a blob; after a failed chunk, continue with the bytes that the registry lacks.

    ``location`` is the address of an upload that was started for it. Sends the blob in one piece if
    the registry does not support chunks, or loses the upload again and again.
    """
    for _session in range(SESSIONS):
        upload = _Upload(repository, digest, size, read, location or start_upload(repository))
        location = ""
        try:
            return upload.run()
        except _LostSessionError:
            # The response to the last request may have been lost.
            if has_blob(repository, digest):
                return None
        except _NoChunksError:
            break
    return put_blob(repository, digest, size, lambda: read(0, size))


class _Upload:
    """One upload session, and the number of bytes that the registry has confirmed."""

    def __init__(
        self, repository: Repository, digest: str, size: int, read: ReadRange, location: str
    ) -> None:
        self._repository = repository
        self._digest = digest
        self._size = size
        self._read = read
        self._location = location
        self._confirmed = 0
        self._is_uncertain = False  # the registry may have a part of the last chunk

    def run(self) -> None:
        """Send all chunks and complete the upload."""
        url = uploads_url(self._repository)
        while self._confirmed < self._size:
            http.retry(url, self._send_chunk)
        retried(self._repository, url, self._complete)

    def _send_chunk(self) -> None:
        if self._is_uncertain:
            self._confirmed = self._received_bytes()
        start, stop = self._confirmed, min(self._confirmed + CHUNK_SIZE, self._size)
        if start == stop:
            return  # only the response to the last chunk was lost
        is_first = not start and not self._is_uncertain
        self._is_uncertain = True
        try:
            response = self._repository.authorised(lambda token: self._patch(start, stop, token))
        except http.HTTPError as error:
            if is_first and _is_unsupported(error):
                raise _NoChunksError from error
            raise _lost_or(error) from error
        self._is_uncertain = False
        self._location = new_location(response)
        self._confirmed = _end(response, stop)
        if not start < self._confirmed <= stop:
            raise _NoChunksError

    def _patch(self, start: int, stop: int, token: Mapping[str, str]) -> http.Response:
        headers = {
            "content-type": OCTETS,
            "content-range": f"{start}-{stop - 1}",
            "content-length": str(stop - start),
            **token_for(self._location, self._repository, token),
        }
        return http.send(
            "PATCH", self._location, headers=headers, body=lambda: self._read(start, stop)
        )

    def _received_bytes(self) -> int:
        """Return the number of bytes that the registry has."""
        url = self._location
        try:
            response = self._repository.authorised(
                lambda token: http.send("GET", url, headers=token_for(url, self._repository, token))
            )
        except http.HTTPError as error:
            raise _lost_or(error) from error
        self._location = new_location(response)
        received = _end(response, -1)
        if not self._confirmed <= received <= self._confirmed + CHUNK_SIZE:
            raise _LostSessionError
        return received

    def _complete(self, token: Mapping[str, str]) -> None:
        url = with_digest(self._location, self._digest)
        headers = token_for(url, self._repository, token)
        try:
            http.send("PUT", url, headers=headers)
        except http.HTTPError as error:
            # Status 400 says that the digest is wrong, which another upload does not change.
            if error.status == HTTPStatus.BAD_REQUEST:
                raise
            raise _lost_or(error) from error


def _is_unsupported(error: http.HTTPError) -> bool:
    """Return whether an error of the first chunk is a reason to send the blob in one piece."""
    is_client_error = HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
    is_refused = is_client_error and not error.temporary and error.status not in DENIED
    return is_refused or error.status == HTTPStatus.NOT_IMPLEMENTED


def _lost_or(error: http.HTTPError) -> Exception:
    """Return the error, or _LostSessionError if only a new upload can help."""
    return _LostSessionError() if error.status in INVALID_SESSION else error


def _end(response: http.Response, default: int) -> int:
    """Return the number of bytes that a response reports as received."""
    match = re.fullmatch(r"(?:bytes=)?0-(\d+)", response.headers.get("range", "").strip())
    if not match:
        return default
    end = int(match[1])
    # "0-0" means no bytes: registries answer so to a new upload.
    return end + 1 if end else 0
