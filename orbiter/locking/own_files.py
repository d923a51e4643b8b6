"""The content of own files, read again when a lock set is made."""

import hashlib
from pathlib import Path

from orbiter.config.image_set import ImageSet, OwnFile, RepositoryFile
from orbiter.locking.work import Environment
from orbiter.lockset.model import to_text
from orbiter.lockset.own_files import kept_files
from orbiter.store.store import Store
from resolvers.errors import ExpectedError

AGAIN = "run orbiter lock again when nothing changes the file"


def own_file_texts(image_set: ImageSet, environment: Environment) -> dict[str, str]:
    """Return the content of scripts and small own files by path in the lock set.

    Put the large own files into the store.
    """
    for stage in image_set.stages:
        for file in stage.files or ():
            if file.stored:
                environment.store_own_file(file)
    return {
        path: to_text(environment.read_own_file(file))
        for path, file in kept_files(image_set).items()
    }


def read_own_file(file: RepositoryFile, root: Path) -> bytes:
    """Return the content of a file below the folder of images.toml.

    Raises ExpectedError if it is not the one that images.toml was read with.
    """
    try:
        content = (root / file.source).read_bytes()
    except OSError as error:
        raise ExpectedError(f"{file.source} cannot be read: {error.strerror}", AGAIN) from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise ExpectedError(f"{file.source} changed while it was being locked", AGAIN)
    return content


def store_own_file(file: OwnFile, root: Path, store: Store) -> None:
    """Copy an own file into the store, unless it is there. Raises ExpectedError."""
    digest = f"sha256:{file.sha256}"
    if store.has(digest, file.size):
        return
    try:
        store.add(root / file.source, digest, name=file.source)
    except OSError as error:
        raise ExpectedError(f"{file.source} cannot be read: {error.strerror}", AGAIN) from None
