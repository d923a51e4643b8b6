"""The package indexes in pip's configuration of this machine, and the files of a project there."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError
from resolvers.index.index_file import IndexFile, project_of
from resolvers.index.page import linked_file, read_page
from resolvers.net import http, keyring, pip_config
from resolvers.net.addresses import is_url, local_path
from resolvers.net.once import OncePerKey
from resolvers.redaction import redact

TRUE_VALUES = frozenset({"y", "yes", "t", "true", "on", "1"})
NOT_FOUND = frozenset({404, 410})
FORBIDDEN = 403
"""Response of indexes in a cloud's object store to a request for a project that does not exist."""


class Offers(NamedTuple):
    """The files of a project: those of each index, in order, those of ``find_links``, and all."""

    by_index: tuple[tuple[IndexFile, ...], ...]
    links: tuple[IndexFile, ...]
    every: tuple[IndexFile, ...]


class Index:
    """A default index, extra indexes and ``find_links``; reads each project once. Thread-safe.

    ``urls`` are the addresses of simple indexes (``https:``, ``http:``, ``file:``), the default
    index first. ``find_links`` are folders, pages or files. ``origin`` says where the addresses
    come from, unless it is pip's configuration.
    """

    def __init__(
        self, urls: tuple[str, ...], find_links: tuple[str, ...] = (), *, origin: str = ""
    ) -> None:
        self.urls = urls
        self.find_links = find_links
        self._origin = origin
        self._projects: OncePerKey[str, Offers] = OncePerKey(retry=True)

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """Return all files of a project, those of the default index first; () if it is unknown.

        Raises HTTPError if an index does not answer, ExpectedError if its response is not a page
        of an index.
        """
        return self.offers(project).every

    def files_of_first(self, project: str) -> tuple[IndexFile, ...]:
        """Return a project's files on the first index that has it, and those of ``find_links``.

        A project of that name on a later index may belong to somebody else. Raises like ``files``.
        """
        offers = self.offers(project)
        first = next(filter(None, offers.by_index), ())
        return _unique((*first, *offers.links))

    def offers(self, project: str) -> Offers:
        """Return the files of a project by their place. Raises like ``files``."""
        name = canonicalize_name(project)
        return self._projects(name, lambda: self._read_project(name))

    def _read_project(self, name: str) -> Offers:
        by_index = []
        option = "index-url"
        for url in self.urls:
            with self._naming_origin(option):
                is_default = option == "index-url" and not self._origin
                by_index.append(_index_files(url, name, is_default=is_default))
            option = "extra-index-url"
        links: list[IndexFile] = []
        for location in self.find_links:
            with self._naming_origin("find-links"):
                links += _find_links_files(location, name)
        every = _unique((*chain.from_iterable(by_index), *links))
        return Offers(tuple(by_index), tuple(links), every)

    @contextmanager
    def _naming_origin(self, option: str) -> Iterator[None]:
        """Add the file or the variable that sets an option of pip to an HTTPError."""
        try:
            yield
        except http.HTTPError as error:
            raise http.with_origin(error, self._origin or pip_config.origin(option)) from error


def _unique(files: Iterable[IndexFile]) -> tuple[IndexFile, ...]:
    """Keep one of the files with the same name and hashes; another hash is another file."""
    unique: dict[tuple[str, frozenset[tuple[str, str]]], IndexFile] = {}
    for file in files:
        unique.setdefault((file.name, frozenset(file.hashes.items())), file)
    return tuple(unique.values())


def configured() -> Index:
    """Return the index of this machine; the same object as long as its configuration is the same.

    Raises ExpectedError if a configuration file of pip is malformed.
    """
    settings = pip_config.settings()
    _check_addresses(settings)
    default = settings.get("index-url") or default_index()
    urls = (default, *settings.get("extra-index-url", "").split())
    if settings.get("no-index", "").lower() in TRUE_VALUES:
        urls = ()  # find-links still applies: that is how pip installs offline
    urls = tuple(map(keyring.with_password, urls))
    return _index(urls, tuple(settings.get("find-links", "").split()))


def _check_addresses(settings: Mapping[str, str]) -> None:
    """Raise ExpectedError if an option of pip has an address that cannot be split."""
    for option in ("index-url", "extra-index-url", "find-links"):
        for address in settings.get(option, "").split():
            if not is_url(address):
                raise ExpectedError(
                    f"{pip_config.origin(option)}: {redact(address)} is not a valid address",
                    f"correct {option} there",
                )


def default_index() -> str:
    """Return the address that pip uses if none is configured."""
    from distlib.index import DEFAULT_INDEX

    return str(urljoin(DEFAULT_INDEX, "simple/"))


@cache
def _index(urls: tuple[str, ...], find_links: tuple[str, ...]) -> Index:
    return Index(urls, find_links)


def page_address(index_url: str, name: str) -> str:
    """Return the address of a project's page on an index; ``name`` is canonical."""
    url = f"{index_url.rstrip('/')}/{name}/"
    if url.startswith("file:"):
        url += "index.html"  # a server would add this file name itself
    return url


def _index_files(index_url: str, name: str, *, is_default: bool) -> tuple[IndexFile, ...]:
    try:
        return read_page(page_address(index_url, name))
    except http.HTTPError as error:
        # From the default index, 403 is an error: the credentials may be wrong.
        if error.status in NOT_FOUND or (error.status == FORBIDDEN and not is_default):
            return ()
        raise


def _find_links_files(location: str, name: str) -> Iterator[IndexFile]:
    if location.startswith(("https:", "http:")):
        files = _remote_files(location)
    else:
        files = _local_files(location, name)
    return (file for file in files if project_of(file.name) == name)


def _remote_files(url: str) -> Iterable[IndexFile]:
    file = linked_file(url, base=url, index_url=url, attributes={})
    return (file,) if project_of(file.name) else read_page(url)


def _local_files(location: str, name: str) -> Iterable[IndexFile]:
    path = local_path(location) if location.startswith("file:") else Path(location).expanduser()
    if path.suffix == ".html":
        return read_page(path.absolute().as_uri())
    return _files_in_folder(path, name)


def _files_in_folder(path: Path, name: str) -> Iterator[IndexFile]:
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file() and project_of(file.name) == name:
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            yield IndexFile(
                name=file.name,
                url=file.absolute().as_uri(),
                hashes={"sha256": digest},
                size=file.stat().st_size,
            )
