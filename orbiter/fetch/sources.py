"""Locators: sources from which the files of a lock set can be downloaded.

The addresses come from this machine's configuration; a lock set does not contain them.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http import HTTPStatus
from typing import NamedTuple, Protocol
from urllib.parse import quote, unquote

import msgspec

from orbiter.store.artifact_list import ADDRESS, OWN_FILE, LockedFile
from orbiter.store.download import HashMismatchError, OpenSource
from resolvers.conda import fetch
from resolvers.distro.repositories import split_source as split_repository
from resolvers.errors import ExpectedError
from resolvers.index import direct
from resolvers.index.routes import locked_project_files
from resolvers.index.source import split_source
from resolvers.net import http
from resolvers.net.once import Lazy, OncePerKey
from resolvers.npm import git_tarball
from resolvers.npm.address import git_commit
from resolvers.npm.config import NpmConfig
from resolvers.redaction import redact

NOT_FOUND = frozenset({404, 410})


class MirrorRules(NamedTuple):
    """The mirrors of a distribution.

    ``variable`` is the environment variable that names mirrors, separated by blanks, to use instead
    of those of the base image. ``remedy`` begins the hint for a file that the mirrors deleted.
    """

    distribution: str
    variable: str
    remedy: str


MIRROR_RULES: Mapping[str, MirrorRules] = {
    "apk": MirrorRules(
        "Alpine",
        "ORBITER_APK_MIRROR",
        "Alpine deletes old versions within days: set a mirror that keeps them",
    ),
    "apt": MirrorRules(
        "Debian", "ORBITER_APT_MIRROR", "mirrors delete old packages: set a snapshot mirror"
    ),
}
"""Mirrors by manager."""


MISSING_ADDRESS = (
    "edit the address in images.toml and lock again, or run 'orbiter archive' for the release on a "
    "machine that has the file, and 'orbiter fetch --from' here"
)


class FileSource(NamedTuple):
    """A place that may have a file: its name for messages, and a function that opens the file."""

    name: str
    open: OpenSource


class HttpLocation(NamedTuple):
    """The URL of a file, and the headers that a request for it needs."""

    url: str
    headers: Mapping[str, str] = {}


class Locator(Protocol):
    """Finds the sources of locked files."""

    def locate(self, file: LockedFile) -> Iterator[FileSource]:
        """Yield the sources to try, in order; raise ExpectedError if there are none."""
        ...

    def failure(self, file: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        """Return the error for a file that no source has, given the error of each source."""
        ...


class FetchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The sources that the caller knows.

    ``apk_mirrors`` and ``apt_mirrors`` return the mirrors of the base images. They are called at
    most once, and only if a package must be downloaded and the environment names no mirrors.
    ``indexes`` maps the package indexes of images.toml to their addresses, ``npm_registries`` maps
    the scopes there to those of their registries. ``repositories`` maps apk and apt to the
    addresses of their repositories in images.toml, by name. ``contents`` are the files that
    the lock set itself contains, by their hash. ``archive`` is tried before all other sources.
    """

    apk_mirrors: Callable[[], tuple[str, ...]] = lambda: ()
    apt_mirrors: Callable[[], tuple[str, ...]] = lambda: ()
    indexes: Mapping[str, str] = {}
    npm_registries: Mapping[str, str] = {}
    repositories: Mapping[str, Mapping[str, str]] = {}
    contents: Mapping[str, bytes] = {}
    archive: Locator | None = None


class LocatorError(ExpectedError):
    """The sources cannot be determined for any file: it ends the fetch and is reported once."""


class MissingUpstreamError(ExpectedError):
    """An index was read and does not have the file."""


class UpstreamLocator:
    """The package index, npm registry and mirrors of this machine; reads its configuration once."""

    def __init__(self, settings: FetchSettings) -> None:
        self._archive = settings.archive
        self._indexes = settings.indexes
        self._repositories = settings.repositories
        self._contents = settings.contents
        self._base_mirrors = {"apk": settings.apk_mirrors, "apt": settings.apt_mirrors}
        self._mirrors: OncePerKey[str, tuple[str, ...]] = OncePerKey()
        self._npm = Lazy(lambda: _npm_config().with_registries(settings.npm_registries))

    def locate(self, file: LockedFile) -> Iterator[FileSource]:
        """Yield the sources to try, in order; raise ExpectedError if there are none."""
        if self._archive:
            yield from self._archive.locate(file)
        kind, _, location = file.source.partition(":")
        if kind == "conda":
            yield FileSource(location, partial(fetch.open_package, location))
        elif kind == "npm" and (commit := git_commit(location)):
            yield FileSource(str(commit), partial(git_tarball.open_tarball, commit))
        elif file.hash in self._contents:
            content = self._contents[file.hash]
            yield FileSource("the lock set", partial(_open_content, content))
        elif kind == "git":
            name = file.path.rpartition("/")[2]
            yield FileSource(location, partial(direct.open_sdist, file.source, name))
        else:
            yield from map(_http_source, self.http_locations(file))

    def http_locations(self, file: LockedFile) -> Iterator[HttpLocation]:
        """Return the URLs of a file, in order; conda packages have none.

        Raises MissingUpstreamError if an index does not have the file, LocatorError if there are no
        mirrors, and ExpectedError for an unknown kind of source.
        """
        kind, _, location = file.source.partition(":")
        if kind == "pip":
            return map(HttpLocation, _pip_urls(file, location, self._indexes))
        if kind == ADDRESS:
            return iter([HttpLocation(location)])
        if kind == "npm":
            npm = self._npm()
            url = npm.tarball(location)
            return iter([HttpLocation(url, npm.headers(url))])
        if kind in MIRROR_RULES:
            repository, path = split_repository(location)
            # Names of packages contain characters such as "+" and "~".
            mirrors = self._addresses(kind, repository)
            return (HttpLocation(f"{mirror.rstrip('/')}/{quote(path)}") for mirror in mirrors)
        if kind == "folder":
            raise MissingUpstreamError(
                f"the wheel of {location!r} is in no index, and too large for the lock set",
                "run orbiter lock in the repository that has the folder, or run 'orbiter archive' "
                "on a machine that has built the release, and 'orbiter fetch --from' here",
            )
        if kind == OWN_FILE:
            raise MissingUpstreamError(
                f"{unquote(location)!r} is an own file, which no index has",
                "run orbiter lock in the repository that has the file, or run 'orbiter archive' "
                "on a machine that has built the release, and 'orbiter fetch --from' here",
            )
        raise ExpectedError(
            f"unknown source '{file.source}'", "use the version of Orbiter that locked this release"
        )

    def failure(self, file: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        """Return the error for a file that no source has, given the error of each source."""
        reasons = "; ".join(dict.fromkeys(failure.message for failure in failures))
        kind, _, location = file.source.partition(":")
        rules = MIRROR_RULES.get(kind)
        if rules and split_repository(location)[0]:
            rules = None  # mirrors do not have the packages of other repositories
        if rules is None or not all(map(_is_missing_or_changed, failures)):
            hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
            if kind == ADDRESS and is_missing_upstream(failures):
                hints[MISSING_ADDRESS] = None
            if rules and any(map(_is_unreachable, failures)):
                reasons += f" (the address comes from {mirror_origin(rules)})"
            return ExpectedError(f"{file.path}: {reasons}", "\n".join(hints))
        missing = " is no longer available upstream" if is_missing_upstream(failures) else ""
        return ExpectedError(
            f"{file.path}{missing}: {reasons}",
            f"{rules.remedy} in {rules.variable}, or run 'orbiter archive' for the release on a "
            "machine that has the files, and 'orbiter fetch --from' here",
        )

    def _addresses(self, manager: str, repository: str) -> tuple[str, ...]:
        """Return the address of a repository in images.toml, or the mirrors if it is empty."""
        if not repository:
            return self._mirrors(manager, lambda: self._read_mirrors(manager))
        known = self._repositories.get(manager, {})
        if repository not in known:
            raise ExpectedError(
                f"images.toml has no {manager}-repository '{repository}'",
                "restore the lock set from git, or lock again",
            )
        return (known[repository],)

    def _read_mirrors(self, manager: str) -> tuple[str, ...]:
        rules = MIRROR_RULES[manager]
        with ends_fetch():
            configured = tuple(os.environ.get(rules.variable, "").split())
            mirrors = configured or self._base_mirrors[manager]()
            if not mirrors:
                raise ExpectedError(
                    f"no mirror with {rules.distribution} packages is known",
                    f"set mirrors in {rules.variable}",
                )
        return mirrors


@contextmanager
def ends_fetch() -> Iterator[None]:
    """Turn an ExpectedError into a LocatorError, which ends the fetch."""
    try:
        yield
    except ExpectedError as error:
        raise LocatorError(error.message, error.hint) from error


def is_missing_upstream(failures: list[ExpectedError]) -> bool:
    """Return whether every source answered that it does not have the file."""
    return bool(failures) and all(map(_is_missing, failures))


def _is_missing(error: ExpectedError) -> bool:
    is_missing_page = isinstance(error, http.HTTPError) and error.status in NOT_FOUND
    return isinstance(error, MissingUpstreamError) or is_missing_page


def _is_unreachable(error: ExpectedError) -> bool:
    return isinstance(error, http.HTTPError) and error.status == 0


def mirror_origin(rules: MirrorRules) -> str:
    """Return what names the mirrors: the variable, or the base image that it would replace."""
    if os.environ.get(rules.variable):
        return rules.variable
    return f"the base image; {rules.variable} replaces it"


def _is_missing_or_changed(error: ExpectedError) -> bool:
    return _is_missing(error) or isinstance(error, HashMismatchError)


def _http_source(location: HttpLocation) -> FileSource:
    return FileSource(redact(location.url), partial(open_location, location))


def open_location(
    location: HttpLocation, headers: Mapping[str, str]
) -> AbstractContextManager[http.Stream]:
    """Open the file at a location; ``headers`` may request a range."""
    return http.stream(location.url, headers={**location.headers, **headers})


@contextmanager
def _open_content(content: bytes, _headers: Mapping[str, str]) -> Iterator[http.Stream]:
    """Stream a file that the lock set contains; ranges are ignored."""
    length = {"content-length": str(len(content))}
    yield http.Stream(HTTPStatus.OK, "", length, iter((content,)))


def _pip_urls(file: LockedFile, location: str, indexes: Mapping[str, str]) -> Iterator[str]:
    """Return the URLs of a file on the package index; ``location`` is an artifact's source."""
    index_name, _, name = split_source(location)
    algorithm, _, digest = file.hash.partition(":")
    links = locked_project_files(location, indexes)
    same_name = [link for link in links if link.name == name]
    # An index without hashes may have the file: its bytes are checked after the download.
    matching = [link for link in same_name if link.hashes.get(algorithm, digest) == digest]
    if not matching:
        reason = "has this file only with other bytes" if same_name else "does not have this file"
        raise _missing_on(index_name, f"{reason} ({file.hash})")
    # Links with the right hash come first: their bytes are known to match.
    matching.sort(key=lambda link: algorithm not in link.hashes)
    return (link.url for link in matching)


def _missing_on(index_name: str, reason: str) -> MissingUpstreamError:
    """Return the error for a file that an index of images.toml, or those of pip, do not have."""
    if index_name:
        return MissingUpstreamError(
            f"the package index '{index_name}' {reason}",
            "lock again, or run 'orbiter archive' for the release on a machine that has the file, "
            "and 'orbiter fetch --from' here",
        )
    return MissingUpstreamError(
        f"the package index {reason}",
        "set an index that has it in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, or lock again",
    )


def _npm_config() -> NpmConfig:
    from resolvers.npm import program

    return program.config()
