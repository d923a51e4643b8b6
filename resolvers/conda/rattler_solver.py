"""Solving conda requirements for one platform with rattler, and explaining its errors."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from resolvers.cache import folder
from resolvers.conda.channels import Channel, hide_secrets, join_causes, unreachable
from resolvers.conda.explain import unsolvable_hint
from resolvers.conda.fetch import configured_client
from resolvers.conda.requirements import NOARCH, PLATFORMS, CondaRequirement
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.net import http

if TYPE_CHECKING:
    from rattler import Gateway, RepoDataRecord
    from rattler.channel import ChannelPriority
    from rattler.virtual_package import GenericVirtualPackage

WORD = re.compile(r"[\w.-]+")
UNREACHABLE = re.compile(
    r"error sending request for url \((?P<url>\S+)\)(?:: client error \(\w+\))?: (?P<reason>.*)"
)
"""rattler's words for a server that does not respond."""
CONNECTION_FAILED = re.compile(r"timed out|connection closed|reset")
ACCESS_DENIED = re.compile(r"\b(401|403)\b")

Solution = Mapping[str, "RepoDataRecord"]
"""The packages of one platform by name."""


class PreviousPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the previous lock, identified by its file and hash."""

    name: str
    version: str
    file: str
    sha256: str


class PlatformSolver:
    """The requirements and channels of one platform; ``solve`` can be called repeatedly.

    ``direct`` are the packages that come from an address instead of the channels.
    """

    def __init__(
        self,
        *,
        gateway: "Gateway",
        channels: tuple[Channel, ...],
        priority: str,
        subdir: str,
        virtual_packages: Mapping[str, str],
        requirements: tuple[CondaRequirement, ...],
        as_of: datetime | None,
        direct: Sequence["RepoDataRecord"] = (),
        constraints: Sequence[str] = (),
    ) -> None:
        from rattler import Channel as RattlerChannel
        from rattler import MatchSpec

        self.subdir = subdir
        self.requirements = requirements
        self.as_of = as_of.astimezone(UTC) if as_of else None
        self._gateway = gateway
        self._channels = channels
        self._sources = [RattlerChannel(channel.address()) for channel in channels]
        self._subdirs: Any = [subdir, NOARCH]  # rattler's type is a Literal of all known subdirs
        self._priority = _priority(priority)
        self._specs = [MatchSpec(requirement.spec) for requirement in requirements]
        # The channels do not know these packages, so they are asked for what they depend on.
        self._specs += [MatchSpec(text) for record in direct for text in record.depends]
        self._direct = tuple(direct)
        self._constraints = list(constraints)
        self._virtual_names = frozenset(virtual_packages)
        self._virtual = [_virtual(name, text) for name, text in virtual_packages.items()]

    async def solve(
        self,
        *,
        prefer: Iterable["RepoDataRecord"] = (),
        keep: Iterable["RepoDataRecord"] = (),
        extra: Sequence[str] = (),
    ) -> Solution:
        """Return the newest packages that meet the requirements and the ``extra`` ones.

        Uses the packages of ``prefer`` if they fit. Of the names in ``keep``, only these packages
        are allowed. Raises UnsolvableError with rattler's explanation.
        """
        from rattler import solve
        from rattler.exceptions import SolverError

        try:
            records = await solve(
                self._sources,
                [*self._specs, *extra],
                gateway=self._gateway,
                platforms=self._subdirs,
                locked_packages=list(prefer),
                pinned_packages=[*keep, *self._direct],
                virtual_packages=self._virtual,
                channel_priority=self._priority,
                exclude_newer=self.as_of,
                constraints=self._constraints,
            )
        except SolverError as error:
            # A likely mistake: none of the channels supports the platform at all.
            own_names = await self._gateway.names(self._sources, self._subdirs[:1])
            raise self._unsolvable(str(error), extra, noarch_only=not own_names) from None
        except Exception as error:  # rattler's exceptions have no common base class
            raise self._unreadable_channels(error) from error
        return {record.name.normalized: record for record in records}

    async def find(self, packages: Iterable[PreviousPackage]) -> dict[str, "RepoDataRecord"]:
        """Return the packages that the channels still list, and listed at the cut-off, by name."""
        from rattler import MatchSpec

        by_file = {package.file: package for package in packages}
        if not by_file:
            return {}
        # By hash: a channel may rebuild a package under the same version and build.
        specs = [
            MatchSpec(f"{package.name}[sha256={package.sha256}]") for package in by_file.values()
        ]
        try:
            results = await self._gateway.query(
                self._sources, self._subdirs, specs, recursive=False
            )
        except Exception as error:  # rattler's exceptions have no common base class
            raise self._unreadable_channels(error) from error
        records: dict[str, RepoDataRecord] = {}
        for record in (record for result in results for record in result):
            if record.file_name in by_file and not self._is_too_new(record):
                records.setdefault(record.name.normalized, record)
        return records

    def _is_too_new(self, record: "RepoDataRecord") -> bool:
        """Decide like rattler: a package without a timestamp is too new for any cut-off."""
        if self.as_of is None:
            return False
        published = record.indexed_timestamp or record.timestamp
        return published is None or published.astimezone(UTC) > self.as_of

    def _unsolvable(
        self, explanation: str, extra: Sequence[str], *, noarch_only: bool
    ) -> UnsolvableError:
        text = explanation.strip().removeprefix("Cannot solve the request because of:").strip()
        channels = ", ".join(channel.url for channel in self._channels)
        lines = [f"no packages for {self.subdir} in {channels} meet all conda requirements:"]
        lines += [f"  {line}" for line in text.splitlines()]
        lines += self._involved_requirements(text)
        lines += self._involved_dependencies(text)
        lines += [f"  '{spec}' is required by the upgrade" for spec in extra]
        hint = unsolvable_hint(text, self._virtual_names)
        if noarch_only:
            lines.append(
                f"  no channel has packages for {self.subdir}, "
                "except packages that fit every platform"
            )
            hint = (
                f"remove {PLATFORMS[self.subdir]} from platforms, "
                "or add a channel that has packages for it"
            )
        return UnsolvableError("\n".join(lines), hint)

    def _involved_requirements(self, explanation: str) -> list[str]:
        """Return a line for each requirement whose package the explanation mentions."""
        names = set(WORD.findall(explanation))
        return [
            f"  '{requirement.written}' is required by '{requirement.group}'"
            for requirement in dict.fromkeys(self.requirements)
            if requirement.name in names
        ]

    def _involved_dependencies(self, explanation: str) -> list[str]:
        """Return a line for each dependency of a direct package that the explanation mentions."""
        return [
            f"  '{text}' is required by {record.url}"
            for record in self._direct
            for text in record.depends
            if text in explanation
        ]

    def _unreadable_channels(self, error: Exception) -> ExpectedError:
        return unreadable_channels(error, self._channels, self.subdir)


def unreadable_channels(
    error: Exception, channels: tuple[Channel, ...], subdir: str
) -> ExpectedError:
    """Return the error for channels whose index of a subdir rattler could not read."""
    reason = join_causes(hide_secrets(str(error), channels))
    failed = UNREACHABLE.search(reason)
    if failed and "certificate" not in failed["reason"]:
        return unreachable(failed["url"], failed["reason"], channels)
    names = ", ".join(channel.url for channel in channels)
    hint = "check that the channel's index, SUBDIR/repodata.json, exists and is complete"
    if CONNECTION_FAILED.search(reason):
        hint = http.OFFLINE
    elif ACCESS_DENIED.search(reason):
        hint = "log in with rattler or pixi (auth login HOST), or add credentials to ~/.netrc"
    return ExpectedError(f"the conda channels cannot be read ({names}, {subdir}): {reason}", hint)


def open_gateway() -> "Gateway":
    """Return rattler's access to the indexes of channels, with Orbiter's cache."""
    from rattler import Gateway

    config, client = configured_client()
    return Gateway.from_config(config, cache_dir=_cache(), client=client)


def protect_cache() -> None:
    """Let only this user read the cached indexes of channels.

    rattler stores the addresses of channels with them, which may contain tokens and passwords. It
    compares these addresses, so they cannot be removed.
    """
    for path in _cache().iterdir():
        # Another process may just have replaced the file.
        with suppress(FileNotFoundError):
            path.chmod(0o600)


def _cache() -> Path:
    cache = folder("conda")
    cache.chmod(0o700)  # protects the files while they are written
    return cache


def version() -> str:
    """Return the version of rattler."""
    from importlib.metadata import version

    return version("py-rattler")


def _priority(name: str) -> "ChannelPriority":
    from rattler import ChannelPriority

    priorities = {"strict": ChannelPriority.Strict, "disabled": ChannelPriority.Disabled}
    if name not in priorities:
        raise ExpectedError(
            f"conda has no channel priority '{name}'", f"choose one of {', '.join(priorities)}"
        )
    return priorities[name]


def _virtual(name: str, text: str) -> "GenericVirtualPackage":
    from rattler import BuildString, PackageName, Version
    from rattler.exceptions import InvalidVersionError
    from rattler.virtual_package import GenericVirtualPackage

    version, _, build = text.partition(" ")
    try:
        return GenericVirtualPackage(PackageName(name), Version(version), BuildString(build or "0"))
    except InvalidVersionError:
        raise ExpectedError(
            f"'{version}' is not a valid version of the virtual package {name}", "for example 12.4"
        ) from None
