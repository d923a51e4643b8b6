"""What is asked of conda: requirements (MatchSpecs), platforms and their virtual packages, as rattler reads them."""

from collections.abc import Mapping

import msgspec

from resolvers.errors import ExpectedError
from resolvers.types import CondaOptions, Group, Target

SUBDIRS: Mapping[str, str] = {"linux/amd64": "linux-64", "linux/arm64": "linux-aarch64"}
"""conda's names for Docker's platforms."""
PLATFORMS: Mapping[str, str] = {subdir: platform for platform, subdir in SUBDIRS.items()}
MACHINES: Mapping[str, str] = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}
GLIBC = "2.28"
"""Assumed where nothing tells the glibc of the image; conda-lock assumes the same."""
KERNEL = "5.10"
"""Linux of the machines that run the images, at least; conda-lock assumes the same."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One requirement of one group: as written, and as rattler understands it; "" for what it does not tell."""

    group: str
    written: str
    text: str
    name: str
    version: str = ""
    build: str = ""
    channel: str = ""


def wishes(groups: tuple[Group, ...]) -> tuple[Wish, ...]:
    """All requirements in their order. Raises ExpectedError for what is none, or what no lock can hold."""
    return tuple(_wish(group.name, each) for group in groups for each in group.requirements)


def _wish(group: str, written: str) -> Wish:
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    where = f"conda: '{written}' of group '{group}'"
    try:
        spec = MatchSpec(written)
    except (InvalidMatchSpecError, ValueError) as error:
        words = str(error).partition("\n")[0]
        raise ExpectedError(
            f"{where} is no requirement: {words}",
            "for example numpy, numpy>=2,<3, python=3.12 or blas=*=openblas",
        ) from None
    canonical = spec.to_canonical_string()
    if "url=" in canonical:
        raise ExpectedError(
            f"{where} is an address", "a lock names packages of channels: write its name"
        )
    if spec.condition or spec.extras or "flags=" in canonical:
        raise ExpectedError(
            f"{where} has a condition, extras or flags, which conda-lock.yml cannot tell",
            "ask for the packages",
        )
    version = spec.version or ""
    return Wish(
        group=group,
        written=written,
        text=canonical if "(" in version else str(spec),  # conda reads parentheses in brackets only
        name=spec.name.normalized,
        version=version,
        build=spec.build or "",
        channel=(spec.channel.name or "") if spec.channel else "",
    )


def subdir(platform: str) -> str:
    """conda's name for one of Docker's platforms. Raises ExpectedError where it has none."""
    if platform not in SUBDIRS:
        raise ExpectedError(
            f"conda has no packages for {platform}", f"it has them for {', '.join(SUBDIRS)}"
        )
    return SUBDIRS[platform]


def virtual_packages(target: Target, options: CondaOptions) -> dict[str, str]:
    """The virtual packages of a platform: name to version, with a build behind a blank where there is one."""
    found = {
        "__archspec": f"1 {MACHINES[subdir(target.platform)]}",
        "__glibc": target.glibc or GLIBC,
        "__linux": KERNEL,
        "__unix": "0",
    } | dict(options.virtual)
    for name, version in options.virtual.items():
        if not name.startswith("__") or len(version.split(" ")) > 2:  # noqa: PLR2004 - version and build
            raise ExpectedError(
                f"'{name} {version}' is no virtual package of conda", 'for example "__cuda": "12.4"'
            )
    return {name: version for name, version in sorted(found.items()) if version}
