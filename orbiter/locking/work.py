"""Types of one run of ``orbiter lock``."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.lockset.model import BuilderFacts, LockSet
from orbiter.tasks import StartTask
from resolvers.types import LockFiles, Pin, Shell, Target, Upgrade


class Environment(Protocol):
    """What locking needs of the world outside: the registry, the engine and the store."""

    def pin_base(self, reference: str, platform: str) -> str:
        """The digest of a base image's manifest for one platform."""
        ...

    def shell(self, reference: str, digests: Mapping[str, str]) -> Shell:
        """A shell inside the base image that is pinned to these digests by platform."""
        ...

    def solver(self, suite: str) -> Shell:
        """A shell for apt to solve in, for a base that is made of a Debian release's packages."""
        ...

    def keep(
        self,
        manager: str,
        pins: Mapping[str, tuple[Pin, ...]],
        shell: Shell,
        progress: Callable[[str], None],
    ) -> None:
        """Bring the artifacts of apk or apt, given by platform, into the store: mirrors delete old files."""
        ...


class LockOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked of one ``orbiter lock``; ``only`` are managers, empty for all; ``now`` is in UTC."""

    now: datetime
    as_of: datetime | None = None
    upgrade: Upgrade = Upgrade()
    only: tuple[str, ...] = ()


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One run of ``lock``: what is asked, what to start from, and the way to the world outside.

    ``bases`` are the digests of base images by reference and platform, once they are known.
    """

    image_set: ImageSet
    previous: LockSet | None
    options: LockOptions
    doors: Environment
    progress: StartTask
    as_of: datetime | None
    bases: Mapping[str, Mapping[str, str]] = {}

    def wanted(self, manager: str) -> bool:
        """Whether this run may lock a manager's part."""
        return not self.options.only or manager in self.options.only


class Solved(msgspec.Struct, frozen=True, kw_only=True):
    """One manager's part of a builder: its lock files, the digest of their inputs, and whether an engine ran."""

    files: LockFiles = {}
    inputs: str = ""
    ran: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One builder, locked; ``solved`` goes by manager."""

    facts: BuilderFacts
    targets: tuple[Target, ...]
    solved: Mapping[str, Solved]


def timestamp(moment: datetime) -> str:
    """A moment as lock sets write it: ISO 8601, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
