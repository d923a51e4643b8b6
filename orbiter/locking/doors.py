"""The world outside, as locking needs it: the registry of base images, the Docker engine, the store."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from orbiter.docker.shells import base_shell, pin_base, solver_shell
from orbiter.fetch.progress import format_progress, format_totals
from orbiter.store.artifact_list import LockedFile
from orbiter.store.download import WrongBytesError
from orbiter.store.store import Store
from resolvers.types import Pin, Shell


class LocalEnvironment:
    """The doors of ``orbiter lock`` on this machine; making them makes sure that its store can be written."""

    def __init__(self) -> None:
        self._store = Store()

    def pin_base(self, reference: str, platform: str) -> str:
        """The digest of a base image's manifest for one platform, as its registry has it now."""
        return pin_base(reference, platform)

    def shell(self, reference: str, digests: Mapping[str, str]) -> Shell:
        """A shell inside the base image that is pinned to these digests by platform."""
        return base_shell(reference, digests)

    def solver(self, suite: str) -> Shell:
        """A shell for apt to solve in, for a base that is made of a Debian release's packages."""
        return solver_shell(suite)

    def keep(
        self,
        manager: str,
        pins: Mapping[str, tuple[Pin, ...]],
        shell: Shell,
        progress: Callable[[str], None],
    ) -> None:
        """Bring the artifacts of apk or apt, given by platform, into the store: mirrors delete old files.

        What apk has fetched while it solved is taken from there.
        """
        from orbiter.archive.configured import configured_archive
        from orbiter.fetch.fetch import fetch
        from orbiter.fetch.sources import FetchSettings
        from resolvers.apk import manager as apk
        from resolvers.apt import manager as apt

        files = {pin.artifact for found in pins.values() for pin in found}
        entries = [
            LockedFile(
                path=f"{manager}/{f.file}", hash=f.hash, size=f.size, source=f"{manager}:{f.source}"
            )
            for f in files
        ]
        if manager == "apk":
            for platform in pins:
                self._take(entries, apk.cached_packages(platform))
        sources = FetchSettings(
            apk_mirrors=lambda: apk.mirrors(shell, next(iter(pins))),
            apt_mirrors=lambda: apt.mirrors(shell, next(iter(pins))),
            archive=configured_archive(),
        )
        done = fetch(entries, self._store, sources, lambda state: progress(format_progress(state)))
        progress(format_totals(done))

    def _take(self, entries: list[LockedFile], files: Mapping[str, Path]) -> None:
        """Copy the files that the store lacks, given by hash, where they still are what they were."""
        for entry in entries:
            if entry.hash in files and not self._store.has(entry.hash, entry.size):
                with suppress(WrongBytesError, FileNotFoundError):
                    self._store.add(files[entry.hash], entry.hash, name=entry.path)
