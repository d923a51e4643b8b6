"""A proxy of npm's registries on the loopback interface, which fetches in advance.

npm requests one level of packages after the other: each response names the packages of the next
level. The proxy passes the registries' responses on unchanged, and requests in advance what npm
will request next. The format of the responses:
https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import unquote, urljoin

import msgspec

from resolvers.errors import ExpectedError
from resolvers.net import http, loopback
from resolvers.net.loopback import LoopbackAddress, LoopbackRequest, LoopbackResponse
from resolvers.net.once import OncePerKey
from resolvers.net.prefetch import Prefetcher, prefetching
from resolvers.npm.config import NpmConfig
from resolvers.npm.manifest import ALIAS
from resolvers.redaction import redact
from resolvers.types.decoding import thread_safe_decoding

TARBALL = "/-/"
"""Part of the path of every tarball, and of no other path."""
FIRST_NUMBER = re.compile(r"[~^=v\s]*(0\.\d+|[1-9]\d*)")
"""The start of a range up to its first number other than 0."""


class NpmRequirement(NamedTuple):
    """A package and the required range; an empty range means the latest version."""

    name: str
    range: str = ""


@thread_safe_decoding
class _VersionMetadata(msgspec.Struct):
    dependencies: dict[str, str] = {}
    optional: dict[str, str] = msgspec.field(default_factory=dict, name="optionalDependencies")
    peers: dict[str, str] = msgspec.field(default_factory=dict, name="peerDependencies")


@thread_safe_decoding
class _Packument(msgspec.Struct):
    """A registry's response for a package, which npm calls a packument."""

    versions: dict[str, msgspec.Raw] = {}
    tags: dict[str, str] = msgspec.field(default_factory=dict, name="dist-tags")


class RegistryProxy:
    """The registries' responses, each requested once. Thread-safe.

    ``requirements`` maps names to ranges. ``known`` are the names that npm need not look up.
    ``errors`` collects the errors that occur while npm is served.
    """

    def __init__(
        self,
        config: NpmConfig,
        requirements: Mapping[str, str],
        known: frozenset[str] = frozenset(),
    ) -> None:
        self.errors: list[ExpectedError] = []
        self._config = config
        self._requirements = [resolve_alias(name, text) for name, text in requirements.items()]
        self._known = known
        self._accept = loopback.JSON
        self._packuments: OncePerKey[tuple[str, str], http.Response] = OncePerKey()

    def reaches_registry(self) -> bool:
        """Return whether the registry of the first requirement answers."""
        try:
            for requirement in self._requirements[:1]:
                self._packument(requirement.name)
        except http.HTTPError as error:
            return error.status != 0
        return True

    def respond(
        self, request: LoopbackRequest, prefetcher: Prefetcher[NpmRequirement]
    ) -> LoopbackResponse:
        """Return a packument, or a tarball that npm must look into."""
        path = unquote(request.path)
        try:
            if TARBALL in path:
                return self._tarball(path)
            # The response depends on this header, so prefetch with the one that npm sends.
            self._accept = request.headers.get("accept", self._accept)
            prefetcher.start(*self._requirements, NpmRequirement(path))
            packument = self._packument(path)
        except http.HTTPError as error:
            if not error.status:
                raise
            content = msgspec.json.encode({"error": error.message})
            return LoopbackResponse(error.status, content, loopback.JSON)
        content_type = packument.headers.get("content-type", loopback.JSON)
        return LoopbackResponse(200, packument.content, content_type)

    def _packument(self, name: str) -> http.Response:
        accept = self._accept
        return self._packuments((name, accept), lambda: self._request_packument(name, accept))

    def _request_packument(self, name: str, accept: str) -> http.Response:
        url = self._config.packument(name)
        return http.get(url, headers={"accept": accept, **self._config.headers(url)})

    def _tarball(self, path: str) -> LoopbackResponse:
        # npm replaces only the host of a tarball's address, so the path is complete.
        url = urljoin(self._config.registry(path), f"/{path}")
        return LoopbackResponse(200, http.stream_chunks(url, headers=self._config.headers(url)))

    def with_registry_addresses(self, text: str, root: str) -> str:
        """Replace the proxy's address in npm's messages by those of the registries.

        Logins in them are left out.
        """

        def registry_address(match: re.Match[str]) -> str:
            return redact(self._config.registry(unquote(match[1]))) + match[1]

        return re.sub(rf"{root}/(\S*)", registry_address, text)

    def requirements_of(self, requirement: NpmRequirement) -> Iterable[NpmRequirement]:
        """Return the requirements of the version that npm will most likely choose."""
        content = self._packument(requirement.name).content
        try:
            packument = msgspec.json.decode(content, type=_Packument)
            raw = packument.versions[_likely_version(requirement.range, packument)]
            version = msgspec.json.decode(raw, type=_VersionMetadata)
        except (msgspec.DecodeError, KeyError):
            return ()  # npm reports malformed metadata, if it needs that version at all
        ranges = version.dependencies | version.optional | version.peers
        required = (resolve_alias(name, text) for name, text in ranges.items())
        return [each for each in required if each.name not in self._known]


@contextmanager
def serve(proxy: RegistryProxy) -> Iterator[LoopbackAddress]:
    """Serve a proxy while the context lasts; prefetching starts with npm's first request."""
    with (
        prefetching(proxy.requirements_of, lambda requirement: requirement.name) as prefetcher,
        loopback.serve(lambda request: proxy.respond(request, prefetcher), proxy.errors) as server,
    ):
        yield server


def resolve_alias(name: str, text: str) -> NpmRequirement:
    """Return a requirement under the registry's name of the package.

    An alias is written ``npm:NAME@RANGE`` (``npm help package-spec``).
    """
    if not text.startswith(ALIAS):
        return NpmRequirement(name, text)
    spec = text.removeprefix(ALIAS)
    end = spec.find("@", 1)  # the first character may be the @ of a scope
    if end < 0:
        return NpmRequirement(spec)
    return NpmRequirement(spec[:end], spec[end + 1 :])


def _likely_version(version_range: str, packument: _Packument) -> str:
    """Return the version that npm will most likely choose for a range.

    That is the newest version which starts with the range's first number, else the latest one.
    """
    if version_range in packument.versions:
        return version_range
    latest = packument.tags.get("latest", "")
    number = FIRST_NUMBER.match(version_range.rpartition("||")[2])
    if not number:
        return latest
    start = f"{number[1]}."
    if f"{latest}.".startswith(start):
        return latest
    fitting = [each for each in packument.versions if each.startswith(start) and "-" not in each]
    return max(fitting, key=_numbers, default=latest)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
