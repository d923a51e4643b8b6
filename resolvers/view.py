"""A view of the package index for Poetry: served on the loopback, as of a moment, with every wheel's metadata.

Poetry does not read pip's configuration, cannot look back in time, and finds metadata on an index that offers
none by asking for one wheel after the other. The view does all three, and looks ahead. Its pages are JSON (PEP
691) and its metadata files those of PEP 658.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import quote, unquote

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from resolvers import http
from resolvers.errors import ExpectedError
from resolvers.index import File, Index
from resolvers.metadata import Metadata

PAGE = "application/vnd.pypi.simple.v1+json"
BINARY = "application/octet-stream"
STEP = 50
"""Projects after which a line of progress is due."""


class View:
    """What an index has of each project, as of a moment and with some projects held at one version. Thread-safe.

    ``errors`` are those that came up while a client was served. ``progress`` takes lines for people.
    """

    def __init__(
        self,
        index: Index,
        *,
        as_of: datetime | None = None,
        held: Mapping[str, str] = {},
        progress: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.errors: list[ExpectedError] = []
        self._index = index
        self._as_of = as_of
        self._held = {canonicalize_name(name): Version(version) for name, version in held.items()}
        self._progress = progress
        self._metadata = Metadata()
        self._pages: dict[str, Mapping[str, File]] = {}

    def files(self, project: str) -> Mapping[str, File]:
        """The visible files by name. Raises ExpectedError where the index cannot tell what was there."""
        name = canonicalize_name(project)
        if name not in self._pages:
            files = published(name, self._index.files(name), self._as_of)
            held = self._held.get(name)
            shown = [file for file in files if held is None or version_of(file.name) == held]
            self._pages[name] = _by_name(shown)
            if len(self._pages) % STEP == 0:
                self._progress(f"{len(self._pages)} projects looked up")
        return self._pages[name]

    def metadata(self, file: File) -> bytes:
        """The METADATA of a wheel."""
        return self._metadata.of(file)

    def page(self, project: str, address: str) -> bytes:
        """The project's page as JSON; ``address`` is where all files are served.

        Its links are absolute: joining thousands of relative ones costs Poetry time.
        """
        files = [_entry(f"{address}/{project}", file) for file in self.files(project).values()]
        return msgspec.json.encode({"meta": {"api-version": "1.1"}, "name": project, "files": files})


def published(project: str, files: tuple[File, ...], as_of: datetime | None) -> tuple[File, ...]:
    """The files that were there at a moment; those whose time no index tells are taken for later ones.

    Raises ExpectedError when no file of the project has a time.
    """
    if as_of is None:
        return files
    if files and all(file.upload_time is None for file in files):
        raise ExpectedError(
            f"the package index gives no upload times for '{project}', so nobody can tell what it had on {as_of}",
            "leave --as-of out, or use an index that gives upload times (PEP 700)",
        )
    return tuple(file for file in files if file.upload_time and file.upload_time < as_of)


def version_of(file: str) -> Version | None:
    """The version in the name of a wheel or sdist, None for any other file."""
    try:
        return parse_wheel_filename(file)[1] if file.endswith(".whl") else parse_sdist_filename(file)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


def _by_name(files: list[File]) -> dict[str, File]:
    """One file a name: of two indexes' files the one with an upload time, else that of the first index."""
    found: dict[str, File] = {}
    for file in files:
        known = found.get(file.name)
        if known is None or (known.upload_time is None and file.upload_time is not None):
            found[file.name] = file
    return found


class _Entry(msgspec.Struct, rename="kebab", omit_defaults=True, gc=False):
    filename: str
    url: str
    hashes: Mapping[str, str]
    yanked: bool | str
    core_metadata: bool
    requires_python: str = ""


def _entry(address: str, file: File) -> _Entry:
    return _Entry(
        filename=file.name,
        url=f"{address}/{quote(file.name)}",
        hashes=file.hashes,
        yanked=False if file.yanked is None else file.yanked or True,
        core_metadata=file.name.endswith(".whl"),
        requires_python=file.requires_python,
    )


@contextmanager
def serve(view: View) -> Iterator[str]:
    """Serve a view on the loopback for as long as the context lasts; gives the address of its simple index."""
    secret = secrets.token_hex(16)  # other users of this machine have no business with our credentials
    server = _Server(view, secret)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{server.address}/simple/"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that keeps its connection open does not keep us

    def __init__(self, view: View, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.view = view
        self.secret = secret
        self.address = f"http://127.0.0.1:{self.server_port}/{secret}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together

    @property
    def _served(self) -> _Server:
        return cast(_Server, self.server)

    @property
    def _view(self) -> View:
        return self._served.view

    def do_GET(self) -> None:
        secret, _, path = self.path.lstrip("/").partition("/")
        kind, _, rest = path.strip("/").partition("/")
        project, _, file = unquote(rest).partition("/")
        if secret != self._served.secret or kind not in {"simple", "file"}:
            self._answer(404, b"")
            return
        try:
            self._page(project) if kind == "simple" else self._file(project, file)
        except ExpectedError as error:
            self._view.errors.append(error)
            self.close_connection = True
            self._answer(500, error.message.encode())

    def _page(self, project: str) -> None:
        known = self._view.files(project)
        page = self._view.page(project, f"{self._served.address}/file") if known else b""
        self._answer(200 if known else 404, page, PAGE)

    def _file(self, project: str, name: str) -> None:
        files = self._view.files(project)
        wheel = files.get(name.removesuffix(".metadata"))
        if name in files:
            self._download(files[name])
        elif wheel:
            self._of_wheel(wheel)
        else:
            self._answer(404, b"")

    def _of_wheel(self, wheel: File) -> None:
        try:
            self._answer(200, self._view.metadata(wheel))
        except ExpectedError as error:
            self._answer(404, error.message.encode())  # then the client takes the whole wheel

    def _download(self, file: File) -> None:
        with http.stream(file.url) as stream:
            self.send_response(200)
            self.send_header("content-type", BINARY)
            self.send_header("connection", "close")
            self.end_headers()
            for chunk in stream.chunks:
                self.wfile.write(chunk)
        self.close_connection = True

    def _answer(self, status: int, content: bytes, kind: str = BINARY) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: what matters is in ``errors``."""
