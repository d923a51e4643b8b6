"""A small HTTP server on the loopback for one engine: what it is asked for, a function answers."""

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


class Question(NamedTuple):
    """A GET: its path without the leading slash and the secret, its headers by lower-case names.

    ``address`` is where the server's own paths begin, secret included.
    """

    address: str
    path: str
    headers: Mapping[str, str]


class Answer(NamedTuple):
    """What goes back: the content whole, or in chunks as they come."""

    status: int = 200
    content: bytes | Iterator[bytes] = b""
    kind: str = BINARY


NOT_FOUND = Answer(404)

Answering = Callable[[Question], Answer]
"""May raise ExpectedError."""


class Served(NamedTuple):
    """Where the server is, and what a client must show.

    The secret is either the first part of the path, as in ``address``, or a Bearer token for ``root``: other users of
    this machine have no business with our credentials.
    """

    root: str
    secret: str
    address: str


@contextmanager
def serve(answering: Answering, errors: list[ExpectedError]) -> Iterator[Served]:
    """Serve for as long as the context lasts. Expected errors are answered with 500 and added to ``errors``."""
    server = _Server(answering, errors)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield server.served
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that keeps its connection open does not keep us
    request_queue_size = 64  # clients connect many at once

    def __init__(self, answering: Answering, errors: list[ExpectedError]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answering = answering
        self.errors = errors
        root, secret = f"http://127.0.0.1:{self.server_port}", secrets.token_hex(16)
        self.served = Served(root, secret, f"{root}/{secret}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together

    @property
    def _ours(self) -> _Server:
        return cast(_Server, self.server)

    def do_GET(self) -> None:
        try:
            question = self._question()
            answer = self._ours.answering(question) if question else NOT_FOUND
            self._stream(answer) if isinstance(answer.content, Iterator) else self._send(
                answer, answer.content
            )
        except ExpectedError as error:
            self._ours.errors.append(error)
            self.close_connection = True
            self._send(Answer(500), error.message.encode())

    def _question(self) -> Question | None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        served, path = self._ours.served, self.path.lstrip("/")
        if headers.get("authorization") == f"Bearer {served.secret}":
            return Question(served.address, path, headers)
        shown, _, rest = path.partition("/")
        return Question(served.address, rest, headers) if shown == served.secret else None

    def _send(self, answer: Answer, content: bytes) -> None:
        self._head(answer, {"content-length": str(len(content))})
        self.wfile.write(content)

    def _stream(self, answer: Answer) -> None:
        """Send chunks as RFC 9112, section 7.1, has them: a client notices when they break off."""
        chunks = cast(Iterator[bytes], answer.content)
        first = next(chunks, b"")  # what fails, fails before the headers are out
        self._head(answer, {"transfer-encoding": "chunked"})
        try:
            for chunk in filter(None, chain([first], chunks)):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        except ExpectedError as error:
            self._ours.errors.append(error)
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, answer: Answer, headers: Mapping[str, str]) -> None:
        self.send_response(answer.status)
        for name, value in {
            "content-type": answer.kind,
            "cache-control": "no-store",
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: what matters is in ``errors``."""


def past_proxies() -> dict[str, str]:
    """Variables with which a program asks a server on loopback directly, whatever proxies are set."""
    others = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, ("127.0.0.1", others))))
