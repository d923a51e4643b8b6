"""Types of one run of ``orbiter lock``: the run, its options and its results."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from orbiter.config.image_set import ImageSet, OwnFile, RepositoryFile
from orbiter.lockset.model import BuilderFacts, LockSet, RecordedWarning
from orbiter.oci.base_image import BaseStart
from orbiter.tasks import StartTask
from resolvers.types.options import Shell
from resolvers.types.packages import LockFiles, Pin
from resolvers.types.request import Target, Upgrade

LargestStep = Literal["", "patch", "minor"]


class Environment(Protocol):
    """Access to the registry, the Docker engine and the store, as locking needs it."""

    def pin_base(self, reference: str, platform: str) -> str:
        """Return the digest of a base image's manifest for one platform."""
        ...

    def base_start(self, reference: str, digest: str) -> BaseStart:
        """Return what the containers of a pinned base image start."""
        ...

    def base_shell(self, reference: str, digests: Mapping[str, str]) -> Shell:
        """Return a shell in a base image that is pinned by platform."""
        ...

    def debian_shell(self, suite: str) -> Shell:
        """Return a shell in the image of a Debian release, in which apt resolves a base."""
        ...

    def store_artifacts(
        self,
        manager: str,
        pins: Mapping[str, tuple[Pin, ...]],
        shell: Shell,
        repositories: Mapping[str, str],
        progress: Callable[[str], None],
    ) -> None:
        """Put the artifacts of apk or apt into the store, because mirrors delete old files.

        ``pins`` are by platform. ``repositories`` maps the names of repositories in images.toml to
        their addresses.
        """
        ...

    def read_own_file(self, file: RepositoryFile) -> bytes:
        """Return the content of an own file or a script."""
        ...

    def store_own_file(self, file: OwnFile) -> None:
        """Put an own file into the store."""
        ...

    def store_download(self, url: str, sha256: str, strips: tuple[int, ...]) -> tuple[str, int]:
        """Put the file at an address into the store; return its sha256 and its size in bytes.

        ``sha256`` is the expected one, or "". Raises ExpectedError if the file has another one, or
        if it is not an archive that can be unpacked with each number of ``strips``.
        """
        ...

    def stored_download(self, url: str, sha256: str) -> Path:
        """Return the path of a locked download in the store; fetch it if the store lacks it."""
        ...


class LockOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of ``orbiter lock`` and ``orbiter update``.

    ``only`` lists managers; empty means all of them. ``now`` is in UTC. ``upgraded`` lists the
    builders and managers whose packages an upgrade concerns; empty means all of them.
    ``largest_step`` is the largest step of a locked version; empty means any.
    """

    now: datetime
    as_of: datetime | None = None
    upgrade: Upgrade = Upgrade()
    only: tuple[str, ...] = ()
    upgraded: frozenset[tuple[str, str]] = frozenset()
    largest_step: LargestStep = ""


class LockRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of ``orbiter lock``: the image set, the pins to start from, and the environment.

    ``bases`` holds the digests of base images by reference and platform, once they are known.
    ``own_files`` holds the content of own files by path in the lock set, and ``downloads`` the lock
    files of downloads.
    """

    image_set: ImageSet
    previous: LockSet | None
    options: LockOptions
    environment: Environment
    start_task: StartTask
    as_of: datetime | None
    bases: Mapping[str, Mapping[str, str]] = {}
    own_files: Mapping[str, str] = {}
    downloads: Mapping[str, str] = {}

    def includes(self, manager: str) -> bool:
        """Return whether this run locks a manager's packages."""
        return not self.options.only or manager in self.options.only

    def upgrade_of(self, builder: str, manager: str) -> Upgrade:
        """Return the upgrade of the packages of one manager of a builder."""
        options = self.options
        if options.upgraded and (builder, manager) not in options.upgraded:
            return Upgrade()
        return options.upgrade

    def previous_facts(self, builder: str) -> BuilderFacts | None:
        """Return the facts about a builder in the previous lock set, if it has them."""
        if self.previous is None:
            return None
        return self.previous.manifest.builders.get(builder)

    def previous_warnings(self, builder: str, manager: str) -> tuple[RecordedWarning, ...]:
        """Return the warnings about a manager's packages in the previous lock set."""
        if self.previous is None:
            return ()
        return tuple(
            warning
            for warning in self.previous.manifest.warnings
            if (warning.builder, warning.manager) == (builder, manager)
        )


class LockedManager(msgspec.Struct, frozen=True, kw_only=True):
    """The lock files of one manager of a builder.

    ``inputs`` is the digest of everything they were resolved from; ``resolved`` says whether an
    engine ran for them in this run. ``warnings`` are those of the run that resolved them.
    """

    files: LockFiles = {}
    inputs: str = ""
    resolved: bool = False
    warnings: tuple[RecordedWarning, ...] = ()


class LockedBuilder(msgspec.Struct, frozen=True, kw_only=True):
    """One builder after locking, with its lock files by manager.

    ``warnings`` concern no single manager.
    """

    facts: BuilderFacts
    targets: tuple[Target, ...]
    managers: Mapping[str, LockedManager]
    warnings: tuple[RecordedWarning, ...] = ()


def timestamp(moment: datetime) -> str:
    """Format a moment as lock sets do: ISO 8601, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
