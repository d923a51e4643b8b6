"""apk.lock: Orbiter's own format, TOML, for apk has no lock file.

Format 1, in this order, keys as in the types below, those with an empty value left out::

    format = 1

    [platforms."linux/amd64"]        # the base image there: apk, musl, python (versions), world (/etc/apk/world)
    [groups.alpine-core]             # requirements: what the stage asks for
    [[package]]                      # one for each package, version and architecture that a stage adds

Text is UTF-8 with one value a line; tables and lists are sorted; there is one newline at the end, and no address.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from resolvers.errors import ExpectedError
from resolvers.types import LockFiles, thread_safe_decoding

FILE = "apk.lock"
FORMAT = 1
HEAD = "# Written by Orbiter: what apk installs. To change it, edit images.toml and lock.\n"


class LockedPlatform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base image on one platform: the apk that solved, its musl, its Python and the path of it, and its world."""

    apk: str
    musl: str = ""
    python: str = ""
    interpreter: str = ""
    world: tuple[str, ...] = ()


class LockedGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was asked."""

    requirements: tuple[str, ...]


class LockedPackage(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True
):
    """One package, the same on all its platforms; ``groups`` add it.

    ``file`` is its path below a mirror's address (``v3.23/main/x86_64/curl-8.17.0-r1.apk``), ``checksum`` is the
    index's own (``Q1`` and base64 of a SHA-1 over the control part), ``sha256`` is of the whole file.
    """

    name: str
    version: str
    architecture: str
    platforms: tuple[str, ...]
    groups: tuple[str, ...]
    file: str
    size: int
    checksum: str
    sha256: str
    origin: str = ""
    license: str = ""
    requires: tuple[str, ...] = ()


@thread_safe_decoding
class ApkLock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """apk.lock; packages are sorted by name, version and architecture."""

    format: int
    platforms: Mapping[str, LockedPlatform]
    groups: Mapping[str, LockedGroup]
    package: tuple[LockedPackage, ...] = ()


def write(lock: ApkLock) -> str:
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


def parse(files: LockFiles) -> ApkLock:
    """The lock file, typed; raises ExpectedError when it is none or of a newer format."""
    return _parsed(files[FILE])


@lru_cache(maxsize=4)
def _parsed(text: str) -> ApkLock:
    try:
        data = tomllib.loads(text)
        if data.get("format") != FORMAT:
            raise ExpectedError(
                f"{FILE} has format {data.get('format')}, this Orbiter reads format {FORMAT}",
                "use a newer Orbiter",
            )
        return msgspec.convert(data, ApkLock)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ExpectedError(
            f"{FILE} cannot be read: {error}", "take it from git again, or lock anew"
        ) from error
