"""apt.lock: Orbiter's own format, TOML, for apt has no lock file."""

import json
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from resolvers.errors import ExpectedError
from resolvers.types import LockFiles, thread_safe_decoding

FILE = "apt.lock"
FORMAT = 1
HEAD = "# Written by Orbiter: what apt installs. To change it, edit images.toml and lock.\n"


class LockedPlatform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base on one platform: the apt that solved, its glibc, and the Python that a base image has by itself.

    ``interpreter`` is the path of that Python. For a base made of packages, ``suite`` is Debian's release, and
    ``signers`` are the fingerprints of the keys that signed its index.
    """

    apt: str
    glibc: str = ""
    python: str = ""
    interpreter: str = ""
    suite: str = ""
    signers: tuple[str, ...] = ()


class LockedGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was asked."""

    requirements: tuple[str, ...]


class LockedPackage(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True
):
    """One package, the same on all its platforms; ``groups`` add it, ``file`` is the pool path."""

    name: str
    version: str
    architecture: str
    platforms: tuple[str, ...]
    groups: tuple[str, ...]
    file: str
    size: int
    sha256: str
    requires: tuple[str, ...] = ()


@thread_safe_decoding
class AptLock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """apt.lock; packages are sorted by name, version and architecture."""

    format: int
    platforms: Mapping[str, LockedPlatform]
    groups: Mapping[str, LockedGroup]
    package: tuple[LockedPackage, ...] = ()


def write(lock: AptLock) -> str:
    """The canonical text of a lock; a JSON string is a TOML string."""
    parts = [f"{HEAD}\nformat = {lock.format}\n"]
    for platform, each in sorted(lock.platforms.items()):
        parts.append(_table(f"[platforms.{_key(platform)}]", msgspec.structs.asdict(each)))
    for name, group in sorted(lock.groups.items()):
        parts.append(_table(f"[groups.{_key(name)}]", msgspec.structs.asdict(group)))
    parts += [_table("[[package]]", msgspec.structs.asdict(package)) for package in lock.package]
    return "\n".join(parts)


def _table(head: str, fields: Mapping[str, object]) -> str:
    lines = [
        f"{key} = {json.dumps(value)}\n" for key, value in fields.items() if value not in ("", ())
    ]
    return head + "\n" + "".join(lines)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def parse(files: LockFiles) -> AptLock:
    """The lock file, typed; raises ExpectedError when it is none or of a newer format."""
    return _parsed(files[FILE])


@lru_cache(maxsize=4)
def _parsed(text: str) -> AptLock:
    try:
        data = tomllib.loads(text)
        if data.get("format") != FORMAT:
            raise ExpectedError(
                f"{FILE} has format {data.get('format')}, this Orbiter reads format {FORMAT}",
                "use a newer Orbiter",
            )
        return msgspec.convert(data, AptLock)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ExpectedError(
            f"{FILE} cannot be read: {error}", "take it from git again, or lock anew"
        ) from error
