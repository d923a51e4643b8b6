"""The TOML text of apk.lock and apt.lock.

Orbiter has its own format because neither manager has a lock file. The order is fixed::

    format = 1

    [platforms."linux/amd64"]    # the base image
    [groups.debian-core]         # the requirements of a stage
    [[package]]                  # one per package, version and architecture

Each key is on a line of its own, and keys without a value are left out. The text is UTF-8, ends
with one newline. It contains only those addresses that images.toml names.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec
import tomli  # compiled: it reads a large lock in a third of tomllib's time

from resolvers.errors import ExpectedError

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class LockedGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The requirements of one stage."""

    requirements: tuple[str, ...] = ()


class SystemLock(Protocol):
    """The structure that apk.lock and apt.lock have in common."""

    @property
    def format(self) -> int:
        """Version of the format."""

    @property
    def platforms(self) -> Mapping[str, msgspec.Struct]:
        """Base images by platform."""

    @property
    def groups(self) -> Mapping[str, LockedGroup]:
        """Requirements by stage."""

    @property
    def package(self) -> Sequence[msgspec.Struct]:
        """Packages, sorted."""


L = TypeVar("L", bound=SystemLock)


def format_lock(lock: SystemLock, manager: str) -> str:
    """Return the canonical text of a lock."""
    comment = (
        f"# Written by Orbiter: what {manager} installs. To change it, edit images.toml and lock."
    )
    tables = [f"{comment}\n\nformat = {lock.format}\n"]
    for platform, base in sorted(lock.platforms.items()):
        tables.append(_table(f"[platforms.{_key(platform)}]", base))
    for stage, group in sorted(lock.groups.items()):
        tables.append(_table(f"[groups.{_key(stage)}]", group))
    tables += [_table("[[package]]", package) for package in lock.package]
    return "\n".join(tables)


def _table(header: str, content: msgspec.Struct) -> str:
    lines = [header]
    for field in msgspec.structs.fields(content):
        value = getattr(content, field.name)
        # A size of 0 is a value, so the test is not for truth.
        if value not in ("", ()):
            lines.append(f"{field.encode_name} = {_value(value)}")
    return "".join(f"{line}\n" for line in lines)


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    # A JSON string, number or array of strings is valid TOML too.
    return json.dumps(value)


def parse_lock(text: str, kind: type[L], *, file: str, version: int) -> L:
    """Return a lock as a typed object.

    Raises ExpectedError if the text is not a lock of this kind or has another format version.
    """
    try:
        data = tomli.loads(text)
        if data.get("format") != version:
            raise ExpectedError(
                f"{file} has format {data.get('format')}; this Orbiter reads format {version}",
                "use a newer version of Orbiter",
            )
        return msgspec.convert(data, kind)
    # Absurd numbers and depths raise errors other than TOMLDecodeError.
    except (ValueError, RecursionError) as error:
        raise ExpectedError(
            f"{file} is not valid: {error}",
            f"restore {file} from git, or lock again",
        ) from error
