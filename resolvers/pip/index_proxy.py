"""A view of the package index for engines: served on the loopback, as of a moment, with every wheel's metadata.

Poetry does not read pip's configuration, cannot look back in time, and finds metadata on an index that offers
none by asking for one wheel after the other. The view does all three, and looks ahead. uv needs it where conda
brings distributions: of these an engine must not see what conda takes care of. Its pages are JSON (PEP 691, PEP 700)
and its metadata files those of PEP 658.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote, unquote

import msgspec
from msgspec.structs import replace
from packaging.utils import (
    canonicalize_name,
)
from packaging.version import Version

from resolvers.errors import ExpectedError
from resolvers.index.index import Index
from resolvers.index.index_file import IndexFile, project_of, version_of
from resolvers.index.metadata import MetadataReader
from resolvers.net import http, loopback
from resolvers.net.loopback import NOT_FOUND, LoopbackRequest, LoopbackResponse

PAGE = "application/vnd.pypi.simple.v1+json"
STEP = 50
"""Projects after which a line of progress is due."""
MISSING, STAND_IN = "0" * 64, "f" * 64
"""The sha256 of wheels that are not there: for a version that conda has and the index has not, and for one of which the
index has no wheel for every platform."""
LONG_AGO = datetime(1980, 1, 1, tzinfo=UTC)
OWN = re.compile(rb"^Requires-Dist:(?!.*;.*\bextra\b).*\n", re.IGNORECASE | re.MULTILINE)
"""A requirement in a METADATA, unfolded, that belongs to no extra."""


class View:
    """What an index has of each project, as of a moment and with some projects held at one version. Thread-safe.

    ``provided`` has the versions of projects that conda brings: no other one of these is visible, and they count though
    they be yanked. ``met`` has those whose own requirements conda meets: their metadata has only the requirements of
    extras, and a wheel that is not there makes them fit every platform, or be there at all. No sdist of them is built.
    ``errors`` are those that came up while a client was served. ``progress`` takes lines for people.
    """

    def __init__(
        self,
        index: Index,
        *,
        as_of: datetime | None = None,
        held: Mapping[str, str] = {},
        provided: Mapping[str, frozenset[Version]] = {},
        met: Mapping[str, frozenset[Version]] = {},
        progress: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.errors: list[ExpectedError] = []
        self._index = index
        self._as_of = as_of
        self._held = {canonicalize_name(name): Version(version) for name, version in held.items()}
        self._provided = provided
        self._met = met
        self._progress = progress
        self._metadata = MetadataReader()
        self._pages: dict[str, Mapping[str, IndexFile]] = {}

    def files(self, project: str) -> Mapping[str, IndexFile]:
        """The visible files by name. Raises ExpectedError where the index cannot tell what was there."""
        name = canonicalize_name(project)
        if name not in self._pages:
            files = published(name, self._index.files(name), self._as_of)
            if (held := self._held.get(name)) is not None:
                files = tuple(file for file in files if version_of(file.name) == held)
            if (there := self._provided.get(name)) is not None:
                files = tuple(
                    replace(file, yanked=None) for file in files if version_of(file.name) in there
                )
            self._pages[name] = _by_name(
                (*files, *_stand_ins(name, files, self._met.get(name, frozenset())))
            )
            if len(self._pages) % STEP == 0:
                self._progress(f"{len(self._pages)} projects looked up")
        return self._pages[name]

    def metadata(self, file: IndexFile) -> bytes:
        """The METADATA of a wheel, as clients see it."""
        name, version = project_of(file.name), version_of(file.name)
        if version not in self._met.get(name, ()):
            return self._metadata.read(file)
        same = (
            [file]
            if file.url
            else [each for each in self.files(name).values() if version_of(each.name) == version]
        )
        there = next((each for each in same if each.url and each.name.endswith(".whl")), None)
        if there is None:
            return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        return without_own(self._metadata.read(there))

    def page(self, project: str, address: str) -> bytes:
        """The project's page as JSON; ``address`` is where all files are served.

        Its links are absolute: joining thousands of relative ones costs Poetry time.
        """
        files = [_entry(f"{address}/{project}", file) for file in self.files(project).values()]
        return msgspec.json.encode(
            {"meta": {"api-version": "1.1"}, "name": project, "files": files}
        )


def published(
    project: str, files: tuple[IndexFile, ...], as_of: datetime | None
) -> tuple[IndexFile, ...]:
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


def without_own(metadata: bytes) -> bytes:
    """A METADATA without its requirements but those of extras, and without its description."""
    header = metadata.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return OWN.sub(b"", re.sub(rb"\n[ \t]+", b" ", header) + b"\n")


def _stand_ins(
    name: str, files: Iterable[IndexFile], versions: frozenset[Version]
) -> Iterator[IndexFile]:
    for version in versions:
        offered = [file.name for file in files if version_of(file.name) == version]
        if not any(each.endswith(("-py3-none-any.whl", ".py3-none-any.whl")) for each in offered):
            wheel = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
            yield IndexFile(
                name=wheel,
                url="",
                hashes={"sha256": STAND_IN if offered else MISSING},
                upload_time=LONG_AGO,
            )


def _by_name(files: Iterable[IndexFile]) -> dict[str, IndexFile]:
    """One file a name: of two indexes' files the one with an upload time, else that of the first index."""
    found: dict[str, IndexFile] = {}
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
    size: int = 0
    upload_time: datetime | None = None


def _entry(address: str, file: IndexFile) -> _Entry:
    return _Entry(
        filename=file.name,
        url=f"{address}/{quote(file.name)}",
        hashes=file.hashes,
        yanked=False if file.yanked is None else file.yanked or True,
        core_metadata=file.name.endswith(".whl"),
        requires_python=file.requires_python,
        size=file.size,
        upload_time=file.upload_time,
    )


@contextmanager
def serve(view: View) -> Iterator[str]:
    """Serve a view on the loopback for as long as the context lasts; gives the address of its simple index."""
    with loopback.serve(partial(_answer, view), view.errors) as served:
        yield f"{served.address}/simple/"


def _answer(view: View, question: LoopbackRequest) -> LoopbackResponse:
    kind, _, rest = question.path.strip("/").partition("/")
    project, _, file = unquote(rest).partition("/")
    if kind == "simple" and view.files(project):
        return LoopbackResponse(200, view.page(project, f"{question.address}/file"), PAGE)
    return _file(view, project, file) if kind == "file" else NOT_FOUND


def _file(view: View, project: str, name: str) -> LoopbackResponse:
    files = view.files(project)
    wheel = files.get(name.removesuffix(".metadata"))
    if name in files:
        return LoopbackResponse(200, http.stream_chunks(files[name].url))
    if wheel is None:
        return NOT_FOUND
    try:
        return LoopbackResponse(200, view.metadata(wheel))
    except ExpectedError:
        return NOT_FOUND  # then the client takes the whole wheel
