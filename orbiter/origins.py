"""Where on this machine's network the files of a lock set come from: nothing of it is in the lock set."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from orbiter.part import Open
from orbiter.store import Entry
from resolvers import http, index
from resolvers.errors import ExpectedError

APT_MIRROR = "ORBITER_APT_MIRROR"
"""Names addresses of Debian mirrors, separated by blanks, that are asked in place of the base image's own."""

T = TypeVar("T")


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
        self._apt_mirrors = _Once(lambda: _environment_mirrors() or sources.apt_mirrors())
        self._npm = _Once(_npm_config)

    def of(self, entry: Entry) -> Iterator[Origin]:
        """Whom to ask for a file, in turn; raises ExpectedError when there is nobody."""
        kind, _, place = entry.source.partition(":")
        if kind == "pip":
            return map(_origin, _pip_urls(entry, place))
        if kind == "npm":
            return iter([self._npm().origin(place)])
        if kind == "apt":
            return (_origin(f"{mirror.rstrip('/')}/{quote(place)}") for mirror in self._apt_mirrors())
        raise ExpectedError(f"no way to fetch '{entry.source}' is known", "use the Orbiter that locked it")

    def failure(self, entry: Entry, failures: list[ExpectedError]) -> ExpectedError:
        """The one error for a file that nobody gave."""
        reasons = dict.fromkeys(failure.message for failure in failures)
        hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
        if entry.source.startswith("apt:"):
            hints = {
                f"mirrors delete old packages: name a snapshot mirror in {APT_MIRROR}, or carry the files over "
                "with 'orbiter fetch --to FOLDER' from a machine that has them": None
            }
        return ExpectedError(
            f"{entry.path}: {'; '.join(reasons) or 'no mirror is known to ask for it'}", "\n".join(hints)
        )


class _Once(Generic[T]):
    """Calls a function when first asked, once, and keeps its answer or its error for every thread."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._answer: Future[T] = Future()
        self._lock = threading.Lock()

    def __call__(self) -> T:
        with self._lock:
            if not self._answer.done():
                try:
                    self._answer.set_result(self._make())
                except ExpectedError as error:
                    self._answer.set_exception(error)
        return self._answer.result()


def _origin(url: str, headers: Mapping[str, str] = {}) -> Origin:
    return Origin(http.redact(url), partial(_open, url, headers))


def _open(url: str, own: Mapping[str, str], headers: Mapping[str, str]) -> AbstractContextManager[http.Stream]:
    return http.stream(url, headers={**own, **headers})


def _environment_mirrors() -> tuple[str, ...]:
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


class _NpmConfig(msgspec.Struct):
    """The registries by scope (``""`` for the default one), and tokens by the start of an address."""

    registries: Mapping[str, str]
    tokens: Mapping[str, str]

    def origin(self, place: str) -> Origin:
        scope = place.partition("/")[0] if place.startswith("@") else ""
        registry = self.registries.get(scope) or self.registries[""]
        url = f"{registry.rstrip('/')}/{quote(place, safe='/@')}"
        start = url.partition(":")[2]
        tokens = [token for prefix, token in self.tokens.items() if start.startswith(prefix)]
        return _origin(url, {"authorization": f"Bearer {tokens[0]}"} if tokens else {})


def _npm_config() -> _NpmConfig:
    from resolvers import npm_engine

    text = npm_engine.run(["config", "list", "--json"])
    settings = msgspec.json.decode(text, type=dict[str, object])
    registries = {
        key.removesuffix(":registry"): str(value) for key, value in settings.items() if key.endswith(":registry")
    }
    registries[""] = str(settings["registry"])
    return _NpmConfig(registries, _npm_tokens(Path(str(settings["userconfig"]))))


def _npm_tokens(npmrc: Path) -> dict[str, str]:
    """The lines ``//host/path/:_authToken=…`` of a user's .npmrc, with its ``${VARIABLES}`` filled in."""
    lines = npmrc.read_text().splitlines() if npmrc.exists() else []
    found = (re.fullmatch(r"\s*(//\S+?):_authToken\s*=\s*\"?([^\s\"]+)\"?\s*", line) for line in lines)
    return {match[1]: _expanded(match[2]) for match in found if match}


def _expanded(value: str) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], ""), value)
