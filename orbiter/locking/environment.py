"""The registry, Docker engine and store that ``orbiter lock`` uses."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from orbiter.config.image_set import OwnFile, RepositoryFile
from orbiter.docker.shells import base_shell, pin_base, read_start, solver_shell
from orbiter.fetch.address import store_download
from orbiter.fetch.progress import format_progress
from orbiter.locking import own_files
from orbiter.oci.base_image import BaseStart
from orbiter.store.artifact_list import LockedFile, listed_source
from orbiter.store.download import HashMismatchError
from orbiter.store.store import Store
from resolvers.types.options import Shell
from resolvers.types.packages import Artifact, Pin


class LocalEnvironment:
    """This machine's Docker engine, store and configuration.

    ``root`` is the folder of images.toml. Creating it checks that the store is writable.
    """

    def __init__(self, root: Path = Path()) -> None:
        self._root = root
        self._store = Store()

    def pin_base(self, reference: str, platform: str) -> str:
        """Return the digest of a base image's manifest that its registry has now."""
        return pin_base(reference, platform)

    def base_start(self, reference: str, digest: str) -> BaseStart:
        """Return what the containers of a pinned base image start."""
        return read_start(reference, digest)

    def base_shell(self, reference: str, digests: Mapping[str, str]) -> Shell:
        """Return a shell in a base image that is pinned by platform."""
        return base_shell(reference, digests)

    def debian_shell(self, suite: str) -> Shell:
        """Return a shell in the image of a Debian release, in which apt resolves a base.

        The image is that of the engine's own platform, whatever platform apt resolves for.
        """
        return solver_shell(suite)

    def store_artifacts(
        self,
        manager: str,
        pins: Mapping[str, tuple[Pin, ...]],
        shell: Shell,
        repositories: Mapping[str, str],
        progress: Callable[[str], None],
    ) -> None:
        """Put artifacts into the store that may not stay where they are.

        Mirrors delete old files of apk and apt, and pip's files may come from any address. Files
        that were fetched for resolving are copied from the cache. ``pins`` are by platform.
        ``repositories`` maps the names of repositories in images.toml to their addresses.
        """
        from orbiter.archive.configured import configured_archive
        from orbiter.fetch.fetch import fetch
        from orbiter.fetch.sources import FetchSettings
        from resolvers.apk import manager as apk
        from resolvers.apt import manager as apt
        from resolvers.index.direct import cached_path

        artifacts = {pin.artifact for of_platform in pins.values() for pin in of_platform}
        files = [_locked_file(manager, artifact) for artifact in artifacts]
        first_platform = next(iter(pins))
        if manager == "apk":
            for platform in pins:
                self._copy_missing(files, apk.cached_packages(platform))
        if manager == "pip":
            self._copy_missing(files, {file.hash: cached_path(file.hash) for file in files})
        sources = FetchSettings(
            apk_mirrors=lambda: apk.mirrors(shell, first_platform),
            apt_mirrors=lambda: apt.mirrors(shell, first_platform),
            repositories={manager: repositories},
            archive=configured_archive(),
        )
        totals = fetch(files, self._store, sources, lambda state: progress(format_progress(state)))
        progress(str(totals))

    def read_own_file(self, file: RepositoryFile) -> bytes:
        """Return the content of an own file or a script."""
        return own_files.read_own_file(file, self._root)

    def store_own_file(self, file: OwnFile) -> None:
        """Put an own file into the store."""
        own_files.store_own_file(file, self._root, self._store)

    def store_download(self, url: str, sha256: str, strips: tuple[int, ...]) -> tuple[str, int]:
        """Put the file at an address into the store; return its sha256 and its size in bytes."""
        return store_download(self._store, url, sha256, strips)

    def stored_download(self, url: str, sha256: str) -> Path:
        """Return the path of a locked download in the store; fetch it if the store lacks it."""
        store_download(self._store, url, sha256, ())
        return self._store.verify(f"sha256:{sha256}", url)

    def _copy_missing(self, files: list[LockedFile], cached: Mapping[str, Path]) -> None:
        """Copy the files that the store lacks from a cache; ``cached`` has paths by hash."""
        for file in files:
            if file.hash not in cached or self._store.has(file.hash, file.size):
                continue
            # A file that is missing or changed in the cache is fetched from a mirror instead.
            with suppress(HashMismatchError, FileNotFoundError):
                self._store.add(cached[file.hash], file.hash, name=file.path)


def _locked_file(manager: str, artifact: Artifact) -> LockedFile:
    return LockedFile(
        path=f"{manager}/{artifact.file}",
        hash=artifact.hash,
        size=artifact.size,
        source=listed_source(manager, artifact.source),
    )
