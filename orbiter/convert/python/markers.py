"""Markers of pip requirements that no image fulfils."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.markers import Marker

PYTHONS = tuple(f"3.{minor}" for minor in range(6, 21))
MACHINES = ("x86_64", "aarch64")
LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "platform_release": "",
    "platform_version": "",
    "sys_platform": "linux",
    "extra": "",
}


def other_systems(marker: "Marker") -> bool:
    """Return whether a marker is false in every image, whichever Python it has."""
    from packaging.markers import UndefinedEnvironmentName

    try:
        return not any(marker.evaluate(environment) for environment in _environments())
    except (UndefinedEnvironmentName, ValueError):
        return False


@cache
def _environments() -> tuple[dict[str, str], ...]:
    return tuple(
        LINUX
        | {
            "implementation_version": f"{python}.0",
            "platform_machine": machine,
            "python_full_version": f"{python}.{patch}",
            "python_version": python,
        }
        for python in reversed(PYTHONS)
        for patch in (0, 30)
        for machine in MACHINES
    )
