"""Files and control data of Debian packages: deb(5)."""

import tarfile
from collections.abc import Collection
from pathlib import Path

from orbiter.audit.packages.files import LARGEST_TEXT, PackageContents, plain_path, tar_files
from resolvers.types.tar_entry import checked

SOURCES = {
    "usr/share/doc/apt/examples/debian.sources",
    "usr/share/doc/apt/examples/sources.list",
}
"""The examples that a base gets its list of mirrors from. dpkg leaves them out of an image."""


def read_deb(path: Path) -> PackageContents:
    """Return the files of a .deb; ``texts`` has its control files by name."""
    from debian.arfile import ArError
    from debian.debfile import DebFile

    try:
        with DebFile(path) as deb:
            texts = _texts(checked(deb.control.tgz()), None)
            files = dict(tar_files(checked(deb.data.tgz())))
        if wanted := SOURCES & files.keys():
            with DebFile(path) as deb:
                texts |= _texts(checked(deb.data.tgz()), wanted)
    except ArError as error:
        raise ValueError(str(error)) from None
    return PackageContents(files, texts)


def _texts(tar: tarfile.TarFile, wanted: Collection[str] | None) -> dict[str, bytes]:
    """Return the content of the wanted files of a tar file; None for all of them."""
    found = {}
    for member in tar:
        name = plain_path(member.name)
        is_wanted = member.isreg() and member.size <= LARGEST_TEXT
        if is_wanted and (wanted is None or name in wanted):
            content = tar.extractfile(member)
            found[name] = content.read() if content else b""
    return found
