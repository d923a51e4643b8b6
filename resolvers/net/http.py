"""The only module that makes HTTP requests.

Proxies, certificates, credentials and retries are the same for all of them.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from resolvers.errors import ExpectedError
from resolvers.net import profile, server_dates
from resolvers.net.addresses import is_url, local_path
from resolvers.net.http_client import netrc_credentials, new_client
from resolvers.net.once import Lazy
from resolvers.redaction import redact, request_line

if TYPE_CHECKING:
    import httpx

CHUNK = 1 << 18
"""Bytes to read from a file at a time."""
ERROR_SIZE = 1 << 16
"""Bytes to read from the body of a failed response."""
PAUSES = (0.3, 1.0, 3.0)
"""Seconds to wait before each retry, unless the server's Retry-After asks for more."""
LONGEST_PAUSE = 30.0
UNRESPONSIVE_PERIOD = 10.0
"""Seconds during which requests to a host that did not respond are not retried."""
UNAUTHORISED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

T = TypeVar("T")
Body = Callable[[], bytes | Iterable[bytes]]
"""Returns the bytes to send, from the beginning at every call."""

_logger = logging.getLogger(__name__)

OFFLINE = (
    "check that this machine is online, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or the proxy in "
    "config.toml"
)


class HTTPError(ExpectedError):
    """A request that failed.

    ``status`` is 0 if there was no response. ``headers`` have lower-case names. ``content`` is the
    beginning of the body. ``temporary`` says whether the same request may succeed later.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status: int = 0,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.headers = headers or {}
        self.content = content
        self.temporary = (
            status in {0, HTTPStatus.TOO_MANY_REQUESTS}
            or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )


def unreachable(url: str, reason: str, origin: str, hint: str = OFFLINE) -> HTTPError:
    """Return the error for an address that another program could not reach.

    ``origin`` names the setting that has the address, unless that is a mirror of the profile.
    """
    error = HTTPError(f"{redact(url)} did not respond: {reason}", hint)
    return with_origin(error, profile.origin_of_mirror(url) or origin)


def with_origin(error: HTTPError, origin: str) -> HTTPError:
    """Return the error with the file or the variable that the address comes from, if any."""
    if not origin:
        return error
    message = f"{error.message} (the address comes from {origin})"
    named = HTTPError(
        message,
        error.hint,
        status=error.status,
        headers=error.headers,
        content=error.content,
    )
    named.temporary = error.temporary
    return named


class Response(msgspec.Struct, frozen=True):
    """A complete response; ``url`` is the one after redirections, header names are lower-case."""

    status: int
    url: str
    headers: Mapping[str, str]
    content: bytes


class Stream(msgspec.Struct, frozen=True):
    """A response whose bytes are read as they arrive, exactly as sent.

    ``chunks`` raises HTTPError if the connection breaks.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class _Session:
    """The state that all requests of this process share."""

    def __init__(self) -> None:
        self.client: Lazy[httpx.Client] = Lazy(new_client, retry=True)
        self._failed_at: dict[str, float] = {}

    def is_unresponsive(self, host: str) -> bool:
        """Return whether a host failed to respond a short time ago.

        Then hundreds of requests to it need not all wait for their retries.
        """
        failed_at = self._failed_at.get(host, -UNRESPONSIVE_PERIOD)
        return time.monotonic() - failed_at < UNRESPONSIVE_PERIOD

    def mark_unresponsive(self, host: str) -> None:
        """Remember that a host did not respond."""
        self._failed_at[host] = time.monotonic()


def get(url: str, *, headers: Mapping[str, str] = {}) -> Response:
    """Return the response to a GET; ``file:`` URLs work too.

    Raises HTTPError if there is no response, and for status 400 and above.
    """
    if url.startswith("file:"):
        with _open_file(url) as file:
            return Response(HTTPStatus.OK, url, {}, file.read())
    return retry(url, lambda: _read(_open(url, headers), url))


@contextmanager
def stream(url: str, *, headers: Mapping[str, str] = {}) -> Iterator[Stream]:
    """Stream a large file; otherwise like ``get``.

    A ``file:`` URL does not serve ranges: its status is always 200.
    """
    if url.startswith("file:"):
        with _open_file(url) as file:
            length = {"content-length": str(os.fstat(file.fileno()).st_size)}
            yield Stream(HTTPStatus.OK, url, length, iter(lambda: file.read(CHUNK), b""))
        return
    # Without compression, ranges and hashes refer to the bytes of the file itself.
    response = retry(url, lambda: _open(url, {"accept-encoding": "identity", **headers}))
    try:
        final_url, chunks = str(response.url), _chunks(url, response)
        yield Stream(response.status_code, final_url, _headers(response), chunks)
    finally:
        response.close()


def send(
    method: str, url: str, *, headers: Mapping[str, str] = {}, body: Body = lambda: b""
) -> Response:
    """Return the response to a request of another method, without retries.

    The caller knows what may be repeated, and wraps it in ``retry``. ``headers`` must hold the
    content-length of the ``body``. A request with a body does not follow redirections. Raises
    HTTPError like ``get``.
    """
    return _read(_open(url, headers, method, body()), url)


def stream_chunks(url: str, *, headers: Mapping[str, str] = {}) -> Iterator[bytes]:
    """Yield the bytes of ``stream``; closes the response when the iterator ends or is closed."""
    with stream(url, headers=headers) as response:
        yield from response.chunks


def retry(url: str, attempt: Callable[[], T]) -> T:
    """Return the result of ``attempt``, repeating it while it raises a temporary HTTPError."""
    if not is_url(url):
        raise _invalid(url)
    host = urlsplit(url).netloc
    for pause in PAUSES:
        if _session.is_unresponsive(host):
            break  # one last attempt follows
        try:
            return attempt()
        except HTTPError as error:
            if not error.temporary:
                raise
            time.sleep(_pause(pause, error))
    try:
        return attempt()
    except HTTPError as error:
        if error.status == 0:
            _session.mark_unresponsive(host)
        raise


def _pause(pause: float, error: HTTPError) -> float:
    requested = error.headers.get("retry-after", "")
    seconds = float(requested) if requested.isdecimal() else 0
    return min(max(pause, seconds), LONGEST_PAUSE)


def join(url: str, link: str) -> str:
    """Return the address that a link on a page names; raise HTTPError if it is invalid."""
    try:
        return urljoin(url, link)
    except ValueError:
        raise _invalid(link) from None


def _invalid(url: str) -> HTTPError:
    # A status that is not 0, because another attempt gives the same error.
    message = f"{redact(url)} is not a valid address"
    return HTTPError(message, status=HTTPStatus.BAD_REQUEST)


_session = _Session()


def _open_file(url: str) -> BinaryIO:
    try:
        return local_path(url).open("rb")
    except OSError as error:
        raise HTTPError(
            f"cannot read {url}: {error.strerror}", status=HTTPStatus.NOT_FOUND
        ) from error


def _open(
    url: str,
    headers: Mapping[str, str],
    method: str = "GET",
    content: bytes | Iterable[bytes] = b"",
) -> "httpx.Response":
    """Send a request and return the response, its body not read yet."""
    import httpx

    try:
        client = _session.client()
        request = client.build_request(method, url, headers=dict(headers), content=content or None)
        response = client.send(
            request,
            stream=True,
            auth=netrc_credentials(url, headers),
            follow_redirects=not content,  # an iterator cannot be sent a second time
        )
    except (httpx.RequestError, httpx.InvalidURL) as error:
        _logger.info("%s", request_line(method, url, "no response"))
        raise _no_response(url, error) from error
    _logger.info("%s", request_line(method, url, response.status_code))
    server_dates.keep(response.url.host, response.headers)
    if not response.is_success:
        raise _bad_status(url, response, _error_content(response))
    return response


def _error_content(response: "httpx.Response") -> bytes:
    """Return the beginning of a body that says why a request failed, if it can be read."""
    import httpx

    try:
        return next(response.iter_bytes(ERROR_SIZE), b"")
    except (httpx.TransportError, httpx.DecodingError):
        return b""
    finally:
        response.close()


def _read(response: "httpx.Response", url: str) -> Response:
    import httpx

    try:
        content = response.read()
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise _no_response(url, error) from error
    finally:
        response.close()
    return Response(response.status_code, str(response.url), _headers(response), content)


def _chunks(url: str, response: "httpx.Response") -> Iterator[bytes]:
    import httpx

    try:
        yield from response.iter_raw()
    except httpx.TransportError as error:
        raise _no_response(url, error) from error


def _headers(response: "httpx.Response") -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _bad_status(url: str, response: "httpx.Response", content: bytes) -> HTTPError:
    status, hint = response.status_code, ""
    if status in UNAUTHORISED:
        host = urlsplit(redact(url)).netloc
        hint = f"add credentials for {host} to ~/.netrc, or to the setting that holds its address"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        hint = (
            "add the proxy's user and password to HTTPS_PROXY and HTTP_PROXY, or to the proxy in "
            "config.toml"
        )
    message = f"{redact(url)} returned {status} {response.reason_phrase}".rstrip()
    headers = _headers(response)
    return HTTPError(message, hint, status=status, headers=headers, content=content)


def _no_response(url: str, error: Exception) -> HTTPError:
    import httpx

    reason = str(error) or type(error).__name__
    untrusted = "CERTIFICATE_VERIFY_FAILED" in reason
    hint = OFFLINE
    if untrusted:
        hint = (
            "name a file with the certificates to trust in SSL_CERT_FILE "
            "(or PIP_CERT, REQUESTS_CA_BUNDLE), or in ca-bundle of config.toml"
        )
    if isinstance(error, httpx.UnsupportedProtocol):
        hint = "correct the address: it must begin with https:// or http://"
    failure = HTTPError(f"{redact(url)} did not respond: {reason}", hint)
    permanent = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects)
    failure.temporary = not untrusted and not isinstance(error, permanent)
    return failure
