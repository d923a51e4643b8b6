"""The list of files of a package, and the cache of these lists.

Reading a package is slow, so the list is kept in the cache under the hash of the package.
"""

import hashlib
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Literal

import msgspec

from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from orbiter.store.unpack import UNREADABLE
from orbiter.threads import raise_if_stopped
from resolvers import cache
from resolvers.errors import ExpectedError

FORMAT = "packages-4"
"""The folder of the cache; another format of lists needs another one."""
CHUNK = 1 << 20
LARGEST_TEXT = 16 * 1024**2
"""Bytes of a file whose content a list keeps."""


class PackageFile(msgspec.Struct, frozen=True, array_like=True):
    """A file, folder or link of a package.

    ``digest`` is the sha256 of the content in hexadecimal. ``target`` is that of a symbolic link.
    ``owner`` are the names of the user and the group, if the package has names only.
    """

    kind: Literal["file", "folder", "link"]
    mode: int
    uid: int = 0
    gid: int = 0
    digest: str = ""
    size: int = 0
    target: str = ""
    owner: tuple[str, str] = ("", "")


class PackageContents(msgspec.Struct, frozen=True):
    """The files of a package by path, and the content of those that describe it, by name.

    ``texts`` has the scripts and records of a package, which the image does not have.
    """

    files: dict[str, PackageFile]
    texts: dict[str, bytes] = {}


Reader = Callable[[Path], PackageContents]


def package_contents(file: LockedFile, read: Reader, store: Store) -> PackageContents:
    """Return the files of a package from the cache, or by ``read`` from the store.

    Raises ExpectedError if the store lacks the package, or if it cannot be read.
    """
    name = file.path.rpartition("/")[2]
    list_path = cache.folder("audit", FORMAT) / f"{file.hash.replace(':', '-')}.msgpack"
    try:
        return msgspec.msgpack.decode(list_path.read_bytes(), type=PackageContents)
    except (OSError, msgspec.MsgspecError):
        pass
    path = store.verify(file.hash, name)
    try:
        contents = read(path)
    except (*UNREADABLE, LookupError, OSError) as error:
        # gzip and bzip2 have no errors of their own; those of the system have a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = ascii(str(error))[1:-1]
        raise ExpectedError(
            f"{name} is not a package: {reason}", "lock the release again"
        ) from None
    cache.write(list_path, msgspec.msgpack.encode(contents))
    return contents


def tar_files(tar: tarfile.TarFile) -> Iterator[tuple[str, PackageFile]]:
    """Yield the members of a tar file; devices and pipes are left out."""
    known: dict[str, PackageFile] = {}
    for member in tar:
        path = plain_path(member.name)
        found = _tar_file(tar, member, known)
        if path and found:
            known[path] = found
            yield path, found


def _tar_file(
    tar: tarfile.TarFile, member: tarfile.TarInfo, known: Mapping[str, PackageFile]
) -> PackageFile | None:
    owner = (member.uname, member.gname)
    mode = member.mode & 0o7777
    if member.isdir():
        return PackageFile("folder", mode, member.uid, member.gid, owner=owner)
    if member.issym():
        link = member.linkname
        return PackageFile("link", 0o777, member.uid, member.gid, target=link, owner=owner)
    if member.islnk():
        return known.get(plain_path(member.linkname))
    if not member.isreg():
        return None
    content = tar.extractfile(member)
    assert content is not None
    digest = hash_of(content)
    return PackageFile(
        "file", mode, member.uid, member.gid, digest=digest, size=member.size, owner=owner
    )


def hash_of(content: IO[bytes]) -> str:
    """Return the sha256 of a file in hexadecimal."""
    hasher = hashlib.sha256()
    while chunk := content.read(CHUNK):
        raise_if_stopped()
        hasher.update(chunk)
    return hasher.hexdigest()


def plain_path(name: str) -> str:
    """Return a path without a slash or a dot at its start, "" for the root."""
    return "/".join(part for part in name.split("/") if part not in {"", "."})
