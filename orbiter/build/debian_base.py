"""What a base begins as: the files of its packages, unpacked side by side, so that dpkg runs and can install them.

In the image dpkg unpacks every package again over it, and times are set anew. Only the folders that something is
mounted on while that happens (``/dev``, ``/proc``, ``/sys``, ``/tmp``) stay as the seed has them.
Format of a package: deb(5).
"""

import tarfile
from collections.abc import Iterable
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from orbiter.render.model import LAYER_TIME
from resolvers.errors import ExpectedError

MERGED = frozenset({"bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"})
"""Top folders that are links into /usr, also where a package still has its files below them."""
SHARED = frozenset({"debconf", "dpkg", "perl5"})
"""Of /usr/share only what maintainer scripts run: the rest would stay where dpkg leaves files out."""


def write_seed(packages: Iterable[Path], target: Path) -> None:
    """Write the seed of these .deb files as a tar file: the same bytes for the same packages in the same order.

    Raises ExpectedError for a file that is no package.
    """
    seen: set[str] = set()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as seed:
        for package in packages:
            _unpack(package, seed, seen)


def _unpack(package: Path, seed: tarfile.TarFile, seen: set[str]) -> None:
    from debian.arfile import ArError
    from debian.debfile import DebFile

    try:
        with DebFile(package) as deb, deb.data.tgz() as data:
            for member in data:
                _add(seed, member, data, seen)
    except (ArError, tarfile.TarError, LZMAError, EOFError) as error:
        raise ExpectedError(
            f"{package.name} is no Debian package: {error}", "restore the lock set from git"
        ) from error


def _add(
    seed: tarfile.TarFile, member: tarfile.TarInfo, content: tarfile.TarFile, seen: set[str]
) -> None:
    parts = PurePosixPath(member.name).parts
    if not parts or (parts[:2] == ("usr", "share") and not SHARED.intersection(parts[2:3])):
        return
    if parts[0] in MERGED:
        _link(seed, parts[0], seen)
    name = _merged(parts)
    if name in seen or (parts[0] in MERGED and len(parts) == 1):
        return
    seen.add(name)
    found = member.replace(name=name, mtime=LAYER_TIME, deep=False)
    if member.islnk():
        found.linkname = _merged(PurePosixPath(member.linkname).parts)
    seed.addfile(found, content.extractfile(member) if member.isreg() else None)


def _merged(parts: tuple[str, ...]) -> str:
    return "/".join(("usr", *parts) if parts[0] in MERGED else parts)


def _link(seed: tarfile.TarFile, folder: str, seen: set[str]) -> None:
    if folder in seen:
        return
    seen.add(folder)
    link = tarfile.TarInfo(folder)
    link.type, link.linkname, link.mode, link.mtime = (
        tarfile.SYMTYPE,
        f"usr/{folder}",
        0o777,
        LAYER_TIME,
    )
    seed.addfile(link)
