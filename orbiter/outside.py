"""The world outside, as locking needs it: the registry of base images, the Docker engine, the store."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from orbiter.store import Entry, Store
from resolvers.errors import ExpectedError
from resolvers.once import Once
from resolvers.types import Pin, Shell

if TYPE_CHECKING:
    from orbiter.fetch import Fetched, Progress

MEGABYTE = 1_000_000


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

    def keep(self, pins: Mapping[str, tuple[Pin, ...]], shell: Shell, progress: Callable[[str], None]) -> None:
        """Bring apt's artifacts, given by platform, into the store."""
        from orbiter.fetch import fetch
        from orbiter.origins import Sources
        from resolvers import apt

        files = {pin.artifact for found in pins.values() for pin in found}
        entries = [Entry(path=f"apt/{f.file}", hash=f.hash, size=f.size, source=f"apt:{f.source}") for f in files]
        sources = Sources(apt_mirrors=lambda: apt.mirrors(shell, next(iter(pins))))
        done = fetch(entries, self._store, sources, lambda state: progress(spelled(state)))
        progress(told(done))


def pin_base(reference: str, platform: str) -> str:
    """The digest of an image's manifest for one platform, as its registry has it now."""
    from orbiter import engine
    from resolvers import registry

    if reason := engine.available():
        raise ExpectedError(
            f"base images and apt are locked inside a Docker engine: {reason}",
            "start one, or lock the other managers alone: orbiter lock --only pip,npm",
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
        from orbiter import engine

        digest = digests(platform, lambda: pin_base(reference, platform))
        return engine.shell(reference, digest, platform)(script, platform=platform, cache=cache)

    return shell


def shell_in(reference: str, digests: Mapping[str, str]) -> Shell:
    """A shell inside a base image; what is missing (a digest, an engine) is told when it is used."""

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        from orbiter import engine

        if platform not in digests:
            raise ExpectedError(
                f"the base image {reference} is not locked for {platform}", "run orbiter lock without --only"
            )
        return engine.shell(reference, digests[platform], platform)(script, platform=platform, cache=cache)

    return shell


def spelled(state: "Progress") -> str:
    """How far a fetch is, for people."""
    total = f" of {state.total_bytes / MEGABYTE:.0f}" if state.total_bytes else ""
    return f"{state.files} of {state.total_files} files, {state.bytes / MEGABYTE:.0f}{total} MB"


def told(done: "Fetched") -> str:
    """What a fetch did, for people."""
    return f"{done.count} files fetched ({done.bytes / MEGABYTE:.0f} MB), {done.already} were there"
