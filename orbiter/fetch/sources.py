"""Where on this machine's network the files of a lock set come from: nothing of it is in the lock set."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import NamedTuple, Protocol
from urllib.parse import quote

import msgspec

from orbiter.store.artifact_list import LockedFile
from orbiter.store.download import Open, WrongBytesError
from resolvers.conda import fetch
from resolvers.errors import ExpectedError
from resolvers.index import index
from resolvers.net import http
from resolvers.net.once import Lazy, OncePerKey
from resolvers.npm.config import NpmConfig

NOT_FOUND = frozenset({404, 410})


class MirrorRules(NamedTuple):
    """Whose packages mirrors have: ``variable`` of the environment names mirrors, separated by blanks, that are asked
    in place of the base image's own; ``deletes`` says what to do about a file that they no longer have.
    """

    name: str
    variable: str
    deletes: str


MIRROR_RULES: Mapping[str, MirrorRules] = {
    "apk": MirrorRules(
        "Alpine",
        "ORBITER_APK_MIRROR",
        "Alpine deletes old versions within days: name a mirror that keeps them",
    ),
    "apt": MirrorRules(
        "Debian", "ORBITER_APT_MIRROR", "mirrors delete old packages: name a snapshot mirror"
    ),
}
"""By manager."""


class FileSource(NamedTuple):
    """Who may have a file: a name for messages, and the way to its bytes."""

    name: str
    open: Open


class HttpLocation(NamedTuple):
    """Where a file is for HTTP, and what a request must carry."""

    url: str
    headers: Mapping[str, str] = {}


class Locator(Protocol):
    """Knows who has the files of a fetch."""

    def of(self, entry: LockedFile) -> Iterator[FileSource]:
        """Whom to ask for a file, in turn; raises ExpectedError when there is nobody."""
        ...

    def failure(self, entry: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        """The one error for a file that nobody gave."""
        ...


class FetchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller knows of where files are.

    ``apk_mirrors`` and ``apt_mirrors`` give the addresses of the base images' own mirrors: asked once, and only when
    a package has to be fetched and the environment names none. ``archive`` is asked for a file before anybody else.
    """

    apk_mirrors: Callable[[], tuple[str, ...]] = lambda: ()
    apt_mirrors: Callable[[], tuple[str, ...]] = lambda: ()
    archive: Locator | None = None


class LocatorError(ExpectedError):
    """Whom to ask cannot be found out, whatever the file: it ends the fetch, and is told once."""


class MissingUpstreamError(ExpectedError):
    """An index that answers does not have the file."""


class UpstreamLocator:
    """The package index, npm registry and mirrors of this machine; its configuration is read once."""

    def __init__(self, sources: FetchSettings) -> None:
        self._sources = sources
        self._mirrors: OncePerKey[str, tuple[str, ...]] = OncePerKey()
        self._npm: Lazy[NpmConfig] = Lazy(_npm_config)

    def of(self, entry: LockedFile) -> Iterator[FileSource]:
        """Whom to ask for a file, in turn; raises ExpectedError when there is nobody."""
        if self._sources.archive:
            yield from self._sources.archive.of(entry)
        kind, _, place = entry.source.partition(":")
        if kind == "conda":
            yield FileSource(place, partial(fetch.opened, place))
        else:
            yield from map(_origin, self.addresses(entry))

    def addresses(self, entry: LockedFile) -> Iterator[HttpLocation]:
        """Where a file is, in turn; of conda's nothing is known here. Raises like ``of``, GoneError among them."""
        kind, _, place = entry.source.partition(":")
        if kind == "pip":
            return map(HttpLocation, _pip_urls(entry, place))
        if kind == "npm":
            npm = self._npm()
            url = npm.tarball(place)
            return iter([HttpLocation(url, npm.headers(url))])
        if kind in MIRROR_RULES:
            mirrors = self._mirrors(kind, lambda: self._mirrors_of(kind))
            return (HttpLocation(f"{mirror.rstrip('/')}/{quote(place)}") for mirror in mirrors)
        raise ExpectedError(
            f"no way to fetch '{entry.source}' is known", "use the Orbiter that locked it"
        )

    def failure(self, entry: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        """The one error for a file that nobody gave."""
        reasons = "; ".join(dict.fromkeys(failure.message for failure in failures))
        hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
        distribution = MIRROR_RULES.get(entry.source.partition(":")[0])
        if not distribution or not all(
            _is_absence(each) or isinstance(each, WrongBytesError) for each in failures
        ):
            return ExpectedError(f"{entry.path}: {reasons}", "\n".join(hints))
        gone = " is no longer upstream" if is_missing_upstream(failures) else ""
        return ExpectedError(
            f"{entry.path}{gone}: {reasons}",
            f"{distribution.deletes} in {distribution.variable}, or 'orbiter archive' the release on a machine that "
            "has them, and 'orbiter fetch --from' it here",
        )

    def _mirrors_of(self, manager: str) -> tuple[str, ...]:
        name, variable, _ = MIRROR_RULES[manager]
        known = {"apk": self._sources.apk_mirrors, "apt": self._sources.apt_mirrors}[manager]
        with ends_fetch():
            if mirrors := tuple(os.environ.get(variable, "").split()) or known():
                return mirrors
            raise ExpectedError(
                f"no mirror is known that has {name}'s packages", f"name mirrors in {variable}"
            )


@contextmanager
def ends_fetch() -> Iterator[None]:
    """Makes an expected error one that ends the fetch."""
    try:
        yield
    except ExpectedError as error:
        raise LocatorError(error.message, error.hint) from error


def is_missing_upstream(failures: list[ExpectedError]) -> bool:
    """Whether all that were asked for a file answered that they do not have it."""
    return bool(failures) and all(map(_is_absence, failures))


def _is_absence(error: ExpectedError) -> bool:
    return isinstance(error, MissingUpstreamError) or (
        isinstance(error, http.HTTPError) and error.status in NOT_FOUND
    )


def _origin(address: HttpLocation) -> FileSource:
    return FileSource(http.redact(address.url), partial(_open, address))


def _open(address: HttpLocation, headers: Mapping[str, str]) -> AbstractContextManager[http.Stream]:
    return http.stream(address.url, headers={**address.headers, **headers})


def _pip_urls(entry: LockedFile, place: str) -> Iterator[str]:
    project, _, name = place.partition("/")
    algorithm, _, digest = entry.hash.partition(":")
    files = [file for file in index.configured().files(project) if file.name == name]
    fitting = [file for file in files if file.hashes.get(algorithm, digest) == digest]
    if not fitting:
        what = "with other bytes only" if files else "not at all"
        raise MissingUpstreamError(
            f"the package index has it {what} ({entry.hash})",
            "name an index that has it in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, or lock again without it",
        )
    fitting.sort(key=lambda file: algorithm not in file.hashes)
    return (file.url for file in fitting)


def _npm_config() -> NpmConfig:
    from resolvers.npm import program

    return program.config()
