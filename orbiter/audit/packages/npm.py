"""Files of npm tarballs."""

import tarfile
from pathlib import Path

from orbiter.audit.packages.files import LARGEST_TEXT, PackageContents, plain_path, tar_files


def read_npm(path: Path) -> PackageContents:
    """Return the files of a tarball without its top folder; ``texts`` has its package.json."""
    with tarfile.open(path, "r:*") as tar:
        files = {
            name.partition("/")[2]: file
            for name, file in tar_files(tar)
            if file.kind == "file" and "/" in name
        }
    texts: dict[str, bytes] = {}
    with tarfile.open(path, "r:*") as tar:
        for member in tar:
            inner = plain_path(member.name).partition("/")[2]
            content = tar.extractfile(member) if member.size <= LARGEST_TEXT else None
            if inner == "package.json" and content:
                texts[inner] = content.read()
    return PackageContents(files, texts)


def read_npm_file(path: Path, name: str) -> bytes | None:
    """Return the content of a file of a tarball."""
    with tarfile.open(path, "r:*") as tar:
        for member in tar:
            is_named = plain_path(member.name).partition("/")[2] == name
            if is_named and (content := tar.extractfile(member)):
                return content.read()
    return None
