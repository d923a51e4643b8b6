"""conda's requirements (MatchSpecs), platforms and virtual packages, as rattler reads them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from resolvers.conda.address import PackageAddress, parse_address
from resolvers.errors import ExpectedError
from resolvers.types.options import CondaOptions
from resolvers.types.request import Group, Target

if TYPE_CHECKING:
    from rattler import MatchSpec

SUBDIRS: Mapping[str, str] = {"linux/amd64": "linux-64", "linux/arm64": "linux-aarch64"}
"""conda's names for Docker's platforms."""
PLATFORMS: Mapping[str, str] = {subdir: platform for platform, subdir in SUBDIRS.items()}
MACHINES: Mapping[str, str] = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}
NOARCH = "noarch"
"""The subdir of packages that fit every platform."""
GLIBC = "2.28"
"""Assumed if the glibc of the image is unknown; conda-lock assumes the same version."""
KERNEL = "5.10"
"""Oldest Linux kernel that images must run on; conda-lock assumes the same version."""
VERSION_AND_BUILD = 2


class CondaRequirement(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement of one group.

    ``written`` is the requirement as people wrote it, ``spec`` as rattler formats it. ``version``,
    ``build`` and ``channel`` are empty if the requirement does not restrict them. ``address`` is
    set if the package comes from there instead of a channel.
    """

    group: str
    written: str
    spec: str
    name: str
    version: str = ""
    build: str = ""
    channel: str = ""
    address: PackageAddress | None = None


def parse_requirements(groups: tuple[Group, ...]) -> tuple[CondaRequirement, ...]:
    """Parse all requirements, in order.

    Raises ExpectedError for an invalid requirement, and for one that a lock cannot express.
    """
    return tuple(_parse(group.name, written) for group in groups for written in group.requirements)


def _parse(group: str, written: str) -> CondaRequirement:
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    address = parse_address(written)
    try:
        spec = MatchSpec(address.spec if address else written)
    except (InvalidMatchSpecError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ExpectedError(
            f"conda: '{written}' of stage '{group}' is not a valid requirement: {reason}",
            "for example numpy, numpy>=2,<3, python=3.12 or blas=*=openblas",
        ) from None
    _check_lockable(spec, f"conda: '{written}' of stage '{group}'")
    version = spec.version or ""
    text = str(spec)
    if "(" in version:  # conda accepts parentheses only inside brackets
        text = spec.to_canonical_string()
    channel = spec.channel.name if spec.channel else ""
    return CondaRequirement(
        group=group,
        written=written,
        spec=text,
        name=spec.name.normalized,
        version=version,
        build=spec.build or "",
        channel=channel or "",
        address=address,
    )


def _check_lockable(spec: "MatchSpec", subject: str) -> None:
    canonical = spec.to_canonical_string()
    if "url=" in canonical:
        raise ExpectedError(
            f"{subject} is a URL, not a package name",
            "write the package's name, or the complete address of its file: "
            "https://host/name-1.0-0.conda",
        )
    if spec.condition or spec.extras or "flags=" in canonical:
        raise ExpectedError(
            f"{subject} has a condition, extras or flags, which conda-lock.yml cannot express",
            "list the packages themselves",
        )


def subdir(platform: str) -> str:
    """Return conda's name for one of Docker's platforms; raises ExpectedError if it has none."""
    if platform not in SUBDIRS:
        raise ExpectedError(
            f"conda has no packages for {platform}", f"it has packages for {', '.join(SUBDIRS)}"
        )
    return SUBDIRS[platform]


def virtual_packages(target: Target, options: CondaOptions) -> dict[str, str]:
    """Return the virtual packages of a platform: names to versions.

    A build string may follow the version after a blank.
    """
    versions = {
        "__archspec": f"1 {MACHINES[subdir(target.platform)]}",
        "__glibc": target.glibc or GLIBC,
        "__linux": KERNEL,
        "__unix": "0",
    } | dict(options.virtual)
    for name, version in options.virtual.items():
        if not name.startswith("__") or len(version.split(" ")) > VERSION_AND_BUILD:
            raise ExpectedError(
                f"'{name} {version}' is not a virtual package of conda",
                'for example "__cuda": "12.4"',
            )
    return {name: version for name, version in sorted(versions.items()) if version}
