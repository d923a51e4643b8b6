"""The cache of the BuildKit in the Docker engine: its records, and removing some of them."""

from collections.abc import Collection
from typing import Any

import msgspec

from orbiter.docker.client import connect, sdk_errors


class CacheRecord(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A record of the cache; ``description`` has the instruction or the command that made it.

    BuildKit does not store labels or the name of a project. ``size`` is in bytes.
    """

    id: str = msgspec.field(name="ID")
    type: str
    description: str = ""
    in_use: bool = False
    size: int = 0


def list_records() -> tuple[CacheRecord, ...]:
    """Return all records of the engine's cache."""
    with sdk_errors("listing the build cache of the engine"):
        api = connect().api
        # The SDK's own call also lists containers, and fails if one of them disappears meanwhile.
        address = f"{api.base_url}/v{api.api_version}/system/df"
        response = api.get(address, params={"type": "build-cache"}, timeout=api.timeout)
        response.raise_for_status()
        return msgspec.convert(response.json()["BuildCache"] or (), tuple[CacheRecord, ...])


def remove_records(ids: Collection[str]) -> int:
    """Remove records, and return the bytes that this frees.

    BuildKit keeps records that are in use, and those that other records are based on.
    """
    # The engine takes one value, which is a regular expression in quotes.
    pattern = f'"^({"|".join(sorted(ids))})$"'
    filters: Any = {"id": pattern}  # the stubs know only two of the keys
    with sdk_errors("removing records of the build cache"):
        result = connect().api.prune_builds(filters=filters, all=True)
        return int(result.get("SpaceReclaimed") or 0)
