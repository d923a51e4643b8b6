"""Archives that anybody may have made, as tar files that are safe to unpack in an image.

Nothing is unpacked on this machine. Each member is checked and copied with a fixed time, owner and
one of two modes, so that the same archive always gives the same bytes. Folders are left out, except
empty ones: tar makes them, and keeps links to folders that an image has in their place.
"""

import lzma
import re
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from resolvers.errors import ExpectedError
from resolvers.types.tar_entry import CheckedTarInfo

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZIP_MAGIC = b"PK\x03\x04"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MAX_LINKS = 40
"""Symbolic links that a path may lead through, as on Linux."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SHOWN = 80
"""The number of characters of a name that a message shows."""
FORMATS = "tar, tar.gz, tar.bz2, tar.xz, tar.zst or zip"
UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    zstd.ZstdError,
    EOFError,
    NotImplementedError,  # an unknown compression in a zip file
    RuntimeError,  # an encrypted zip file
    ValueError,
)


class Owner(NamedTuple):
    """The numbers of a user and a group."""

    uid: int = 0
    gid: int = 0


class Layout(NamedTuple):
    """The layout of the copy: each path loses ``strip`` parts; all files have this owner and time.

    ``time`` is in seconds since 1970.
    """

    strip: int
    owner: Owner
    time: int


class _Member(NamedTuple):
    """A member of any archive. ``type`` is one of tarfile; ``link`` is the target of a link."""

    name: str
    type: bytes
    is_executable: bool = False
    link: str = ""
    size: int = 0


class _HostileError(Exception):
    """The reason why an archive is refused."""


def write_tar(archive: Path, target: Path, layout: Layout, name: str) -> None:
    """Write the files of an archive as a tar file; ``name`` is for messages.

    Raises ExpectedError for a file that is not an archive, and for one with a member that would be
    outside of its folder, or is neither a file, a folder nor a link.
    """
    with tarfile.open(
        target, "w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as output:
        try:
            _Copy(output, layout).copy_all(archive)
        except _HostileError as error:
            hint = "correct strip, or unpack another archive; this one is not used"
            raise ExpectedError(f"{name}: {error}", hint) from None
        except UNREADABLE as error:
            raise _unreadable(name, error) from error
        except OSError as error:
            # gzip and bzip2 have no errors of their own; those of the system have a number.
            if error.errno is not None:
                raise
            raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> ExpectedError:
    # tarfile adds a line for each format that it tried.
    reason = str(error).partition("\n")[0].removesuffix(":")
    hint = f"check that the address has a whole archive of a known format: {FORMATS}"
    return ExpectedError(f"{name} cannot be unpacked: {ascii(reason)[1:-1]}", hint)


class _Copy:
    """Copies the members of one archive.

    ``_kinds`` holds the type of each path in the copy, with all folders on the way to it, and
    ``_links`` the targets of symbolic links.
    """

    def __init__(self, output: tarfile.TarFile, layout: Layout) -> None:
        self._output = output
        self._layout = layout
        self._kinds: dict[tuple[str, ...], bytes] = {}
        self._links: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._with_content: set[tuple[str, ...]] = set()

    def copy_all(self, archive: Path) -> None:
        with archive.open("rb") as file:
            magic = file.read(len(ZIP_MAGIC))
            file.seek(0)
            members = _zip_members(file) if magic == ZIP_MAGIC else _tar_members(file, magic)
            for member, content in members:
                self._copy(member, content)
        self._check_links()
        self._add_empty_folders()
        if not self._kinds:
            raise _HostileError("nothing is left to unpack")

    def _copy(self, member: _Member, content: IO[bytes] | None) -> None:
        path = self._path(member.name)
        if not path:
            return
        # Before the path itself counts, because a file cannot be a link to itself.
        hard_link = self._hard_link(member) if member.type == tarfile.LNKTYPE else ()
        self._register(path, member)
        if member.type == tarfile.DIRTYPE:
            return
        info = self._info(path, member.type)
        info.mode = 0o755 if member.is_executable else 0o644
        if member.type == tarfile.SYMTYPE:
            self._links[path] = self._link(member)
            info.linkname, info.mode = member.link, 0o777
        elif member.type == tarfile.LNKTYPE:
            info.linkname = "/".join(hard_link)
        else:
            info.size = member.size
        self._output.addfile(info, content)

    def _path(self, name: str) -> tuple[str, ...]:
        """Return the parts of a path in the copy; empty if it is left out."""
        parts = tuple(part for part in name.split("/") if part not in {"", "."})
        if ".." in parts or "\0" in name:
            raise _HostileError(f"'{_shown(name)}' is outside of the archive's folder")
        if CONTROL.search(name):
            raise _HostileError(f"'{_shown(name)}' has a control character in its name")
        return parts[self._layout.strip :]

    def _register(self, path: tuple[str, ...], member: _Member) -> None:
        """Record the type of a path, which must be new; everything above it must be a folder."""
        for length in range(1, len(path)):
            if self._kinds.setdefault(path[:length], tarfile.DIRTYPE) != tarfile.DIRTYPE:
                above = _shown("/".join(path[:length]))
                raise _HostileError(f"'{_shown(member.name)}' is below '{above}', not a folder")
        self._with_content.add(path[:-1])
        earlier = self._kinds.get(path)
        # Programs differ in what they do with an earlier file or link.
        if earlier and (earlier, member.type) != (tarfile.DIRTYPE, tarfile.DIRTYPE):
            raise _HostileError(f"'{_shown(member.name)}' is listed twice")
        self._kinds[path] = member.type

    def _link(self, member: _Member) -> tuple[str, ...]:
        """Return the parts of the target of a symbolic link."""
        if member.link.startswith("/") or not member.link or "\0" in member.link:
            raise _outside(member)
        return tuple(part for part in member.link.split("/") if part not in {"", "."})

    def _hard_link(self, member: _Member) -> tuple[str, ...]:
        """Return the path of the earlier file that a hard link names."""
        target = self._path(member.link)
        if self._kinds.get(target) not in {tarfile.REGTYPE, tarfile.LNKTYPE}:
            raise _outside(member)
        return target

    def _check_links(self) -> None:
        for path, parts in self._links.items():
            self._resolve(path, parts)

    def _resolve(self, path: tuple[str, ...], parts: tuple[str, ...]) -> None:
        """Follow a symbolic link through all others; raise if it leaves the folder."""
        place, remaining, count = list(path[:-1]), list(reversed(parts)), 0
        while remaining:
            part = remaining.pop()
            if part == ".." and not place:
                raise _outside(_Member("/".join(path), tarfile.SYMTYPE, link="/".join(parts)))
            if part == "..":
                place.pop()
                continue
            place.append(part)
            if (next_parts := self._links.get(tuple(place))) is None:
                continue
            count += 1
            if count > MAX_LINKS:
                return  # nothing can be opened through this link
            place.pop()
            remaining.extend(reversed(next_parts))

    def _add_empty_folders(self) -> None:
        for path, kind in sorted(self._kinds.items()):
            if kind == tarfile.DIRTYPE and path not in self._with_content:
                info = self._info(path, tarfile.DIRTYPE)
                info.mode = 0o755
                self._output.addfile(info)

    def _info(self, path: tuple[str, ...], kind: bytes) -> tarfile.TarInfo:
        info = tarfile.TarInfo("/".join(path))
        info.type, info.mtime = kind, self._layout.time
        info.uid, info.gid = self._layout.owner
        return info


def _tar_members(file: IO[bytes], magic: bytes) -> Iterator[tuple[_Member, IO[bytes] | None]]:
    source = zstd.ZstdFile(file) if magic == ZSTD_MAGIC else file
    with tarfile.open(
        fileobj=source,
        mode="r:*",
        tarinfo=CheckedTarInfo,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        for info in archive:
            # For a link, extractfile would return the file that it leads to.
            content = archive.extractfile(info) if info.isreg() else None
            yield _tar_member(info), content


def _tar_member(info: tarfile.TarInfo) -> _Member:
    kind = tarfile.REGTYPE if info.isreg() else info.type
    if kind not in {tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE}:
        raise _HostileError(f"'{_shown(info.name)}' is neither a file, a folder nor a link")
    return _Member(
        name=info.name,
        type=kind,
        is_executable=bool(info.mode & stat.S_IXUSR),
        link=info.linkname,
        size=info.size,
    )


def _zip_members(file: IO[bytes]) -> Iterator[tuple[_Member, IO[bytes] | None]]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if info.is_dir():
                yield _Member(info.filename, tarfile.DIRTYPE), None
            elif stat.S_ISLNK(mode):
                link = archive.read(info).decode(errors="surrogateescape")
                yield _Member(info.filename, tarfile.SYMTYPE, link=link), None
            elif stat.S_IFMT(mode) in {0, stat.S_IFREG}:
                is_executable = bool(mode & stat.S_IXUSR)
                member = _Member(info.filename, tarfile.REGTYPE, is_executable, size=info.file_size)
                with archive.open(info) as content:
                    yield member, content
            else:
                name = _shown(info.filename)
                raise _HostileError(f"'{name}' is neither a file, a folder nor a link")


def _outside(member: _Member) -> _HostileError:
    shown = f"'{_shown(member.name)}' links to '{_shown(member.link)}'"
    return _HostileError(f"{shown}, which is not in the unpacked part of the archive")


def _shown(name: str) -> str:
    """Return a name for a message, without control characters and not too long."""
    text = ascii(name)[1:-1]
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
