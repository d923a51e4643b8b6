"""A small HTTP server on the loopback interface, from which one engine reads.

A function answers the requests.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import NamedTuple, cast

from resolvers.errors import ExpectedError

BINARY = "application/octet-stream"
JSON = "application/json"


class LoopbackRequest(NamedTuple):
    """A GET request.

    ``address`` is the base URL of the server's paths, with the secret. ``path`` has neither the
    leading slash nor the secret. ``headers`` have lower-case names.
    """

    address: str
    path: str
    headers: Mapping[str, str]


class LoopbackResponse(NamedTuple):
    """The response to send; ``content`` is sent as a whole or, from an iterator, in chunks."""

    status: int = 200
    content: bytes | Iterator[bytes] = b""
    content_type: str = BINARY


NOT_FOUND = LoopbackResponse(404)

Respond = Callable[[LoopbackRequest], LoopbackResponse]
"""Answers a request; may raise ExpectedError."""


class LoopbackAddress(NamedTuple):
    """The server's address, and the secret that every client must present.

    The secret is either the first part of the path, as in ``address``, or a Bearer token for
    ``root``. Without it other users of this machine could use our credentials.
    """

    root: str
    secret: str
    address: str


@contextmanager
def serve(respond: Respond, errors: list[ExpectedError]) -> Iterator[LoopbackAddress]:
    """Serve while the block runs.

    Every ExpectedError becomes a response with status 500, and is added to ``errors``.
    """
    server = _Server(respond, errors)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield server.address
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # do not wait for clients that keep their connection open
    request_queue_size = 64  # engines open many connections at the same time

    def __init__(self, respond: Respond, errors: list[ExpectedError]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.respond = respond
        self.errors = errors
        root, secret = f"http://127.0.0.1:{self.server_port}", secrets.token_hex(16)
        self.address = LoopbackAddress(root, secret, f"{root}/{secret}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # buffer, so that headers and body are sent together

    @property
    def _owner(self) -> _Server:
        return cast(_Server, self.server)

    def do_GET(self) -> None:
        try:
            request = self._authorised_request()
            response = self._owner.respond(request) if request else NOT_FOUND
            if isinstance(response.content, bytes):
                self._send(response, response.content)
            else:
                self._send_chunks(response, response.content)
        except ExpectedError as error:
            self._owner.errors.append(error)
            self.close_connection = True
            self._send(LoopbackResponse(500), error.message.encode())

    def _authorised_request(self) -> LoopbackRequest | None:
        """Return the request; None if it does not present the secret."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        address, path = self._owner.address, self.path.lstrip("/")
        if headers.get("authorization") == f"Bearer {address.secret}":
            return LoopbackRequest(address.address, path, headers)
        secret, _, rest = path.partition("/")
        if secret != address.secret:
            return None
        return LoopbackRequest(address.address, rest, headers)

    def _send(self, response: LoopbackResponse, content: bytes) -> None:
        self._send_head(response, {"content-length": str(len(content))})
        self.wfile.write(content)

    def _send_chunks(self, response: LoopbackResponse, chunks: Iterator[bytes]) -> None:
        """Send chunks as in RFC 9112, section 7.1: the client notices if they end early."""
        first = next(chunks, b"")  # most errors occur here, before the headers are sent
        self._send_head(response, {"transfer-encoding": "chunked"})
        try:
            for chunk in filter(None, chain([first], chunks)):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        except ExpectedError as error:
            self._owner.errors.append(error)
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, response: LoopbackResponse, length: Mapping[str, str]) -> None:
        self.send_response(response.status)
        headers = {"content-type": response.content_type, "cache-control": "no-store", **length}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing: errors are collected in ``errors``."""


def no_proxy_variables() -> dict[str, str]:
    """Return environment variables that make a program reach loopback servers without a proxy."""
    others = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    hosts = ",".join(filter(None, ("127.0.0.1", others)))
    return {"NO_PROXY": hosts, "no_proxy": hosts}
