"""Solving conda's part in process, with rattler: what to ask it for, and what its errors mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from resolvers.cache import folder
from resolvers.conda.channels import Channel, hidden, in_one_line
from resolvers.conda.client import configured
from resolvers.conda.requirements import PLATFORMS, Wish
from resolvers.errors import ExpectedError, UnsolvableError

if TYPE_CHECKING:
    from rattler import Gateway, RepoDataRecord
    from rattler.channel import ChannelPriority
    from rattler.virtual_package import GenericVirtualPackage

NOARCH = "noarch"
"""How often a request that failed is sent again; rattler waits longer each time."""
WORD = re.compile(r"[\w.-]+")
UNREACHED = re.compile(
    r"error sending request|Connection refused|timed out|dns error|connection closed|reset"
)

Solution = Mapping[str, "RepoDataRecord"]
"""The packages of one platform by name."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A package of an earlier lock: what tells it among all others."""

    name: str
    version: str
    file: str
    sha256: str


class Solver:
    """Everything that is asked of one platform; solves as often as one likes."""

    def __init__(
        self,
        *,
        gateway: "Gateway",
        channels: tuple[Channel, ...],
        priority: str,
        subdir: str,
        virtual: Mapping[str, str],
        wishes: tuple[Wish, ...],
        as_of: datetime | None,
    ) -> None:
        from rattler import Channel as Asked
        from rattler import MatchSpec

        self.subdir = subdir
        self.wishes = wishes
        self.as_of = as_of.astimezone(UTC) if as_of else None
        self._gateway = gateway
        self._channels = channels
        self._sources = [Asked(channel.address()) for channel in channels]
        self._priority = _priority(priority)
        self._specs = [MatchSpec(wish.text) for wish in wishes]
        self._virtual = [_virtual(name, text) for name, text in virtual.items()]

    async def solve(
        self,
        *,
        prefer: Iterable["RepoDataRecord"] = (),
        keep: Iterable["RepoDataRecord"] = (),
        also: Sequence[str] = (),
    ) -> Solution:
        """The newest packages that fit; rather those of ``prefer``, and none but those of ``keep``, where needed.

        ``also`` are further requirements. Raises UnsolvableError with rattler's explanation.
        """
        from rattler import solve
        from rattler.exceptions import SolverError

        try:
            found = await solve(
                self._sources,
                [*self._specs, *also],
                gateway=self._gateway,
                platforms=[self.subdir, NOARCH],  # type: ignore[list-item]
                locked_packages=list(prefer),
                pinned_packages=list(keep),
                virtual_packages=self._virtual,
                channel_priority=self._priority,
                exclude_newer=self.as_of,
            )
        except SolverError as error:
            own = await self._gateway.names(self._sources, [self.subdir])  # type: ignore[list-item]
            raise self._unsolvable(str(error), also, noarch_only=not own) from None
        except Exception as error:  # what rattler raises has no base class of its own
            raise self._failed(error) from error
        return {record.name.normalized: record for record in found}

    async def find(self, packages: Iterable[Known]) -> dict[str, "RepoDataRecord"]:
        """Those of the packages that the channels have today, and had at the cut-off, by name."""
        from rattler import MatchSpec

        wanted = {package.file: package for package in packages}
        if not wanted:
            return {}
        specs = [MatchSpec(f"{each.name}[sha256={each.sha256}]") for each in wanted.values()]
        try:
            subdirs: Any = [self.subdir, NOARCH]  # rattler's Literal of every known subdir
            lists = await self._gateway.query(self._sources, subdirs, specs, recursive=False)
        except Exception as error:  # what rattler raises has no base class of its own
            raise self._failed(error) from error
        found: dict[str, RepoDataRecord] = {}
        for record in (each for records in lists for each in records):
            if record.file_name in wanted and not self._is_late(record):
                found.setdefault(record.name.normalized, record)
        return found

    def _is_late(self, record: "RepoDataRecord") -> bool:
        """As rattler judges it: what has no time stamp was not there."""
        if self.as_of is None:
            return False
        published = record.indexed_timestamp or record.timestamp
        return published is None or published.astimezone(UTC) > self.as_of

    def _unsolvable(
        self, explanation: str, also: Sequence[str], *, noarch_only: bool
    ) -> UnsolvableError:
        text = explanation.strip().removeprefix("Cannot solve the request because of:").strip()
        names = set(WORD.findall(text))
        asked = [
            f"  '{wish.written}' is asked for by '{wish.group}'"
            for wish in dict.fromkeys(self.wishes)
            if wish.name in names
        ]
        asked += [f"  '{each}' is asked for as upgrade" for each in also]
        where = f"{self.subdir} by {', '.join(channel.url for channel in self._channels)}"
        lines = [
            f"the conda requirements cannot be met together for {where}:",
            *_indented(text),
            *asked,
        ]
        hint = "loosen or drop one of these requirements, or add a channel"
        if noarch_only:
            lines.append(
                f"  no channel has packages for {self.subdir}, but for those that fit every platform"
            )
            hint = f"leave {PLATFORMS[self.subdir]} out of platforms, or add a channel that has packages for it"
        return UnsolvableError("\n".join(lines), hint)

    def _failed(self, error: Exception) -> ExpectedError:
        words = in_one_line(hidden(str(error), self._channels))
        listed = ", ".join(channel.url for channel in self._channels)
        if UNREACHED.search(words):
            hint = "is this machine on line, and are HTTPS_PROXY, HTTP_PROXY and NO_PROXY right?"
        elif re.search(r"\b(401|403)\b", words):
            hint = "log in with rattler or pixi (auth login HOST), or give credentials in ~/.netrc"
        else:
            hint = "see that the channel's index, SUBDIR/repodata.json, is there and whole"
        return ExpectedError(
            f"the conda channels cannot be read ({listed}, {self.subdir}): {words}", hint
        )


def gateway() -> "Gateway":
    """Asks channels for their indexes."""
    from rattler import Gateway

    config, client = configured()
    folder("conda").chmod(
        0o700
    )  # rattler writes addresses there, with passwords that stand in them
    return Gateway.from_config(config, cache_dir=folder("conda"), client=client)


def version() -> str:
    """The version of rattler that solves."""
    from importlib.metadata import version

    return version("py-rattler")


def _priority(name: str) -> "ChannelPriority":
    from rattler import ChannelPriority

    known = {"strict": ChannelPriority.Strict, "disabled": ChannelPriority.Disabled}
    if name not in known:
        raise ExpectedError(f"conda has no channel priority '{name}'", f"it has {', '.join(known)}")
    return known[name]


def _virtual(name: str, text: str) -> "GenericVirtualPackage":
    from rattler import BuildString, PackageName, Version
    from rattler.exceptions import InvalidVersionError
    from rattler.virtual_package import GenericVirtualPackage

    version, _, build = text.partition(" ")
    try:
        return GenericVirtualPackage(PackageName(name), Version(version), BuildString(build or "0"))
    except InvalidVersionError:
        raise ExpectedError(
            f"'{version}' is no version of the virtual package {name}", "for example 12.4"
        ) from None


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
