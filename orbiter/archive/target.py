"""The archives that people name: a folder, a tar file, or a repository of a registry."""

from pathlib import Path

from orbiter.archive.folder import FolderStorage
from orbiter.archive.manifest import ArchiveStorage
from orbiter.archive.registry import FORM, SCHEME, RegistryStorage
from orbiter.archive.tar import TarStorage
from orbiter.docker import client
from resolvers.errors import ExpectedError

COMPRESSED = (".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar.bz2")


def open_storage(target: str) -> ArchiveStorage:
    """The archive that a person names; whether there is one is not looked at."""
    if target.startswith(SCHEME):
        return RegistryStorage(target, client.credentials)
    scheme, separator, rest = target.partition("://")
    if separator:
        raise ExpectedError(
            f"{target}: no archive is at an address of {scheme}://",
            f"write {SCHEME}{rest} for a registry",
        )
    if not target.strip():
        raise ExpectedError(
            "the archive has an empty name", f"name a folder, a file that ends in .tar, or {FORM}"
        )
    if target.rstrip("/").endswith(COMPRESSED):
        raise ExpectedError(
            f"{target}: an archive is not compressed, as its files are",
            "name a file that ends in .tar, or a folder",
        )
    path = Path(target)
    return (
        TarStorage(path)
        if path.is_file() or (path.suffix == ".tar" and not path.is_dir())
        else FolderStorage(path)
    )
