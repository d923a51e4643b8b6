"""The package index that pip's configuration of this machine names, and what it has of a project.

Pages are read as PEP 503 (HTML), PEP 629, PEP 691 (JSON), PEP 700, PEP 592, PEP 658 and PEP 714 define them.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from resolvers.errors import ExpectedError
from resolvers.index.html import Anchors
from resolvers.net import http, pip_config
from resolvers.net.once import Once
from resolvers.types import thread_safe_decoding

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
YES = frozenset({"y", "yes", "t", "true", "on", "1"})
UNKNOWN = frozenset({404, 410})
HIDDEN = 403
"""What indexes that are folders of a cloud's object store answer for a project they do not have."""
PLAIN = re.compile(r"https?://[\w.:-]+/(?:[\w.:/+~-]*/)?([\w.:+~-]*)", re.ASCII)
"""A whole address and the file's name in it. Nearly all are so, and taking thousands apart takes seconds."""


class IndexFile(
    msgspec.Struct, frozen=True, kw_only=True, gc=False
):  # there are 100,000, and nothing goes in a circle
    """One file that an index offers.

    ``url`` may hold credentials: it is for fetching, not for showing or keeping. ``hashes`` maps algorithm to
    hex. ``size`` is in bytes, 0 for unknown. ``yanked`` is the reason (perhaps empty), None where it is not.
    ``metadata`` has the hashes of the file at ``url`` + ``.metadata`` ({} if it is there unhashed), None
    where none is offered.
    """

    name: str
    url: str
    hashes: Mapping[str, str] = {}
    size: int = 0
    upload_time: datetime | None = None
    requires_python: str = ""
    yanked: str | None = None
    metadata: Mapping[str, str] | None = None


class Index:
    """A default index with extra ones and ``find_links``; asks for each project once. Thread-safe.

    ``urls`` are addresses of "simple" indexes (``https:``, ``http:``, ``file:``), the default one first;
    ``find_links`` are folders, pages or files.
    """

    def __init__(self, urls: tuple[str, ...], find_links: tuple[str, ...] = ()) -> None:
        self.urls = urls
        self.find_links = find_links
        self._once: Once[str, tuple[IndexFile, ...]] = Once(retry=True)

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """All that the indexes have of a project, those of the default one first; empty where none knows it.

        Raises HTTPError when an index does not answer, ExpectedError when its answer is no index page.
        """
        name = canonicalize_name(project)
        return self._once(name, lambda: self._read(name))

    def _read(self, name: str) -> tuple[IndexFile, ...]:
        found: dict[tuple[str, frozenset[tuple[str, str]]], IndexFile] = {}
        for file in self._offered(name):
            found.setdefault((file.name, frozenset(file.hashes.items())), file)
        return tuple(found.values())

    def _offered(self, name: str) -> Iterator[IndexFile]:
        for number, url in enumerate(self.urls):
            yield from _index_files(url, name, default=number == 0)
        for location in self.find_links:
            yield from _linked_files(location, name)


def configured() -> Index:
    """The index of this machine; the same object for as long as the configuration is the same."""
    settings = pip_config.settings()
    default = settings.get("index-url") or default_index()
    urls = (default, *settings.get("extra-index-url", "").split())
    without = settings.get("no-index", "").lower() in YES
    return _index(() if without else urls, tuple(settings.get("find-links", "").split()))


def default_index() -> str:
    """The address that pip uses when nothing is configured."""
    from distlib.index import DEFAULT_INDEX

    return str(urljoin(DEFAULT_INDEX, "simple/"))


@cache
def _index(urls: tuple[str, ...], find_links: tuple[str, ...]) -> Index:
    return Index(urls, find_links)


def _index_files(index: str, name: str, *, default: bool) -> tuple[IndexFile, ...]:
    url = f"{index.rstrip('/')}/{name}/"
    try:
        return _page(url + "index.html" if url.startswith("file:") else url)
    except http.HTTPError as error:
        if error.status in UNKNOWN or (error.status == HIDDEN and not default):
            return ()
        raise


def _linked_files(location: str, name: str) -> Iterator[IndexFile]:
    files: tuple[IndexFile, ...] | Iterator[IndexFile]
    if location.startswith(("https:", "http:")):
        files = (_direct(location),) if project_of(_direct(location).name) else _page(location)
    else:
        path = (
            http.local_path(location)
            if location.startswith("file:")
            else Path(location).expanduser()
        )
        files = _page(path.absolute().as_uri()) if path.suffix == ".html" else _folder(path, name)
    return (file for file in files if project_of(file.name) == name)


def _folder(path: Path, name: str) -> Iterator[IndexFile]:
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file() and project_of(file.name) == name:
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            url = file.absolute().as_uri()
            yield IndexFile(
                name=file.name, url=url, hashes={"sha256": digest}, size=file.stat().st_size
            )


def _direct(url: str) -> IndexFile:
    return _linked(url, url, url, {})


def project_of(file: str) -> str:
    """The normalised project name of a wheel or sdist by its file name, empty for any other file."""
    try:
        return (
            parse_wheel_filename(file)[0]
            if file.endswith(".whl")
            else parse_sdist_filename(file)[0]
        )
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""


def _page(url: str) -> tuple[IndexFile, ...]:
    response = http.get(url, headers={"accept": ACCEPT})
    base = _with_credentials(response.url, url)
    kind = "html" if url.startswith("file:") else response.headers.get("content-type", "").lower()
    if "json" in kind:
        return _read_json(response.content, base)
    if "html" in kind:
        return _read_html(response.content.decode("utf-8", "replace"), base)
    raise _no_page(url, f"its content type is '{kind}'")


def _no_page(url: str, reason: str) -> ExpectedError:
    return ExpectedError(
        f"{http.redact(url)} is no page of a package index: {reason}",
        "check PIP_INDEX_URL, PIP_EXTRA_INDEX_URL and pip's configuration files",
    )


def _address(href: str, base: str) -> tuple[str, str]:
    """Where a link without fragment leads, and the name of the file there."""
    if plain := PLAIN.fullmatch(href):
        return href, plain[1]
    url = urljoin(base, href)
    return url, unquote(urlsplit(url).path.rpartition("/")[2])


def _with_credentials(url: str, index: str) -> str:
    """The URL with the index's own credentials where it is on the same host and has none, as pip does."""
    if "@" not in index:
        return url
    parts, known = urlsplit(url), urlsplit(index)
    if "@" in parts.netloc or (parts.scheme, parts.netloc) != (
        known.scheme,
        known.netloc.rpartition("@")[2],
    ):
        return url
    return urlunsplit(parts._replace(netloc=known.netloc))


class _Meta(msgspec.Struct, rename={"api_version": "api-version"}):
    api_version: str = "1.0"


class _JsonFile(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str]
    size: int | None = None
    upload_time: datetime | None = None
    requires_python: str | None = None
    yanked: bool | str = False
    core_metadata: bool | dict[str, str] | None = None
    dist_info_metadata: bool | dict[str, str] | None = None


@thread_safe_decoding
class _JsonPage(msgspec.Struct):
    files: list[_JsonFile]
    meta: _Meta = msgspec.field(default_factory=_Meta)


def _read_json(content: bytes, base: str) -> tuple[IndexFile, ...]:
    try:
        page = msgspec.json.decode(content, type=_JsonPage)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _no_page(base, str(error)) from error
    _check_version(page.meta.api_version, base)
    return tuple(_from_json(file, base) for file in page.files)


def _from_json(file: _JsonFile, base: str) -> IndexFile:
    offered = file.core_metadata if file.core_metadata is not None else file.dist_info_metadata
    return IndexFile(
        name=file.filename,
        url=_with_credentials(_address(file.url, base)[0], base),
        hashes=file.hashes,
        size=file.size or 0,
        upload_time=_aware(file.upload_time),
        requires_python=file.requires_python or "",
        yanked=None if file.yanked is False else "" if file.yanked is True else file.yanked,
        metadata=offered if isinstance(offered, dict) else {} if offered else None,
    )


def _check_version(version: str, url: str) -> None:
    if version.partition(".")[0] != "1":
        raise _no_page(url, f"its format has version {version}, and this Orbiter reads version 1")


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time


def _read_html(text: str, url: str) -> tuple[IndexFile, ...]:
    page = Anchors(text)
    _check_version(page.version, url)
    base = urljoin(url, page.base)
    try:
        return tuple(
            _linked(link["href"], base, url, link) for link in page.links if "href" in link
        )
    except ValueError as error:  # a time, size or address that is none
        raise _no_page(url, str(error)) from error


def _linked(href: str, base: str, index: str, link: Mapping[str, str]) -> IndexFile:
    href, _, fragment = href.partition("#")
    url, name = _address(href, base)
    offered = link.get("data-core-metadata", link.get("data-dist-info-metadata"))
    time = link.get("data-upload-time", "")
    return IndexFile(
        name=name,
        url=_with_credentials(url, index),
        hashes=_hashes(fragment),
        size=int(link.get("data-size") or 0),
        upload_time=_aware(datetime.fromisoformat(time)) if time else None,
        requires_python=link.get("data-requires-python", ""),
        yanked=link.get("data-yanked"),
        metadata=None if offered is None else _hashes(offered),
    )


def _hashes(text: str) -> dict[str, str]:
    """``sha256=<hex>``, possibly among other ``&``-separated things, as a mapping."""
    pairs = (part.partition("=") for part in text.split("&"))
    return {
        name: value.lower()
        for name, _, value in pairs
        if name in hashlib.algorithms_guaranteed and value
    }
