"""The newest versions of npm packages, from the registries that locking uses."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

import msgspec

from resolvers.errors import ExpectedError, ProgramError
from resolvers.net import http, loopback
from resolvers.net.prefetch import THREADS
from resolvers.npm import failures, program, semver
from resolvers.npm.config import NpmConfig
from resolvers.npm.lock_file import required_name
from resolvers.npm.registry_proxy import resolve_alias
from resolvers.redaction import redact
from resolvers.types.decoding import thread_safe_decoding
from resolvers.types.packages import Availability, AvailableVersion
from resolvers.types.request import Request

LATEST = "latest"
"""The tag of the version that npm installs without a range."""
NOT_FOUND = 404

T = TypeVar("T")


@thread_safe_decoding
class _Version(msgspec.Struct):
    deprecated: str | bool = ""


@thread_safe_decoding
class _Packument(msgspec.Struct):
    """A registry's response for a package; ``time`` also has other times than those of versions."""

    versions: dict[str, _Version] = {}
    tags: dict[str, str] = msgspec.field(default_factory=dict, name="dist-tags")
    time: dict[str, object] = {}


@thread_safe_decoding
class _View(msgspec.Struct):
    """The output of ``npm view``; it lists versions without their metadata."""

    versions: list[str] | str = []
    tags: dict[str, str] = msgspec.field(default_factory=dict, name="dist-tags")
    time: dict[str, object] = {}


def newest_versions(request: Request, names: tuple[str, ...]) -> dict[str, Availability]:
    """Return the newest versions of packages, by their names in the registry.

    A registry that does not answer is the problem of its packages.
    """
    config = program.config().with_registries(request.npm.registries)
    ranges = dict(_ranges(request))
    packument = (
        _packument_by_http(config) if config.is_simple else _packument_by_npm(config, request)
    )

    def look_up(name: str) -> Availability:
        try:
            found = packument(name)
        except ExpectedError as error:
            return Availability(problem=error.message.splitlines()[0])
        if found is None:
            return Availability()
        return Availability(allowed=_pick(found, ranges.get(name, "")), newest=_pick(found, LATEST))

    # npm itself is a process of Node, which needs a processor.
    threads = THREADS if config.is_simple else os.cpu_count()
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip(names, pool.map(look_up, names), strict=True))


def _ranges(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the name in the registry and the range of each requirement; "" is any version."""
    for text in (text for group in request.groups for text in group.requirements):
        name = required_name(text)
        yield resolve_alias(name, text[len(name) + 1 :])


def _packument_by_http(config: NpmConfig) -> Callable[[str], _Packument | None]:
    def read(name: str) -> _Packument | None:
        url = config.packument(name)
        headers = {"accept": loopback.JSON, **config.headers(url)}
        try:
            return _decode(http.get(url, headers=headers).content, _Packument, url)
        except http.HTTPError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    return read


def _packument_by_npm(config: NpmConfig, request: Request) -> Callable[[str], _Packument | None]:
    """Return a function that lets npm ask, because its configuration needs more than HTTP.

    npm tries for more than a minute to reach a registry, so one that did not respond once is not
    asked for other packages.
    """
    options = [f"--{scope}:registry={url}" for scope, url in request.npm.registries.items()]
    silent: dict[str, http.HTTPError] = {}

    def read(name: str) -> _Packument | None:
        registry = config.registry(name)
        if registry in silent:
            raise silent[registry]
        words = ["view", name, "versions", "dist-tags", "time", "--json", *options]
        try:
            output = program.run([*words, "--loglevel=error"])
        except ProgramError as error:
            if "E404" in error.output:
                return None
            if failed := failures.FAILED_REQUEST.search(error.output):
                problem = failures.not_responding(registry, failed["reason"], config)
                silent[registry] = problem
                raise problem from None
            raise _failure(error) from None
        view = _decode(output.encode(), _View, name)
        versions = [view.versions] if isinstance(view.versions, str) else view.versions
        known = {version: _Version() for version in versions}
        return _Packument(versions=known, tags=view.tags, time=view.time)

    return read


def _failure(error: ProgramError) -> ExpectedError:
    """Return the error with npm's reason in its only line."""
    reason = failures.summary(error.output)
    return ExpectedError(f"npm failed: {reason}") if reason else error


def _decode(content: bytes, kind: type[T], source: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ExpectedError(
            f"{redact(source)} is not a response of an npm registry: {error}",
            "check the registry in npm's configuration",
        ) from None


def _pick(packument: _Packument, wanted: str) -> AvailableVersion | None:
    """Return the version that npm installs for a range or a tag; None if there is none."""
    tagged = packument.tags.get(wanted or LATEST, "")
    allowed = semver.parse_range(wanted)
    if wanted in packument.tags or allowed is None:
        return _available(packument, tagged)
    latest = packument.tags.get(LATEST, "")
    if _satisfies(latest, allowed):
        return _available(packument, latest)
    fitting = [version for version in packument.versions if _satisfies(version, allowed)]
    return _available(packument, max(fitting, key=_rank(packument), default=""))


def _rank(packument: _Packument) -> Callable[[str], tuple[bool, semver.Semver]]:
    """Return the key by which npm chooses: deprecated versions last, then the highest one."""

    def key(version: str) -> tuple[bool, semver.Semver]:
        is_deprecated = bool(packument.versions[version].deprecated)
        return not is_deprecated, semver.parse_version(version) or semver.LOWEST

    return key


def _satisfies(version: str, allowed: semver.Range) -> bool:
    parsed = semver.parse_version(version)
    return parsed is not None and semver.satisfies(parsed, allowed)


def _available(packument: _Packument, version: str) -> AvailableVersion | None:
    if version not in packument.versions:
        return None
    return AvailableVersion(version, _time(packument.time, version))


def _time(times: Mapping[str, object], version: str) -> datetime | None:
    try:
        return datetime.fromisoformat(str(times.get(version, "")))
    except ValueError:
        return None
