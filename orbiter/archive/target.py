"""Open the storage that a TARGET on the command line names."""

from pathlib import Path

from orbiter.archive.folder import FolderStorage
from orbiter.archive.registry import FORM, SCHEME, RegistryStorage
from orbiter.archive.storage import ArchiveStorage
from orbiter.archive.tar import TarStorage
from orbiter.docker import client
from resolvers.errors import ExpectedError

COMPRESSED = (".gz", ".tgz", ".xz", ".zst", ".bz2", ".zip", ".7z")


def open_storage(target: str) -> ArchiveStorage:
    """Return the storage of the archive ``target``, which may not exist yet.

    ``target`` is a folder, a ``*.tar`` file, or ``oci://registry/repository[:tag]``.
    """
    if target.startswith(SCHEME):
        return RegistryStorage(target, client.credentials)
    _refuse_invalid(target)
    path = Path(target)
    if path.is_file() or (path.suffix == ".tar" and not path.is_dir()):
        return TarStorage(path)
    return FolderStorage(path)


def _refuse_invalid(target: str) -> None:
    """Raise ExpectedError for a name that cannot be a folder or a tar file."""
    scheme, separator, address = target.partition("://")
    if separator:
        raise ExpectedError(
            f"{target}: an archive address cannot start with {scheme}://",
            f"for a registry, write {SCHEME}{address}",
        )
    if not target.strip():
        raise ExpectedError(
            "the name of the archive is empty",
            f"name a folder, a file that ends in .tar, or {FORM}",
        )
    if target.rstrip("/").lower().endswith(COMPRESSED):
        raise ExpectedError(
            f"{target}: an archive cannot be compressed, because its files already are",
            "name a file that ends in .tar, or a folder",
        )
