"""Where mirrors have the packages of Debian and of Alpine: the images that they were solved in know."""

from collections.abc import Callable, Iterator, Mapping

from orbiter.config.builders import system_manager
from orbiter.docker import client
from orbiter.docker.shells import base_shell, solver_image, solver_shell
from orbiter.fetch.sources import MIRROR_RULES, FetchSettings, Locator
from orbiter.lockset.model import LockSet
from resolvers.apk import manager as apk
from resolvers.apt import manager as apt
from resolvers.errors import ExpectedError
from resolvers.types import Shell

ASK: Mapping[str, Callable[[Shell, str], tuple[str, ...]]] = {
    "apk": apk.mirrors,
    "apt": apt.mirrors,
}


def sources(locked: LockSet, archive: Locator | None = None) -> FetchSettings:
    """Where the files of a lock set are; no image is asked for its mirrors before a file has to come from one."""
    return FetchSettings(
        apk_mirrors=lambda: _mirrors(locked, "apk"),
        apt_mirrors=lambda: _mirrors(locked, "apt"),
        archive=archive,
    )


def _mirrors(locked: LockSet, manager: str) -> tuple[str, ...]:
    found = [mirror for image in _images(locked, manager) for mirror in _asked(manager, *image)]
    return tuple(dict.fromkeys(found))


def _images(locked: LockSet, manager: str) -> Iterator[tuple[str, Shell, str]]:
    """The images that know a manager's mirrors, each once: a name, a shell and a platform."""
    image_set = locked.image_set
    builders = [
        builder
        for builder in image_set.builders.values()
        if system_manager(builder.name) == manager
    ]
    for suite in dict.fromkeys(builder.suite for builder in builders if builder.suite):
        yield solver_image(suite), solver_shell(suite), image_set.platforms[0]
    for reference in dict.fromkeys(builder.base for builder in builders if builder.base):
        digests = locked.manifest.bases[reference]
        yield reference, base_shell(reference, digests), next(iter(digests))


def _asked(manager: str, name: str, shell: Shell, platform: str) -> tuple[str, ...]:
    try:
        return ASK[manager](shell, platform)
    except ExpectedError as error:
        reason = client.unavailable_reason()
        raise ExpectedError(
            f"where {MIRROR_RULES[manager].name}'s packages are is read from the image {name}, "
            + (
                f"which needs an engine: {reason}"
                if reason
                else f"and that failed: {error.message}"
            ),
            ("start one, or " if reason else "")
            + f"name mirrors in {MIRROR_RULES[manager].variable}, or take all from an archive: "
            "orbiter fetch --from TARGET",
        ) from error
