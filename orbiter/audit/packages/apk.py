"""Files of Alpine packages: several gzip streams, which together are one tar file.

Format: https://wiki.alpinelinux.org/wiki/Apk_spec
"""

import tarfile
from pathlib import Path

from orbiter.audit.packages.files import (
    LARGEST_TEXT,
    PackageContents,
    PackageFile,
    plain_path,
    tar_files,
)


def read_apk(path: Path) -> PackageContents:
    """Return the files of an .apk; ``texts`` has ``.PKGINFO`` and the scripts."""
    files: dict[str, PackageFile] = {}
    texts: dict[str, bytes] = {}
    with tarfile.open(path, "r:gz", ignore_zeros=True) as tar:
        for member in tar:
            if _is_control(member.name) and member.size <= LARGEST_TEXT:
                content = tar.extractfile(member)
                texts[plain_path(member.name)] = content.read() if content else b""
    with tarfile.open(path, "r:gz", ignore_zeros=True) as tar:
        files = {name: file for name, file in tar_files(tar) if not _is_control(name)}
    return PackageContents(files, texts)


def _is_control(name: str) -> bool:
    return name.startswith(".") and "/" not in name
