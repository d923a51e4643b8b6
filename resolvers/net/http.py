"""The one door for HTTP: proxies, certificates, credentials and retries are the same for everything."""

import netrc
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

from resolvers.errors import ExpectedError
from resolvers.net import pip_config

if TYPE_CHECKING:
    import ssl

    import httpx

CHUNK = 1 << 18
"""Bytes that are read at once from a file."""
CONNECTIONS = 32
LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""Never asked through a proxy: what runs there is this machine's own, and tokens go there."""
PAUSES = (0.3, 1.0, 3.0)
"""Seconds to wait before each further try; a server's Retry-After counts where it asks for more."""
LONGEST_PAUSE = 30.0
SILENCE = 10.0
"""Seconds for which a host that did not answer any try is tried only once more a request."""
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
UNAUTHORISED = frozenset({401, 403})
PROXY_UNAUTHORISED = 407
CERTIFICATE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

T = TypeVar("T")
Body = Callable[[], bytes | Iterable[bytes]]
"""Gives the bytes to send, from their beginning each time that it is called."""
_client_lock = threading.Lock()
_silent: dict[str, float] = {}


class HTTPError(ExpectedError):
    """A request that failed; ``status`` is 0 where there was no answer, ``headers`` have lower-case names.

    ``passing`` says that the same request may well succeed in a while.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.headers = headers or {}
        self.passing = status in {0, TOO_MANY_REQUESTS} or status >= SERVER_ERROR


class Response(msgspec.Struct, frozen=True):
    """A whole answer; ``url`` is where it came from in the end, header names are in lower case."""

    status: int
    url: str
    headers: Mapping[str, str]
    content: bytes


class Stream(msgspec.Struct, frozen=True):
    """An answer whose bytes are read as they come, exactly as sent; HTTPError where they break off."""

    status: int
    url: str
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


def get(url: str, *, headers: Mapping[str, str] = {}) -> Response:
    """The answer to a GET, also of a ``file:`` URL. Raises HTTPError without an answer and from 400 on."""
    if url.startswith("file:"):
        with _open_file(url) as file:
            return Response(200, url, {}, file.read())
    return retried(url, lambda: _read(_open(url, headers), url))


@contextmanager
def stream(url: str, *, headers: Mapping[str, str] = {}) -> Iterator[Stream]:
    """Like ``get``, for large files. A ``file:`` URL serves no ranges: its status is always 200."""
    if url.startswith("file:"):
        with _open_file(url) as file:
            size = os.fstat(file.fileno()).st_size
            yield Stream(
                200, url, {"content-length": str(size)}, iter(lambda: file.read(CHUNK), b"")
            )
        return
    response = retried(url, lambda: _open(url, {"accept-encoding": "identity", **headers}))
    try:
        yield Stream(
            response.status_code, str(response.url), _headers(response), _chunks(url, response)
        )
    finally:
        response.close()


def send(
    method: str, url: str, *, headers: Mapping[str, str] = {}, body: Body = lambda: b""
) -> Response:
    """The answer to a request of another method, asked once: the caller knows what may be ``retried``.

    ``headers`` name the content-length of a ``body``, which follows no redirection. Raises HTTPError like ``get``.
    """
    return _read(_open(url, headers, method, body()), url)


def chunks(url: str, *, headers: Mapping[str, str] = {}) -> Iterator[bytes]:
    """The bytes of ``stream``, which ends when they do or when nobody wants more."""
    with stream(url, headers=headers) as answer:
        yield from answer.chunks


def redact(url: str) -> str:
    """The URL without credentials."""
    scheme, separator, rest = url.partition("://")
    if re.match(r"[^/@:]*(:\d+)?(/|$)", rest):
        return url
    # A password may hold an unescaped "/", so everything up to the last "@" goes.
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def local_path(url: str) -> Path:
    """The path that a ``file:`` URL names."""
    return Path(unquote(urlsplit(url).path))


def _open_file(url: str) -> BinaryIO:
    try:
        return local_path(url).open("rb")
    except OSError as error:
        raise HTTPError(f"{url} cannot be read: {error.strerror}", status=404) from error


def _read(response: "httpx.Response", url: str) -> Response:
    import httpx

    try:
        content = response.read()
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise _broken(url, error) from error
    finally:
        response.close()
    return Response(response.status_code, str(response.url), _headers(response), content)


def _open(
    url: str,
    headers: Mapping[str, str],
    method: str = "GET",
    content: bytes | Iterable[bytes] = b"",
) -> "httpx.Response":
    import httpx

    try:
        client = _client()
        request = client.build_request(method, url, headers=dict(headers), content=content or None)
        response = client.send(
            request,
            stream=True,
            auth=_netrc_credentials(url, headers),
            follow_redirects=not content,
        )
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise _broken(url, error) from error
    if not response.is_success:
        response.close()
        raise _refused(url, response)
    return response


def _chunks(url: str, response: "httpx.Response") -> Iterator[bytes]:
    import httpx

    try:
        yield from response.iter_raw()
    except httpx.TransportError as error:
        raise _broken(url, error) from error


def retried(url: str, attempt: Callable[[], T]) -> T:
    """What ``attempt`` gives, tried again while its HTTPError is a passing one."""
    host = urlsplit(url).netloc
    for pause in PAUSES:
        if time.monotonic() - _silent.get(host, -SILENCE) < SILENCE:
            break  # it was tried enough just now: hundreds of files need not all wait for it
        try:
            return attempt()
        except HTTPError as error:
            if not error.passing:
                raise
            asked = error.headers.get("retry-after", "")
            time.sleep(min(max(pause, float(asked) if asked.isdecimal() else 0), LONGEST_PAUSE))
    return _last(host, attempt)


def _last(host: str, attempt: Callable[[], T]) -> T:
    try:
        return attempt()
    except HTTPError as error:
        if error.status == 0:
            _silent[host] = time.monotonic()
        raise


def _client() -> "httpx.Client":
    with _client_lock:  # a cache alone would let two threads make one each
        return _make_client()


@cache
def _make_client() -> "httpx.Client":
    import httpx

    return httpx.Client(
        verify=_tls(),
        follow_redirects=True,
        headers={"user-agent": "orbiter"},
        timeout=httpx.Timeout(60, connect=20, pool=None),
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        mounts=dict.fromkeys(LOOPBACK),
    )


def _tls() -> "ssl.SSLContext":
    for variable in CERTIFICATE_VARIABLES:
        if bundle := os.environ.get(variable):
            return _trusting(bundle, variable)
    if bundle := pip_config.settings().get("cert"):
        return _trusting(bundle, "cert of pip's configuration")
    import ssl

    import certifi

    context = ssl.create_default_context()  # what the system trusts, ...
    context.load_verify_locations(
        certifi.where()
    )  # ... and what to trust where it has no such store
    return context


def _trusting(bundle: str, setting: str) -> "ssl.SSLContext":
    import ssl

    path = Path(bundle).expanduser()
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except OSError as error:  # also what OpenSSL raises for a file without certificates
        raise ExpectedError(
            f"the certificates in '{bundle}' ({setting}) cannot be read: {error}",
            "name a file of PEM certificates there, or unset it",
        ) from error


def _netrc_credentials(url: str, headers: Mapping[str, str]) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if "authorization" in headers or parts.username or not parts.hostname:
        return None
    found = _netrc(os.environ.get("NETRC") or "~/.netrc", parts.hostname)
    return (found[0], found[2] or "") if found else None


@cache
def _netrc(file: str, host: str) -> tuple[str, str | None, str | None] | None:
    try:
        return netrc.netrc(Path(file).expanduser()).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None  # like pip: a netrc that cannot be read is no netrc


def _headers(response: "httpx.Response") -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _refused(url: str, response: "httpx.Response") -> HTTPError:
    status, hint = response.status_code, ""
    if status in UNAUTHORISED:
        host = urlsplit(redact(url)).netloc
        hint = f"give credentials for {host}: in ~/.netrc, or where its address is configured"
    if status == PROXY_UNAUTHORISED:
        hint = "give the proxy's user and password in HTTPS_PROXY or HTTP_PROXY"
    message = f"{redact(url)} answered {status} {response.reason_phrase}".rstrip()
    return HTTPError(message, hint, status=status, headers=_headers(response))


def _broken(url: str, error: Exception) -> HTTPError:
    import httpx

    reason = str(error) or type(error).__name__
    untrusted = "CERTIFICATE_VERIFY_FAILED" in reason
    hint = "is this machine on line, and are HTTPS_PROXY, HTTP_PROXY and NO_PROXY right?"
    if untrusted:
        hint = "name a file of the certificates to trust in SSL_CERT_FILE (or PIP_CERT, REQUESTS_CA_BUNDLE)"
    failure = HTTPError(f"{redact(url)} gave no answer: {reason}", hint)
    lasting = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects)
    failure.passing = not untrusted and not isinstance(error, lasting)
    return failure
