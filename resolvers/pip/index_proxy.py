"""A proxy of the package index on the loopback interface, for the engines.

Poetry does not read pip's configuration and cannot hide recent files. If an index has no metadata
files, it opens one wheel after the other. uv ignores upper bounds of Requires-Python, and answers
from its cache. The proxy does these jobs. It also hides the requirements of distributions that
conda provides. Pages are JSON (PEP 691, PEP 700), metadata files are those of PEP 658.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from urllib.parse import quote, unquote

import msgspec
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers.errors import ExpectedError
from resolvers.index.index_file import IndexFile, project_of, supports, version_of
from resolvers.index.metadata import MetadataReader
from resolvers.net import http, loopback
from resolvers.net.loopback import NOT_FOUND, LoopbackRequest, LoopbackResponse
from resolvers.pip.nested_references import without_addresses
from resolvers.types.options import DirectFile
from resolvers.types.request import NO_LIMITS, VersionLimits

PAGE_TYPE = "application/vnd.pypi.simple.v1+json"
NAMED = "named"
"""First part of the path of an index that images.toml names."""
PROGRESS_INTERVAL = 50
"""Number of projects after which a line of progress is due."""
MISSING_VERSION = "0" * 64
"""The sha256 of a placeholder wheel for a version that conda provides but the index lacks."""
PLACEHOLDER = "f" * 64
"""The sha256 of a placeholder wheel for a version without a wheel for every platform."""
LOCKED_HASHES = ("sha256", "sha512")
PLACEHOLDER_TIME = datetime(1980, 1, 1, tzinfo=UTC)
UNIVERSAL_WHEELS = ("-py3-none-any.whl", ".py3-none-any.whl")
UNCONDITIONAL_REQUIREMENT = re.compile(
    rb"^Requires-Dist:(?![^;\n]*;.*\bextra\b).*\n", re.IGNORECASE | re.MULTILINE
)
"""A line of unfolded METADATA with a requirement that does not belong to an extra."""


class ProjectFiles(Protocol):
    """One or more indexes."""

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """Return the files of a project; () if it is unknown."""
        ...


class IndexProxy:
    """The files of an index as an engine sees them. Thread-safe.

    ``as_of`` hides files that were uploaded later. ``python`` hides files that do not support this
    version; ``unsupported`` lists those by project. ``limits`` hides other versions. ``exact`` maps
    projects to the only version that is visible. ``provided`` does the same for versions that conda
    provides, and makes them visible even if they are yanked. ``satisfied`` lists versions whose
    requirements conda already installs: their metadata keeps only the requirements of extras. If
    the index lacks such a version, or has no wheel of it for every platform, a placeholder wheel
    makes it installable. So
    an engine never builds its sdist. ``constraints`` limit the visible versions. ``sdists`` names
    the projects whose sdists are visible, by default all; ``hidden`` has the other sdists by
    project. ``direct`` are the files that images.toml names by an address, as other packages may do
    in their metadata. ``missing`` names the projects that the index does not have. ``errors``
    collects the errors that occur while a client is served.
    """

    def __init__(
        self,
        index: ProjectFiles,
        *,
        as_of: datetime | None = None,
        python: str = "",
        limits: VersionLimits = NO_LIMITS,
        exact: Mapping[str, str] = {},
        provided: Mapping[str, frozenset[Version]] = {},
        satisfied: Mapping[str, frozenset[Version]] = {},
        constraints: Mapping[str, SpecifierSet] = {},
        direct: Iterable[DirectFile] = (),
        sdists: Set[str] | None = None,
        progress: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.errors: list[ExpectedError] = []
        self.unsupported: dict[str, tuple[IndexFile, ...]] = {}
        self.hidden: dict[str, tuple[IndexFile, ...]] = {}
        self.missing: set[str] = set()
        self._python = python
        self._index = index
        self._as_of = as_of
        self._limits = limits
        self._exact: dict[str, Version] = {
            canonicalize_name(name): Version(version) for name, version in exact.items()
        }
        self._provided = provided
        self._satisfied = satisfied
        self._constraints = constraints
        self._sdists = sdists
        self._direct = {file.name for file in direct}
        self._progress = progress
        self._metadata = MetadataReader()
        self._projects: dict[str, Mapping[str, IndexFile]] = {}

    def files(self, project: str) -> Mapping[str, IndexFile]:
        """Return the visible files of a project by name.

        Raises ExpectedError if ``as_of`` is given and the index has no upload times.
        """
        name = canonicalize_name(project)
        # Two threads may do this for the same project at a time. Both then get the same result.
        if name not in self._projects:
            self._projects[name] = self._visible_files(name)
            if len(self._projects) % PROGRESS_INTERVAL == 0:
                self._progress(f"{len(self._projects)} projects looked up")
        return self._projects[name]

    def _visible_files(self, name: str) -> Mapping[str, IndexFile]:
        all_files = self._index.files(name)
        if not all_files:
            self.missing.add(name)
        files = published_before(self._as_of, name, all_files)
        if limits := self._limits.get(name):
            files = tuple(file for file in files if _begins_with(file, limits))
        if allowed := self._constraints.get(name):
            files = tuple(file for file in files if _is_allowed(file, allowed))
        if (exact := self._exact.get(name)) is not None:
            files = tuple(file for file in files if version_of(file.name) == exact)
        files = self._supported_files(name, files)
        versions = self._provided.get(name)
        if self._sdists is not None and name not in self._sdists and versions is None:
            self.hidden[name] = tuple(file for file in files if not file.name.endswith(".whl"))
            files = tuple(file for file in files if file.name.endswith(".whl"))
        if versions is not None:
            files = tuple(
                replace(file, yanked=None) for file in files if version_of(file.name) in versions
            )
        placeholders = _placeholders(name, files, self._satisfied.get(name, frozenset()))
        return _by_name((*files, *placeholders))

    def _supported_files(self, name: str, files: tuple[IndexFile, ...]) -> tuple[IndexFile, ...]:
        """Return the files that support the Python, and remember the others."""
        if not self._python or name in self._satisfied:
            return files
        supported: list[IndexFile] = []
        unsupported: list[IndexFile] = []
        for file in files:
            fits = supports(file.requires_python, self._python)
            (supported if fits else unsupported).append(file)
        self.unsupported[name] = tuple(unsupported)
        return tuple(supported)

    def metadata(self, wheel: IndexFile) -> bytes:
        """Return the METADATA of a wheel as clients see it."""
        name, version = project_of(wheel.name), version_of(wheel.name)
        if version not in self._satisfied.get(name, ()):
            return self._metadata.read(wheel)
        candidates = [wheel] if wheel.url else self.files(name).values()
        real_wheels = (
            file
            for file in candidates
            if file.url and file.name.endswith(".whl") and version_of(file.name) == version
        )
        real_wheel = next(real_wheels, None)
        if real_wheel is None:
            return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        return without_unconditional_requirements(self._metadata.read(real_wheel))

    def without_addresses(self, metadata: bytes, wheel: IndexFile) -> bytes:
        """Return METADATA without addresses of other packages; raise ExpectedError for new ones."""
        package = f"{project_of(wheel.name)} {version_of(wheel.name)}"
        return without_addresses(metadata, self._direct, package)

    def page(self, project: str, files_url: str) -> bytes:
        """Return the project's page as JSON; its files are at ``files_url``.

        The links are absolute, because Poetry is slow at joining thousands of relative ones.
        """
        files = [
            _page_file(f"{files_url}/{project}", file) for file in self.files(project).values()
        ]
        page = {"meta": {"api-version": "1.1"}, "name": project, "files": files}
        return msgspec.json.encode(page)


def _begins_with(file: IndexFile, limits: tuple[tuple[int, ...], ...]) -> bool:
    """Return whether the version of a file begins with one of the release numbers."""
    version = version_of(file.name)
    if version is None or version.epoch:
        return False
    # The numbers that are missing at the end of a version are zeros.
    return any((*version.release, 0)[: len(limit)] == limit for limit in limits)


def _is_allowed(file: IndexFile, allowed: SpecifierSet) -> bool:
    version = version_of(file.name)
    return version is not None and allowed.contains(version, prereleases=True)


def published_before(
    moment: datetime | None, project: str, files: tuple[IndexFile, ...]
) -> tuple[IndexFile, ...]:
    """Return the files uploaded before a moment; a file without an upload time counts as later.

    Raises ExpectedError if no file of the project has an upload time.
    """
    if moment is None:
        return files
    if files and all(file.upload_time is None for file in files):
        raise ExpectedError(
            f"the package index has no upload times for '{project}', "
            f"so its files as of {moment} are unknown",
            "omit --as-of, or use an index with upload times (PEP 700)",
        )
    return tuple(file for file in files if file.upload_time and file.upload_time < moment)


def without_unconditional_requirements(metadata: bytes) -> bytes:
    """Return a METADATA without its description and with only the requirements of its extras."""
    header = metadata.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    unfolded = re.sub(rb"\n[ \t]+", b" ", header) + b"\n"
    return UNCONDITIONAL_REQUIREMENT.sub(b"", unfolded)


def _placeholders(
    name: str, files: Iterable[IndexFile], versions: frozenset[Version]
) -> Iterator[IndexFile]:
    for version in versions:
        file_names = [file.name for file in files if version_of(file.name) == version]
        if not any(file_name.endswith(UNIVERSAL_WHEELS) for file_name in file_names):
            yield IndexFile(
                name=f"{name.replace('-', '_')}-{version}-py3-none-any.whl",
                url="",
                hashes={"sha256": PLACEHOLDER if file_names else MISSING_VERSION},
                upload_time=PLACEHOLDER_TIME,
            )


def _by_name(files: Iterable[IndexFile]) -> dict[str, IndexFile]:
    """Keep one file per name: preferably one with an upload time, else that of the first index."""
    unique: dict[str, IndexFile] = {}
    for file in files:
        known = unique.setdefault(file.name, file)
        if known.upload_time is None and file.upload_time is not None:
            unique[file.name] = file
    return unique


class _PageFile(msgspec.Struct, rename="kebab", omit_defaults=True, gc=False):
    """A file on the proxy's pages; the names of the fields are those of PEP 691."""

    filename: str
    url: str
    hashes: Mapping[str, str]
    yanked: bool | str
    core_metadata: bool
    requires_python: str = ""
    size: int = 0
    upload_time: datetime | None = None


def _page_file(project_url: str, file: IndexFile) -> _PageFile:
    return _PageFile(
        filename=file.name,
        url=f"{project_url}/{quote(file.name)}",
        # The engines compute a hash that pip would accept.
        hashes={name: file.hashes[name] for name in LOCKED_HASHES if name in file.hashes},
        yanked=_json_yanked(file.yanked),
        core_metadata=file.name.endswith(".whl"),
        requires_python=file.requires_python,
        size=file.size,
        upload_time=file.upload_time,
    )


def _json_yanked(reason: str | None) -> bool | str:
    # PEP 691: an empty string would mean that the file is not yanked.
    return False if reason is None else reason or True


@contextmanager
def serve(proxy: IndexProxy) -> Iterator[str]:
    """Serve a proxy while the context lasts; yields the address of its simple index.

    The pages of an index that images.toml names have another address: see ``named_url``.
    """
    with loopback.serve(partial(_respond, proxy), proxy.errors) as server:
        yield f"{server.address}/simple/"


def named_url(index_url: str, name: str) -> str:
    """Return the address at which the proxy serves an index of images.toml."""
    return f"{index_url.removesuffix('simple/')}{NAMED}/{name}"


def _respond(proxy: IndexProxy, request: LoopbackRequest) -> LoopbackResponse:
    kind, _, rest = request.path.strip("/").partition("/")
    if kind == NAMED:  # the proxy itself knows the index of each project
        kind, rest = "simple", rest.partition("/")[2]
    project, _, file_name = unquote(rest).partition("/")
    if kind == "simple" and proxy.files(project):
        page = proxy.page(project, files_url=f"{request.address}/file")
        return LoopbackResponse(200, page, PAGE_TYPE)
    if kind == "file":
        return _file_response(proxy, project, file_name)
    return NOT_FOUND


def _file_response(proxy: IndexProxy, project: str, file_name: str) -> LoopbackResponse:
    files = proxy.files(project)
    if file_name in files:
        return LoopbackResponse(200, http.stream_chunks(files[file_name].url))
    wheel = files.get(file_name.removesuffix(".metadata"))
    if wheel is None:
        return NOT_FOUND
    try:
        metadata = proxy.metadata(wheel)
    except ExpectedError:
        return NOT_FOUND  # the client then downloads the whole wheel
    return LoopbackResponse(200, proxy.without_addresses(metadata, wheel))
