"""Files of conda packages, as an installer places them into /opt/env.

Format: https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html
"""

import bz2
import hashlib
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

from orbiter.assembly.decompression import Readable
from orbiter.audit.packages.files import (
    CHUNK,
    LARGEST_TEXT,
    PackageContents,
    PackageFile,
    plain_path,
    tar_files,
)
from orbiter.threads import raise_if_stopped
from resolvers import cache
from resolvers.scratch import writing_to
from resolvers.types.tar_entry import CheckedTarInfo

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PREFIX = b"/opt/env"
INFO = "info/"
HEADER = 16
"""Bytes of byte-code before its code: see PEP 552."""


class _PathEntry(msgspec.Struct, frozen=True):
    path: str = msgspec.field(name="_path")
    prefix_placeholder: str | None = None
    file_mode: str | None = None


class _Paths(msgspec.Struct, frozen=True):
    """The file info/paths.json."""

    paths: tuple[_PathEntry, ...]


def read_conda(path: Path) -> PackageContents:
    """Return the files of a .conda or .tar.bz2 package.

    Files with the folder of the package's build in them have the digest that they have in
    /opt/env. ``texts`` has the files of ``info/``, and for each file of byte-code its header with
    the sha256 of its code.
    """
    with _tar_files_of(path) as tars:
        texts = _info(tars)
        placeholders = _placeholders(texts)
        files: dict[str, PackageFile] = {}
        for tar in tars:
            files |= {name: file for name, file in tar_files(tar) if not name.startswith(INFO)}
            for member in tar.getmembers():
                _add_changed(tar, member, placeholders, files, texts)
    return PackageContents(files, texts)


def read_conda_files(path: Path, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the names of some files of a package, and their contents as they are in /opt/env."""
    with _tar_files_of(path) as tars:
        placeholders = _placeholders(_info(tars))
        for tar in tars:
            for member in tar:
                name = plain_path(member.name)
                if name in names and (file := tar.extractfile(member)):
                    content = file.read()
                    is_changed = name in placeholders
                    yield name, with_prefix(content, *placeholders[name]) if is_changed else content


@contextmanager
def _tar_files_of(path: Path) -> Iterator[tuple[tarfile.TarFile, ...]]:
    """Yield the tar files of a .conda or .tar.bz2 package.

    They are decompressed into the cache, because large ones do not fit into memory.
    """
    folder = cache.folder("new")
    with ExitStack() as stack:

        def unpacked(content: Readable) -> tarfile.TarFile:
            file = stack.enter_context(TemporaryFile(dir=folder))
            while chunk := content.read(CHUNK):
                raise_if_stopped()
                file.write(chunk)
            file.seek(0)
            return stack.enter_context(tarfile.open(fileobj=file, tarinfo=CheckedTarInfo))

        with writing_to(folder, cache.CACHE_HINT):
            tars = tuple(_unpacked_parts(path, unpacked))
        yield tars


def _unpacked_parts(
    path: Path, unpacked: Callable[[Readable], tarfile.TarFile]
) -> Iterator[tarfile.TarFile]:
    if not zipfile.is_zipfile(path):
        with bz2.open(path) as content:
            yield unpacked(content)
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".tar.zst"):
                with archive.open(name) as compressed, zstd.ZstdFile(compressed) as content:
                    yield unpacked(content)


def _info(tars: Iterable[tarfile.TarFile]) -> dict[str, bytes]:
    """Return the files in ``info/``."""
    found = {}
    for tar in tars:
        for member in tar:
            name = plain_path(member.name)
            if name.startswith(INFO) and name.count("/") == 1 and member.size <= LARGEST_TEXT:
                file = tar.extractfile(member) if member.isreg() else None
                found[name] = file.read() if file else b""
    return found


def _placeholders(texts: Mapping[str, bytes]) -> dict[str, tuple[bytes, bool]]:
    """Return the folder of the build in each file that has it, and whether the file is text."""
    content = texts.get("info/paths.json", b'{"paths": []}')
    return {
        each.path: (each.prefix_placeholder.encode(), each.file_mode == "text")
        for each in msgspec.json.decode(content, type=_Paths).paths
        if each.prefix_placeholder
    }


def _add_changed(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    placeholders: Mapping[str, tuple[bytes, bool]],
    files: dict[str, PackageFile],
    texts: dict[str, bytes],
) -> None:
    """Set the digest of a file that an installer changes; add the parts of byte-code."""
    name = plain_path(member.name)
    is_code = name.endswith(".pyc") and "__pycache__/" in name
    if not (is_code or name in placeholders) or name not in files or not member.isreg():
        return
    file = tar.extractfile(member)
    content = file.read() if file else b""
    if is_code:
        texts[name] = content[:HEADER] + hashlib.sha256(content[HEADER:]).digest()
    if name in placeholders:
        changed = with_prefix(content, *placeholders[name])
        digest = hashlib.sha256(changed).hexdigest()
        files[name] = msgspec.structs.replace(files[name], digest=digest, size=len(changed))


def with_prefix(content: bytes, placeholder: bytes, is_text: bool) -> bytes:
    """Return a file with /opt/env instead of the folder of its build.

    Texts in programs keep their length, because they get zeros at their end.
    """
    if is_text:
        return content.replace(placeholder, PREFIX)

    def padded(match: re.Match[bytes]) -> bytes:
        changed = match[0].replace(placeholder, PREFIX)
        return changed + bytes(len(match[0]) - len(changed))

    return re.sub(re.escape(placeholder) + rb"[^\0]*", padded, content)
