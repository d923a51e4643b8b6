"""Files of npm tarballs."""

import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path

from orbiter.audit.packages.files import LARGEST_TEXT, PackageContents, plain_path, tar_files
from resolvers.types.tar_entry import CheckedTarInfo


def read_npm(path: Path) -> PackageContents:
    """Return the files of a tarball without its top folder; ``texts`` has its package.json."""
    with tarfile.open(path, "r:*", tarinfo=CheckedTarInfo) as tar:
        files = {
            name.partition("/")[2]: file
            for name, file in tar_files(tar)
            if file.kind == "file" and "/" in name
        }
    texts: dict[str, bytes] = {}
    with tarfile.open(path, "r:*", tarinfo=CheckedTarInfo) as tar:
        for member in tar:
            inner = plain_path(member.name).partition("/")[2]
            content = tar.extractfile(member) if member.size <= LARGEST_TEXT else None
            if inner == "package.json" and content:
                texts[inner] = content.read()
    return PackageContents(files, texts)


def read_npm_files(path: Path, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the names and the contents of some files of a tarball."""
    with tarfile.open(path, "r:*", tarinfo=CheckedTarInfo) as tar:
        for member in tar:
            name = plain_path(member.name).partition("/")[2]
            if name in names and (content := tar.extractfile(member)):
                yield name, content.read()
