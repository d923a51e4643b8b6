"""Checks of Debian and Alpine mirrors: from containers, as locking asks, and from this machine."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from orbiter.config.builders import system_manager
from orbiter.config.image_set import Builder, ImageSet
from orbiter.docker import client, local_images
from orbiter.docker.shells import base_shell, pin_base, solver_image
from orbiter.doctor.check import Asks, Check
from orbiter.doctor.faults import diagnose
from orbiter.doctor.machine import NO_ENGINE
from orbiter.doctor.project import newest_lock_set
from orbiter.doctor.result import Fault, Outcome, failed, ok, skipped, warning
from orbiter.doctor.subject import base_images
from orbiter.fetch.fill import artifacts
from orbiter.fetch.mirrors import fetch_settings
from orbiter.fetch.sources import (
    MIRROR_RULES,
    NOT_FOUND,
    FetchSettings,
    UpstreamLocator,
    mirror_origin,
)
from orbiter.fetch.upstream import check_location
from orbiter.lockset.model import LockSet
from orbiter.store.artifact_list import LockedFile
from resolvers.apk import base as apk
from resolvers.apt import base as apt
from resolvers.distro.reach import Source
from resolvers.distro.repositories import split_source
from resolvers.errors import ExpectedError
from resolvers.net import http, profile
from resolvers.types.options import Shell

ASK_SOURCES: Mapping[str, Callable[[Shell, str], tuple[Source, ...]]] = {
    "apk": apk.ask_sources,
    "apt": apt.ask_sources,
}
"""Functions that let a manager ask the sources of an image, by manager."""
CONTAINER_LIMIT = 120.0
"""Seconds that a check in a container may take, because a busy engine starts containers slowly.

apt and apk report sooner that a source does not answer.
"""
OWN_PROXY: frozenset[Fault] = frozenset({"name", "refused", "time-out", "other"})
CONTAINER_HINT = (
    "correct the proxy of containers: 'proxies' in ~/.docker/config.json, otherwise that of this "
    "machine"
)
NO_MIRRORS = f"the base image names the mirrors, and {NO_ENGINE}"
SOURCES_HINT = "correct the sources of the base image"
DELETED_HINT = "list all missing files: orbiter fetch --upstream"


class _NotPulledError(ExpectedError):
    """No engine answers, or it does not have an image; a check must not pull it."""


def source_checks(image_set: ImageSet) -> Iterator[Check]:
    """Yield the checks of the sources in the images in which apk and apt resolve."""
    for reference, builder in base_images(image_set).items():
        name = f"{system_manager(builder.name)} in a container"
        run = partial(_check_sources, reference, builder, image_set.platforms)
        yield Check(name, run, CONTAINER_LIMIT)


def _check_sources(
    reference: str, builder: Builder, platforms: tuple[str, ...], _asks: Asks
) -> Outcome:
    """Let the manager ask all sources of an image, in a container like the one of locking."""
    if client.unavailable_reason():
        return skipped(NO_ENGINE)
    native = client.native_platform()
    platform = native if builder.suite or native in platforms else platforms[0]
    try:
        shell = base_shell(reference, {platform: _pulled(reference, platform)})
    except _NotPulledError as error:
        return skipped(error.message)
    return _answers(reference, ASK_SOURCES[system_manager(builder.name)](shell, platform))


def _answers(reference: str, sources: tuple[Source, ...]) -> Outcome:
    if not sources:
        return failed(f"{reference} has no sources of packages", SOURCES_HINT)
    broken = [source for source in sources if source.problem]
    if broken:
        return _broken(broken[0], len(broken) - 1)
    return ok(f"{len(sources)} sources of {reference} answer")


def _pulled(reference: str, platform: str) -> str:
    """Return the digest of an image that the engine has."""
    digest = pin_base(reference, platform)
    if not local_images.is_pulled(reference, digest):
        raise _not_pulled(reference)
    return digest


def _not_pulled(reference: str) -> ExpectedError:
    return _NotPulledError(f"Docker does not have {reference} yet, which orbiter lock fetches")


def _broken(source: Source, others: int = 0) -> Outcome:
    """Return the outcome for a source that does not answer; ``others`` do not answer, too."""
    lines = [line.strip() for line in source.problem.splitlines() if line.strip()]
    signs = ("E:", "ERROR:", "WARNING:")
    reason = next((line for line in lines if line.startswith(signs)), "no explanation")
    found = diagnose(ExpectedError(reason, SOURCES_HINT))
    hint = CONTAINER_HINT if found.fault in OWN_PROXY else found.hint
    more = f"; other sources that do not answer: {others}" if others else ""
    return failed(f"{source.name}: {found.detail}{more}", hint, found.fault)


def mirror_checks(image_set: ImageSet) -> Iterator[Check]:
    """Yield a check for each place that the locked files of apk and apt come from."""
    managers = {system_manager(builder.name) for builder in image_set.builders.values()}
    lock_set = newest_lock_set(image_set.version)
    if lock_set is None:
        for manager in sorted(managers):
            yield Check(f"{manager} mirrors", lambda _asks: skipped("no release is locked"))
        return
    settings = _without_pulls(lock_set)
    for (manager, _), file in sorted(_one_file_of_each(lock_set).items()):
        yield Check(f"{manager} mirrors", partial(_check_mirrors, manager, file, settings))


def _one_file_of_each(lock_set: LockSet) -> dict[tuple[str, str], LockedFile]:
    """Return a file of each manager and repository of images.toml; "" for the mirrors."""
    found: dict[tuple[str, str], LockedFile] = {}
    for file in artifacts(lock_set, ()):
        manager, _, location = file.source.partition(":")
        if manager in ASK_SOURCES:
            found.setdefault((manager, split_source(location)[0]), file)
    return found


def _without_pulls(lock_set: LockSet) -> FetchSettings:
    """Return the sources of fetching, which then read mirrors from pulled images only."""
    settings = fetch_settings(lock_set)

    def guarded(manager: str, read: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        reason = client.unavailable_reason()
        if reason and not profile.setting(f"mirrors.{manager}"):
            raise _NotPulledError(NO_MIRRORS)
        for builder in lock_set.image_set.builders.values():
            if system_manager(builder.name) == manager and not reason:
                _require_pulled(lock_set, builder)
        return read()

    return replace(
        settings,
        apk_mirrors=partial(guarded, "apk", settings.apk_mirrors),
        apt_mirrors=partial(guarded, "apt", settings.apt_mirrors),
    )


def _require_pulled(lock_set: LockSet, builder: Builder) -> None:
    if not builder.base:
        _pulled(solver_image(builder.suite), client.native_platform())
        return
    digest = next(iter(lock_set.manifest.bases[builder.base].values()))
    if not local_images.is_pulled(builder.base, digest):
        raise _not_pulled(builder.base)


def _check_mirrors(manager: str, file: LockedFile, settings: FetchSettings, asks: Asks) -> Outcome:
    """Ask the mirrors for a locked file as fetching does, in their order."""
    try:
        locations = tuple(UpstreamLocator(settings).http_locations(file))
    except ExpectedError as error:
        if isinstance(error.__cause__, _NotPulledError):
            return skipped(error.message)
        raise
    origin, name = _origin(manager, file), Path(file.path).name
    for location in locations:
        asks(location.url, origin)
        try:
            check_location(location, file)
        except http.HTTPError as error:
            if location is locations[-1] and error.status not in NOT_FOUND:
                raise
        else:
            return ok(f"the mirror has {name}")
    return warning(f"no mirror has {name}", DELETED_HINT)


def _origin(manager: str, file: LockedFile) -> str:
    """Return the table of images.toml or the variable that sets the address of a file."""
    repository = split_source(file.source.partition(":")[2])[0]
    if repository:
        return f"[{manager}-repository.{repository}] in images.toml"
    rules = MIRROR_RULES[manager]
    setting = profile.setting(f"mirrors.{manager}")
    if setting and not os.environ.get(rules.variable):
        return setting.origin
    return mirror_origin(rules)
