"""The world outside, as locking needs it: the registry of base images, the Docker engine, the store."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orbiter.part import WrongBytesError
from orbiter.store import Entry, Store
from resolvers.errors import ExpectedError, ProgramError
from resolvers.once import Once
from resolvers.types import Pin, Shell

if TYPE_CHECKING:
    from orbiter.fetch import Fetched, Progress

MEGABYTE = 1_000_000
HINTS = {
    "exec format error": "this engine runs no programs of that platform: let it emulate them (QEMU by binfmt_misc), "
    "lock where they run, or lock what needs none of them: orbiter lock --only conda,pip,npm",
    "apk: not found": "the builder alpine stands on images of Alpine: name one in its from, such as alpine:3.23",
    "apt-get: not found": "this builder stands on images of Debian: name one in its from, such as debian:trixie-slim",
}
"""What to do about what a shell in a base image says when it fails."""


class Outside:
    """The doors of ``orbiter lock`` on this machine; making them makes sure that its store can be written."""

    def __init__(self) -> None:
        self._store = Store()

    def pin_base(self, reference: str, platform: str) -> str:
        """The digest of a base image's manifest for one platform, as its registry has it now."""
        return pin_base(reference, platform)

    def shell(self, reference: str, digests: Mapping[str, str]) -> Shell:
        """A shell inside the base image that is pinned to these digests by platform."""
        return shell_in(reference, digests)

    def solver(self, suite: str) -> Shell:
        """A shell for apt to solve in, for a base that is made of a Debian release's packages."""
        return solver_of(suite)

    def keep(
        self, manager: str, pins: Mapping[str, tuple[Pin, ...]], shell: Shell, progress: Callable[[str], None]
    ) -> None:
        """Bring the artifacts of apk or apt, given by platform, into the store: mirrors delete old files.

        What apk has fetched while it solved is taken from there.
        """
        from orbiter.fetch import fetch
        from orbiter.origins import Sources
        from orbiter.standing import standing
        from resolvers import apk, apt

        files = {pin.artifact for found in pins.values() for pin in found}
        entries = [
            Entry(path=f"{manager}/{f.file}", hash=f.hash, size=f.size, source=f"{manager}:{f.source}") for f in files
        ]
        if manager == "apk":
            for platform in pins:
                self._take(entries, apk.fetched(platform))
        sources = Sources(
            apk_mirrors=lambda: apk.mirrors(shell, next(iter(pins))),
            apt_mirrors=lambda: apt.mirrors(shell, next(iter(pins))),
            archive=standing(),
        )
        done = fetch(entries, self._store, sources, lambda state: progress(spelled(state)))
        progress(told(done))

    def _take(self, entries: list[Entry], files: Mapping[str, Path]) -> None:
        """Copy the files that the store lacks, given by hash, where they still are what they were."""
        for entry in entries:
            if entry.hash in files and not self._store.has(entry.hash, entry.size):
                with suppress(WrongBytesError, FileNotFoundError):
                    self._store.add(files[entry.hash], entry.hash, name=entry.path)


def pin_base(reference: str, platform: str) -> str:
    """The digest of an image's manifest for one platform, as its registry has it now."""
    from orbiter import engine
    from resolvers import registry

    if reason := engine.available():
        raise ExpectedError(
            f"base images, apk and apt are locked inside a Docker engine: {reason}",
            "start one, or lock the other managers alone: orbiter lock --only conda,pip,npm",
        )
    return registry.pin(reference, platform, mirrors=engine.mirrors(), credentials=engine.credentials).digest


def solver_image(suite: str) -> str:
    """Debian's own image of a suite, which apt solves in for a base that is made of packages."""
    return f"debian:{suite}-slim"


def solver_of(suite: str) -> Shell:
    """A shell in Debian's own image of a suite as its registry has it now: apt runs there, and nothing else is used."""
    reference = solver_image(suite)
    digests: Once[str, str] = Once()

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        digest = digests(platform, lambda: pin_base(reference, platform))
        return _run(reference, digest, script, platform, cache)

    return shell


def shell_in(reference: str, digests: Mapping[str, str]) -> Shell:
    """A shell inside a base image; what is missing (a digest, an engine) is told when it is used."""

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        if platform not in digests:
            raise ExpectedError(
                f"the base image {reference} is not locked for {platform}", "run orbiter lock without --only"
            )
        return _run(reference, digests[platform], script, platform, cache)

    return shell


def _run(reference: str, digest: str, script: str, platform: str, cache: str) -> str:
    from orbiter import engine

    try:
        return engine.shell(reference, digest, platform)(script, platform=platform, cache=cache)
    except ProgramError as error:
        hint = next((hint for sign, hint in HINTS.items() if sign in error.output), error.hint)
        raise ProgramError(error.message, hint, output=error.output) from error


def spelled(state: "Progress") -> str:
    """How far a fetch is, for people."""
    total = f" of {state.total_bytes / MEGABYTE:.0f}" if state.total_bytes else ""
    return f"{state.files} of {state.total_files} files, {state.bytes / MEGABYTE:.0f}{total} MB"


def told(done: "Fetched") -> str:
    """What a fetch did, for people."""
    return f"{done.count} files fetched ({done.bytes / MEGABYTE:.0f} MB), {done.already} were there"
