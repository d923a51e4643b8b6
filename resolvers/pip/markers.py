"""Environment markers (PEP 508), evaluated for an image instead of the running Python."""

from functools import cache

from packaging.markers import Marker

from resolvers.errors import ExpectedError
from resolvers.types.request import Target

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
"""Docker's name of a platform to the kernel's name of the machine."""


def machine(platform: str) -> str:
    """Return the kernel's name of a platform's machine; raise ExpectedError if it is unknown."""
    name = MACHINES.get(platform)
    if name is None:
        raise ExpectedError(
            f"pip cannot lock for the platform '{platform}'",
            f"supported platforms are {', '.join(MACHINES)}",
        )
    return name


def environment(target: Target) -> dict[str, str]:
    """Return the values of all marker variables on the target."""
    # The kernel is that of the machine which runs the image, so its release and version are not
    # known. Markers of extras need some value of "extra", which no extra has.
    return {
        "implementation_name": "cpython",
        "implementation_version": target.python,
        "os_name": "posix",
        "platform_machine": machine(target.platform),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": target.python,
        "python_version": ".".join(target.python.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }


def applies(marker: str, target: Target) -> bool:
    """Return whether a marker is true on the target; the empty marker always is."""
    return not marker or _parse(marker).evaluate(environment(target))


@cache
def _parse(marker: str) -> Marker:
    return Marker(marker)
