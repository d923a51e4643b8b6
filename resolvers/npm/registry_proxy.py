"""A view of the npm registries for npm: served on the loopback, with an eye on what comes next.

npm asks for one package after the other, each time waiting for the answer that names the next. The view passes on
what the registries say, to the byte, and asks ahead for what it will be asked. The format of the answers:
https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import unquote, urljoin

import msgspec

from resolvers.errors import ExpectedError
from resolvers.net import http, loopback, prefetch
from resolvers.net.loopback import LoopbackAddress, LoopbackRequest, LoopbackResponse
from resolvers.net.once import OncePerKey
from resolvers.net.prefetch import Prefetcher
from resolvers.npm.config import NpmConfig
from resolvers.types import thread_safe_decoding

ALIAS = "npm:"


class Wanted(NamedTuple):
    """A package and the range that something asks for; no range for whatever is the latest."""

    name: str
    range: str = ""


@thread_safe_decoding
class _Version(msgspec.Struct):
    dependencies: dict[str, str] = {}
    optional: dict[str, str] = msgspec.field(default_factory=dict, name="optionalDependencies")
    peers: dict[str, str] = msgspec.field(default_factory=dict, name="peerDependencies")


@thread_safe_decoding
class _Packument(msgspec.Struct):
    versions: dict[str, msgspec.Raw] = {}
    tags: dict[str, str] = msgspec.field(default_factory=dict, name="dist-tags")


class NpmView:
    """What the registries say of the packages that something requires, asked once. Thread-safe.

    ``requirements`` map names to ranges; ``held`` are names that npm need not ask for. ``errors`` are those that
    came up while npm was served.
    """

    def __init__(
        self, config: NpmConfig, requirements: Mapping[str, str], held: frozenset[str] = frozenset()
    ) -> None:
        self.errors: list[ExpectedError] = []
        self._config = config
        self._requirements = [real(name, asked) for name, asked in requirements.items()]
        self._held = held
        self._accept = loopback.JSON
        self._once: OncePerKey[tuple[str, str], http.Response] = OncePerKey()

    def reaches(self) -> bool:
        """Whether the registry of the first requirement answers."""
        try:
            for wanted in self._requirements[:1]:
                self._packument(wanted.name)
        except http.HTTPError as error:
            return error.status != 0
        return True

    def answer(self, question: LoopbackRequest, walk: Prefetcher[Wanted]) -> LoopbackResponse:
        """What npm gets: all that a registry says of a package, or a tarball that it must look into."""
        path = unquote(question.path)
        if "/-/" not in path:  # from now on we ask as this npm does, which decides what comes back
            self._accept = question.headers.get("accept", self._accept)
            walk.start(*self._requirements, Wanted(path))
        try:
            if "/-/" in path:
                return self._tarball(path)
            found = self._packument(path)
        except http.HTTPError as error:
            if not error.status:
                raise
            return LoopbackResponse(
                error.status, msgspec.json.encode({"error": error.message}), loopback.JSON
            )
        return LoopbackResponse(
            200, found.content, found.headers.get("content-type", loopback.JSON)
        )

    def _packument(self, name: str) -> http.Response:
        accept = self._accept
        return self._once((name, accept), lambda: self._fetched(name, accept))

    def _fetched(self, name: str, accept: str) -> http.Response:
        url = self._config.registry(name) + name.replace("/", "%2f")
        return http.get(url, headers={"accept": accept, **self._config.headers(url)})

    def _tarball(self, path: str) -> LoopbackResponse:
        url = urljoin(
            self._config.registry(path), f"/{path}"
        )  # npm has put our host in place of the registry's
        return LoopbackResponse(200, http.stream_chunks(url, headers=self._config.headers(url)))

    def unmasked(self, words: str, root: str) -> str:
        """Words of npm with the registries' own addresses in place of the view's."""
        return re.sub(
            rf"{root}/(\S*)",
            lambda found: self._config.registry(unquote(found[1])) + found[1],
            words,
        )

    def follow(self, wanted: Wanted) -> Iterable[Wanted]:
        """What the likely version of a package asks for."""
        content = self._packument(wanted.name).content
        try:
            found = msgspec.json.decode(content, type=_Packument)
            version = msgspec.json.decode(
                found.versions[_likely(wanted.range, found)], type=_Version
            )
        except (msgspec.DecodeError, KeyError):
            return ()
        needed = (version.dependencies | version.optional | version.peers).items()
        return [
            each for name, asked in needed if (each := real(name, asked)).name not in self._held
        ]


@contextmanager
def serve(view: NpmView) -> Iterator[LoopbackAddress]:
    """Serve a view on the loopback for as long as the context lasts; it looks ahead as soon as npm asks."""
    with (
        prefetch.prefetching(view.follow, lambda wanted: wanted.name) as walk,
        loopback.serve(lambda question: view.answer(question, walk), view.errors) as served,
    ):
        yield served


def real(name: str, asked: str) -> Wanted:
    """What the registry calls a requirement, which may be an alias: ``npm:NAME@RANGE`` (npm help package-spec)."""
    if not asked.startswith(ALIAS):
        return Wanted(name, asked)
    at = asked.find("@", len(ALIAS) + 1)
    return (
        Wanted(asked[len(ALIAS) :]) if at < 0 else Wanted(asked[len(ALIAS) : at], asked[at + 1 :])
    )


def _likely(asked: str, packument: _Packument) -> str:
    """The version that a range most likely ends up with: the newest that begins as the range does, else the latest."""
    latest = packument.tags.get("latest", "")
    start = re.match(r"[~^=v\s]*(0\.\d+|[1-9]\d*)", asked.rpartition("||")[2])
    if asked in packument.versions or not start or f"{latest}.".startswith(f"{start[1]}."):
        return asked if asked in packument.versions else latest
    fitting = [
        version
        for version in packument.versions
        if version.startswith(f"{start[1]}.") and "-" not in version
    ]
    return max(fitting, key=_numbers, default=latest)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
