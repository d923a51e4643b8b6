"""Debian and Alpine mirrors, read from the images in which the packages were resolved."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from orbiter.config.builders import system_manager
from orbiter.config.repositories import repository_addresses
from orbiter.docker import client
from orbiter.docker.shells import base_shell, solver_image, solver_shell
from orbiter.fetch.sources import MIRROR_RULES, FetchSettings, Locator
from orbiter.lockset.model import LockSet
from resolvers.apk import manager as apk
from resolvers.apt import manager as apt
from resolvers.errors import ExpectedError
from resolvers.net import profile
from resolvers.pip import direct
from resolvers.types.options import Shell

READ_MIRRORS: Mapping[str, Callable[[Shell, str], tuple[str, ...]]] = {
    "apk": apk.mirrors,
    "apt": apt.mirrors,
}
"""Functions that read the mirrors of an image, by manager."""

PROFILE_KEYS = {"apk": ("mirrors.apk",), "apt": ("mirrors.apt", "mirrors.apt-security")}
"""Keys of the network profile with the mirrors of a manager."""


class _SourceImage(NamedTuple):
    """An image whose package sources are read: its name, a shell in it, and its platform."""

    name: str
    shell: Shell
    platform: str


def fetch_settings(lock_set: LockSet, archive: Locator | None = None) -> FetchSettings:
    """Return the sources of a lock set's files; images are not read before a mirror is needed."""
    return FetchSettings(
        apk_mirrors=lambda: _mirrors(lock_set, "apk"),
        apt_mirrors=lambda: _mirrors(lock_set, "apt"),
        indexes=lock_set.image_set.indexes or {},
        npm_registries=lock_set.image_set.npm_registries or {},
        repositories=repository_addresses(lock_set.image_set),
        contents=_contents(lock_set),
        archive=archive,
    )


def _contents(lock_set: LockSet) -> dict[str, bytes]:
    """Return the wheels that a lock set contains, by their hash."""
    found: dict[str, bytes] = {}
    for builder in lock_set.image_set.builders:
        found |= direct.contents(lock_set.builder_files(builder))
    return found


def _mirrors(lock_set: LockSet, manager: str) -> tuple[str, ...]:
    mirrors: dict[str, None] = {}
    for image in _source_images(lock_set, manager):
        mirrors |= dict.fromkeys(_read_mirrors(image, manager))
    return tuple(mirrors)


def _source_images(lock_set: LockSet, manager: str) -> Iterator[_SourceImage]:
    """Yield each image in which a manager's packages were resolved."""
    image_set = lock_set.image_set
    builders = [
        builder
        for builder in image_set.builders.values()
        if system_manager(builder.name) == manager
    ]
    for suite in dict.fromkeys(builder.suite for builder in builders if builder.suite):
        yield _SourceImage(solver_image(suite), solver_shell(suite), image_set.platforms[0])
    for reference in dict.fromkeys(builder.base for builder in builders if builder.base):
        digests = lock_set.manifest.bases[reference]
        yield _SourceImage(reference, base_shell(reference, digests), next(iter(digests)))


def _read_mirrors(image: _SourceImage, manager: str) -> tuple[str, ...]:
    try:
        # Containers have the logins of apt's mirrors in a file, not in the addresses.
        return tuple(map(profile.with_login, READ_MIRRORS[manager](image.shell, image.platform)))
    except ExpectedError as error:
        rules = MIRROR_RULES[manager]
        task = f"reading the {rules.distribution} mirrors from the image {image.name}"
        hint = (
            f"set mirrors in {rules.variable}, or fetch all files from an archive: "
            "orbiter fetch --from TARGET"
        )
        if reason := client.unavailable_reason():
            if mirrors := _profile_mirrors(manager):
                return mirrors
            problem = f"{task} needs a Docker engine: {reason}"
            raise ExpectedError(problem, f"start Docker Engine with buildx, {hint}") from error
        raise ExpectedError(f"{task} failed: {error.message}", hint) from error


def _profile_mirrors(manager: str) -> tuple[str, ...]:
    """Return the mirrors of the network profile, which replace those of most images."""
    addresses = (profile.value(key) for key in PROFILE_KEYS[manager])
    return tuple(filter(None, addresses))
