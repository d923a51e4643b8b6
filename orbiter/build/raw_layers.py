"""The layers that BuildKit sent in the last build of each image, in the cache.

``assembly/raw/<repository>-<image>/<hex>`` are named by their digest. The next build finds them in
its layout, so BuildKit sends only layers that changed.
"""

import shutil
from functools import partial
from pathlib import Path

from orbiter.assembly.raw_image import layer_files
from orbiter.oci.layout import BLOBS
from orbiter.store.store import hash_file, link_or_copy
from orbiter.threads import stoppable_threads
from resolvers import cache

VERIFIERS = 2
"""Threads that verify layers."""


class RawLayers:
    """The layers of the images of one repository; safe for several processes at the same time."""

    def __init__(self, repository_key: str) -> None:
        self._repository_key = repository_key

    def link(self, image: str, layout: Path) -> None:
        """Link the layers of the last build of an image into its new layout."""
        blobs = layout / BLOBS
        blobs.mkdir(parents=True)
        with stoppable_threads(VERIFIERS) as pool:
            # The list raises the errors of the threads.
            list(pool.map(partial(_link_intact, folder=blobs), self._folder(image).iterdir()))

    def keep(self, image: str, layout: Path) -> None:
        """Keep the layers of an image, and none of its earlier ones."""
        folder = self._folder(image)
        files = {file.name: file for file in layer_files(layout)}
        for old in folder.iterdir():
            if old.name not in files:
                old.unlink(missing_ok=True)
        for name, file in files.items():
            shutil.move(file, folder / name)  # the store may be on another file system

    def _folder(self, image: str) -> Path:
        return cache.folder("assembly", "raw", f"{self._repository_key}-{image}")


def _link_intact(file: Path, folder: Path) -> None:
    """Link a layer into a folder if its bytes are those of its name; remove it otherwise."""
    try:
        if hash_file(file, "sha256") == f"sha256:{file.name}":
            link_or_copy(file, folder / file.name)
        else:
            file.unlink()
    except FileNotFoundError:
        pass  # another process keeps the layers of a newer build
