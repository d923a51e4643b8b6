"""Pins of the previous lock of apk or apt: keep them while possible, and report the changes."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from resolvers.distro.packages import SystemPackage
from resolvers.errors import UnsolvableError
from resolvers.types.request import NOTE, Request

SHOWN = 5
"""The number of changed pins that a progress line lists."""

S = TypeVar("S")


class NoSolutionError(UnsolvableError):
    """The manager found no solution; ``blamed`` are the package names in its explanation."""

    def __init__(self, message: str, hint: str, blamed: frozenset[str]) -> None:
        super().__init__(message, hint)
        self.blamed = blamed


def locked_versions(packages: Iterable[SystemPackage], platform: str) -> dict[str, str]:
    """Return the locked versions on one platform by name."""
    return {package.name: package.version for package in packages if platform in package.platforms}


def solve_keeping_pins(solve: Callable[[Mapping[str, str]], S], pins: Mapping[str, str]) -> S:
    """Solve with as many of the pins as possible.

    After a failure, the pins that the explanation blames are dropped. If it blames none of them,
    all pins are dropped.
    """
    kept = dict(pins)
    # Each round drops at least one pin, so the loop ends.
    while True:
        try:
            return solve(kept)
        except NoSolutionError as error:
            if not kept:
                raise
            dropped = (error.blamed & kept.keys()) or kept.keys()
            kept = {name: pin for name, pin in kept.items() if name not in dropped}


def check_upgrades(
    manager: str,
    request: Request,
    platform: str,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> None:
    """Raise UnsolvableError if the solution lacks a version that the upgrade requests."""
    for name, version in request.upgrade.packages.items():
        if version and name in before and after.get(name) != version:
            selected = after.get(name, "no version")
            raise UnsolvableError(
                f"{manager} cannot install {name}={version} on {platform}: it selected {selected}",
                "name a version that the index has, or leave it out to get the newest",
            )


def report_changed_pins(
    request: Request, platform: str, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Report the pins that changed although no upgrade allows it."""
    if request.upgrade.everything:
        return
    changed = []
    for name, version in sorted(before.items()):
        # A package that is no longer installed is not a changed pin.
        new_version = after.get(name, version)
        if name not in request.upgrade.packages and new_version != version:
            changed.append(f"{name} {version} -> {new_version}")
    if not changed:
        return
    hidden = len(changed) - SHOWN
    more = f" and {hidden} more" if hidden > 0 else ""
    pins = ", ".join(changed[:SHOWN])
    request.progress(f"{NOTE}the index of {platform} no longer allows these pins: {pins}{more}")
