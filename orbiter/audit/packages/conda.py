"""Files of conda packages, as an installer places them into /opt/env.

Format: https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html
"""

import bz2
import hashlib
import io
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orbiter.audit.packages.files import (
    LARGEST_TEXT,
    PackageContents,
    PackageFile,
    plain_path,
    tar_files,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PREFIX = b"/opt/env"
INFO = "info/"
HEADER = 16
"""Bytes of byte-code before its code: see PEP 552."""


def read_conda(path: Path) -> PackageContents:
    """Return the files of a .conda or .tar.bz2 package.

    Files with the folder of the package's build in them have the digest that they have in
    /opt/env. ``texts`` has the files of ``info/``, and for each file of byte-code its header with
    the sha256 of its code.
    """
    found = list(_parts(path))
    texts = {name: text for each in found for name, text in each[0].items()}
    placeholders = _placeholders(texts)
    files: dict[str, PackageFile] = {}
    for _, archive in found:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            files |= {name: file for name, file in tar_files(tar) if not name.startswith(INFO)}
            for member in tar.getmembers():
                _add_changed(tar, member, placeholders, files, texts)
    return PackageContents(files, texts)


def read_conda_file(path: Path, name: str) -> bytes | None:
    """Return the content of a file of a .conda or .tar.bz2 package, as it is in /opt/env."""
    found = list(_parts(path))
    placeholders = _placeholders({key: text for each in found for key, text in each[0].items()})
    for _, archive in found:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                if plain_path(member.name) == name and (file := tar.extractfile(member)):
                    content = file.read()
                    is_changed = name in placeholders
                    return with_prefix(content, *placeholders[name]) if is_changed else content
    return None


def _parts(path: Path) -> Iterator[tuple[dict[str, bytes], bytes]]:
    """Yield the tar files of a package, with the content of their files in ``info/``."""
    if not zipfile.is_zipfile(path):
        content = bz2.decompress(path.read_bytes())
        yield _info(content), content
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".tar.zst"):
                with archive.open(name) as compressed, zstd.ZstdFile(compressed) as inner:
                    content = inner.read()
                yield _info(content), content


def _info(content: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            name = plain_path(member.name)
            if name.startswith(INFO) and name.count("/") == 1 and member.size <= LARGEST_TEXT:
                file = tar.extractfile(member) if member.isreg() else None
                found[name] = file.read() if file else b""
    return found


def _placeholders(texts: Mapping[str, bytes]) -> dict[str, tuple[bytes, bool]]:
    """Return the folder of the build in each file that has it, and whether the file is text."""
    document: Any = msgspec.json.decode(texts.get("info/paths.json", b'{"paths": []}'))
    return {
        each["_path"]: (each["prefix_placeholder"].encode(), each.get("file_mode") == "text")
        for each in document["paths"]
        if each.get("prefix_placeholder")
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
