"""Files of Alpine packages: several gzip streams, which together are one tar file.

Format: https://wiki.alpinelinux.org/wiki/Apk_spec
"""

import base64
import hashlib
import tarfile
import zlib
from pathlib import Path

from orbiter.audit.packages.files import (
    LARGEST_TEXT,
    PackageContents,
    plain_path,
    tar_files,
)
from resolvers.types.tar_entry import CheckedTarInfo

CHECKSUM = ".checksum"
"""The name of the text with the checksum that identifies the package."""
SHA1 = "APK-TOOLS.checksum.SHA1"
SIGNATURE = b".SIGN."
GZIP = 16 + zlib.MAX_WBITS


def read_apk(path: Path) -> PackageContents:
    """Return the files of an .apk.

    ``texts`` has ``.PKGINFO``, the scripts, the checksum of the package, and the checksums of its
    files under their path with a colon before it.
    """
    texts = {CHECKSUM: _checksum(path.read_bytes())}
    with tarfile.open(path, "r:gz", tarinfo=CheckedTarInfo, ignore_zeros=True) as tar:
        for member in tar:
            name = plain_path(member.name)
            if _is_control(name) and member.size <= LARGEST_TEXT:
                content = tar.extractfile(member)
                texts[name] = content.read() if content else b""
            elif SHA1 in member.pax_headers:
                texts[f":{name}"] = _encoded(bytes.fromhex(member.pax_headers[SHA1]))
    with tarfile.open(path, "r:gz", tarinfo=CheckedTarInfo, ignore_zeros=True) as tar:
        files = {name: file for name, file in tar_files(tar) if not _is_control(name)}
    return PackageContents(files, texts)


def _checksum(content: bytes) -> bytes:
    """Return the checksum of the stream with the control files, as apk's database has it."""
    while content:
        stream = zlib.decompressobj(GZIP)
        inner = stream.decompress(content)
        own, content = content[: len(content) - len(stream.unused_data)], stream.unused_data
        if not inner.startswith(SIGNATURE):
            return _encoded(hashlib.sha1(own, usedforsecurity=False).digest())
    return b""


def _encoded(digest: bytes) -> bytes:
    return b"Q1" + base64.b64encode(digest)


def _is_control(name: str) -> bool:
    return name.startswith(".") and "/" not in name
