"""The initial root file system ("seed") of a base built from Debian packages.

The seed holds the files of all packages, so that dpkg can run. dpkg then unpacks every package
again over them and sets new times. Only the folders that are mounted during this step (``/dev``,
``/proc``, ``/sys``, ``/tmp``) keep the state of the seed. Format of a package: deb(5).
"""

import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from orbiter.render.model import LAYER_TIME
from orbiter.store.unpack import UNREADABLE
from resolvers.errors import ExpectedError
from resolvers.types.tar_entry import checked

SEED_FORMAT = 1
"""The version of the rules that make seeds: other bytes for the same packages need another one."""
MERGED = frozenset({"bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"})
"""Top-level folders that are links into /usr; some packages still have files in them."""
SHARED = frozenset({"debconf", "dpkg", "perl5"})
"""Folders of /usr/share that maintainer scripts need. dpkg would not remove the other ones if its
configuration excludes them."""


def write_seed(packages: Iterable[Path], target: Path) -> None:
    """Write the seed of .deb files as a tar file; the same packages give the same bytes.

    Raises ExpectedError for a file that is not a Debian package.
    """
    written: set[str] = set()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as seed:
        for package in packages:
            _add_package(package, seed, written)


def _add_package(package: Path, seed: tarfile.TarFile, written: set[str]) -> None:
    from debian.arfile import ArError
    from debian.debfile import DebFile

    try:
        with DebFile(package) as deb, checked(deb.data.tgz()) as data:
            for member in data:
                _add_member(seed, member, data, written)
    except (ArError, LookupError, OSError, *UNREADABLE) as error:
        # gzip has no errors of its own; those of the system have a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ExpectedError(
            f"{package.name} is not a Debian package: {error}", "restore the lock set from git"
        ) from error


def _add_member(
    seed: tarfile.TarFile, member: tarfile.TarInfo, content: tarfile.TarFile, written: set[str]
) -> None:
    """Add a file, folder or link to the seed, unless it is excluded or already written."""
    parts = PurePosixPath(member.name).parts
    if not parts or _is_excluded(parts):
        return
    if parts[0] in MERGED:
        _add_usr_link(seed, parts[0], written)
        if len(parts) == 1:
            return
    name = _merged(parts)
    if name in written:
        return
    written.add(name)
    copy = member.replace(name=name, mtime=LAYER_TIME, deep=False)
    # The target of a hard link may have moved to /usr; that of a symbolic link is kept.
    if member.islnk():
        copy.linkname = _merged(PurePosixPath(member.linkname).parts)
    seed.addfile(copy, content.extractfile(member) if member.isreg() else None)


def _is_excluded(parts: tuple[str, ...]) -> bool:
    return parts[:2] == ("usr", "share") and not SHARED.intersection(parts[2:3])


def _merged(parts: tuple[str, ...]) -> str:
    """Return the path of a file in a system whose ``/bin``, ``/lib``, ... are links into /usr."""
    return "/".join(("usr", *parts) if parts[0] in MERGED else parts)


def _add_usr_link(seed: tarfile.TarFile, folder: str, written: set[str]) -> None:
    if folder in written:
        return
    written.add(folder)
    link = tarfile.TarInfo(folder)
    link.type = tarfile.SYMTYPE
    link.linkname = f"usr/{folder}"
    link.mode = 0o777
    link.mtime = LAYER_TIME
    seed.addfile(link)
