"""Files of conda packages, with what an installer needs to place them.

Format: https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html
"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

from orbiter.audit.packages.files import LARGEST_TEXT, PackageContents, PackageFile, tar_files

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXTS = frozenset(
    {
        "info/index.json",
        "info/link.json",
        "info/paths.json",
        "info/files",
        "info/has_prefix",
        "info/no_link",
        "info/about.json",
    }
)


def read_conda(path: Path) -> PackageContents:
    """Return the files of a .conda or .tar.bz2 package; ``texts`` has its records."""
    if path.open("rb").read(2) != b"PK":
        with tarfile.open(path, "r:bz2") as tar:
            return _contents([tar])
    with zipfile.ZipFile(path) as archive:
        inner = [name for name in archive.namelist() if name.endswith(".tar.zst")]
        found = [_read_inner(archive, name) for name in inner]
    files = {name: file for each in found for name, file in each.files.items()}
    texts = {name: text for each in found for name, text in each.texts.items()}
    return PackageContents(files, texts)


def _read_inner(archive: zipfile.ZipFile, name: str) -> PackageContents:
    with (
        archive.open(name) as compressed,
        zstd.ZstdFile(compressed) as content,
        tarfile.open(fileobj=io.BytesIO(content.read()), mode="r:") as tar,
    ):
        return _contents([tar])


def _contents(tars: list[tarfile.TarFile]) -> PackageContents:
    files: dict[str, PackageFile] = {}
    texts: dict[str, bytes] = {}
    for tar in tars:
        files |= dict(tar_files(tar))
        for name in TEXTS & set(tar.getnames()):
            member = tar.getmember(name)
            content = tar.extractfile(member) if member.size <= LARGEST_TEXT else None
            texts[name] = content.read() if content else b""
    return PackageContents(
        {name: file for name, file in files.items() if not name.startswith("info/")}, texts
    )
