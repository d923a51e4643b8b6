"""Where on this machine's network the files of a lock set come from: nothing of it is in the lock set."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple, Protocol
from urllib.parse import quote

import msgspec

from orbiter.part import Open
from orbiter.store import Entry
from resolvers import conda_fetch, http, index
from resolvers.errors import ExpectedError
from resolvers.npm_config import NpmConfig
from resolvers.once import Once

APT_MIRROR = "ORBITER_APT_MIRROR"
"""Names addresses of Debian mirrors, separated by blanks, that are asked in place of the base image's own."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller knows of where files are.

    ``apt_mirrors`` gives the addresses of the base image's own mirrors: asked once, and only when a package has
    to be fetched and the environment names none.
    """

    apt_mirrors: Callable[[], tuple[str, ...]] = lambda: ()


class Origin(NamedTuple):
    """Who may have a file: a name for messages, and the way to its bytes."""

    name: str
    open: Open


class Origins(Protocol):
    """Knows who has the files of a fetch."""

    def of(self, entry: Entry) -> Iterator[Origin]:
        """Whom to ask for a file, in turn; raises ExpectedError when there is nobody."""
        ...

    def failure(self, entry: Entry, failures: list[ExpectedError]) -> ExpectedError:
        """The one error for a file that nobody gave."""
        ...


class Configured:
    """The package index, npm registry and Debian mirrors of this machine; its configuration is read once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._mirrors: Once[None, tuple[str, ...]] = Once()
        self._npm: Once[None, NpmConfig] = Once()

    def of(self, entry: Entry) -> Iterator[Origin]:
        """Whom to ask for a file, in turn; raises ExpectedError when there is nobody."""
        kind, _, place = entry.source.partition(":")
        if kind == "pip":
            return map(_origin, _pip_urls(entry, place))
        if kind == "conda":
            return iter([Origin(place, partial(conda_fetch.opened, place))])
        if kind == "npm":
            npm = self._npm(None, _npm_config)
            url = npm.tarball(place)
            return iter([_origin(url, npm.headers(url))])
        if kind == "apt":
            mirrors = self._mirrors(None, lambda: environment_mirrors() or self._sources.apt_mirrors())
            return (_origin(f"{mirror.rstrip('/')}/{quote(place)}") for mirror in mirrors)
        raise ExpectedError(f"no way to fetch '{entry.source}' is known", "use the Orbiter that locked it")

    def failure(self, entry: Entry, failures: list[ExpectedError]) -> ExpectedError:
        """The one error for a file that nobody gave."""
        reasons = dict.fromkeys(failure.message for failure in failures)
        hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
        if entry.source.startswith("apt:"):
            hints = {
                f"mirrors delete old packages: name a snapshot mirror in {APT_MIRROR}, or 'orbiter archive' the "
                "release on a machine that has them, and 'orbiter fetch --from' it here": None
            }
        return ExpectedError(
            f"{entry.path}: {'; '.join(reasons) or 'no mirror is known to ask for it'}", "\n".join(hints)
        )


def _origin(url: str, headers: Mapping[str, str] = {}) -> Origin:
    return Origin(http.redact(url), partial(_open, url, headers))


def _open(url: str, own: Mapping[str, str], headers: Mapping[str, str]) -> AbstractContextManager[http.Stream]:
    return http.stream(url, headers={**own, **headers})


def environment_mirrors() -> tuple[str, ...]:
    """The addresses of Debian mirrors that the environment names."""
    return tuple(os.environ.get(APT_MIRROR, "").split())


def _pip_urls(entry: Entry, place: str) -> Iterator[str]:
    project, _, name = place.partition("/")
    algorithm, _, digest = entry.hash.partition(":")
    files = [file for file in index.configured().files(project) if file.name == name]
    fitting = [file for file in files if file.hashes.get(algorithm, digest) == digest]
    if not fitting:
        what = "with other bytes only" if files else "not at all"
        raise ExpectedError(
            f"the package index has it {what} ({entry.hash})",
            "name an index that has it in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, or lock again without it",
        )
    fitting.sort(key=lambda file: algorithm not in file.hashes)
    return (file.url for file in fitting)


def _npm_config() -> NpmConfig:
    from resolvers import npm_engine

    return npm_engine.config()
