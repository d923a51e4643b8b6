"""A real HTTP server on this machine with the answers that a test sets."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    path: str
    headers: Mapping[str, str]  # names in lower case
    method: str = "GET"
    content: bytes = b""


class Answer(NamedTuple):
    status: int = 200
    content: bytes = b""
    headers: Mapping[str, str] = {}
    sent: int | None = None  # bytes to send before the connection breaks
    pause: float = 0  # seconds between pieces of 64 KB


Reply = Answer | Callable[[Request], Answer]


class Server:
    """Set an answer for each path, and keep all requests."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.host = f"{address[0]}:{address[1]}"
        self.url = f"http://{self.host}"
        self.replies: dict[str, Reply] = {}
        self.requests: list[Request] = []
        self.otherwise: Reply = Answer(404)
        self.cut: Callable[[Request], int | None] = lambda _request: None
        """Returns the bytes of a body to read before the connection breaks without an answer."""

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        reply = self.replies.get(request.path, self.otherwise)
        return reply(request) if callable(reply) else reply


def in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    """Return one answer after the other, and repeat the last one."""
    remaining = list(answers)

    def answer(_request: Request) -> Answer:
        return remaining.pop(0) if len(remaining) > 1 else remaining[0]

    return answer


def ranged(content: bytes, *, pause: float = 0) -> Callable[[Request], Answer]:
    """Serve a file and its ranges."""

    def answer(request: Request) -> Answer:
        if not (requested := request.headers.get("range")):
            return Answer(200, content, pause=pause)
        start = int(requested.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            return Answer(416)
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Answer(206, content[start:], {"Content-Range": span}, pause=pause)

    return answer


@contextmanager
def serving(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server until the block ends; with ``tls``, its address starts with https.

    Containers reach a server whose ``host`` is the address of their bridge.
    """
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            length = int(headers.get("content-length", 0))
            cut = server.cut(Request(self.path, headers, self.command))
            content = self.rfile.read(length if cut is None else min(length, cut))
            answer = server.answer(Request(self.path, headers, self.command, content))
            if cut is not None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            headers = {"Content-Length": str(len(answer.content)), **answer.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            content = b"" if self.command == "HEAD" else answer.content[: answer.sent]
            for start in range(0, len(content), 1 << 16):
                self.wfile.write(content[start : start + (1 << 16)])
                stopping.wait(answer.pause)
            self.close_connection = answer.sent is not None

        # The standard library calls these names.
        do_HEAD = do_POST = do_PUT = do_PATCH = do_CONNECT = do_GET  # noqa: N815

        def log_message(self, *_words: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # some tests kill the client
                super().handle()

    httpd = ThreadingHTTPServer((host, 0), Handler)
    httpd.daemon_threads = True
    server = Server((host, httpd.server_port))
    if tls:
        httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
        server.url = f"https://{server.host}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        stopping.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()
