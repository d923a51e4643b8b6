"""The newest versions of conda packages, from the indexes of the channels."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from resolvers.conda import rattler_solver
from resolvers.conda.channels import Channel, parse_channel
from resolvers.conda.requirements import NOARCH, CondaRequirement, parse_requirements, subdir
from resolvers.errors import ExpectedError
from resolvers.types.packages import Availability, AvailableVersion
from resolvers.types.request import Request

if TYPE_CHECKING:
    from rattler import Gateway, RepoDataRecord
    from rattler.version import VersionWithSource

Found = dict[str, "list[RepoDataRecord]"]
"""The records of each package."""


def newest_versions(request: Request, names: tuple[str, ...]) -> dict[str, Availability]:
    """Return the newest versions of packages by name.

    With strict priority, only the first channel that has a package counts, as in a solve. Channels
    that do not answer are the problem of all packages.
    """
    channels = tuple(map(parse_channel, request.conda.channels))
    requirements = parse_requirements(request.groups)
    subdirs = [subdir(target.platform) for target in request.targets]
    try:
        found = asyncio.run(
            _read(channels, subdirs, names, is_strict=request.conda.priority == "strict")
        )
    except ExpectedError as error:
        return {name: Availability(problem=error.message.splitlines()[0]) for name in names}
    finally:
        rattler_solver.protect_cache()
    return {
        name: _availability(
            [found_in.get(name, []) for found_in in found],
            [each for each in requirements if each.name == name],
        )
        for name in names
    }


async def _read(
    channels: tuple[Channel, ...],
    subdirs: Iterable[str],
    names: tuple[str, ...],
    *,
    is_strict: bool,
) -> list[Found]:
    """Return the records for each subdir."""
    gateway = rattler_solver.open_gateway()
    return [
        await _read_subdir(gateway, channels, each, names, is_strict=is_strict) for each in subdirs
    ]


async def _read_subdir(
    gateway: "Gateway",
    channels: tuple[Channel, ...],
    wanted: str,
    names: tuple[str, ...],
    *,
    is_strict: bool,
) -> Found:
    from rattler import Channel as RattlerChannel

    found: Found = {}
    remaining: Sequence[str] = names
    for channel in channels:
        if not remaining:
            break
        source = [RattlerChannel(channel.address())]
        try:
            # rattler's type is a Literal of all known subdirs
            platforms: Any = [wanted, NOARCH]
            results = await gateway.query(source, platforms, remaining, recursive=False)
        except Exception as error:  # rattler's exceptions have no common base class
            raise rattler_solver.unreadable_channels(error, channels, wanted) from error
        for record in (record for result in results for record in result):
            found.setdefault(record.name.normalized, []).append(record)
        if is_strict:
            remaining = [name for name in remaining if name not in found]
    return found


def _availability(
    by_subdir: "list[list[RepoDataRecord]]", requirements: list[CondaRequirement]
) -> Availability:
    """Return the newest versions; an allowed one must exist on every platform."""
    everything = [record for records in by_subdir for record in records]
    allowed = [list(_allowed(records, requirements)) for records in by_subdir]
    common = [{record.version for record in records} for records in allowed]
    shared = set.intersection(*common) if common else set()
    return Availability(
        allowed=_highest(
            record for records in allowed for record in records if record.version in shared
        ),
        newest=_highest(everything),
    )


def _allowed(
    records: "Iterable[RepoDataRecord]", requirements: list[CondaRequirement]
) -> "Iterator[RepoDataRecord]":
    from rattler import MatchSpec

    specs = [MatchSpec(each.spec) for each in requirements]
    return (record for record in records if all(spec.matches(record) for spec in specs))


def _highest(records: "Iterable[RepoDataRecord]") -> AvailableVersion | None:
    """Return the highest version, with the time of its first build."""
    by_version: dict[VersionWithSource, list[RepoDataRecord]] = {}
    for record in records:
        by_version.setdefault(record.version, []).append(record)
    if not by_version:
        return None
    newest = max(by_version)
    times = [each.timestamp.astimezone(UTC) for each in by_version[newest] if each.timestamp]
    return AvailableVersion(str(newest), min(times, default=None))
