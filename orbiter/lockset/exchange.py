"""Replaces the folder of a lock set as a whole, and repairs what a killed run left behind.

Linux exchanges two folders in one step. Some file systems cannot do that: there the old folder is
renamed first, and the next run finds it under its other name.
"""

import ctypes
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from orbiter.lockset.versions import SEMVER
from resolvers.scratch import locked, remove_if_free

SCRATCH = ".new-"
"""Part of the names of the folders in which new lock sets are written: ``.0.1.0.new-…``."""
BACKUP = ".old"
"""End of the name of an old folder while it is replaced: ``.0.1.0.old``."""
EXCHANGE_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


def replace_folder(folder: Path, new: Path, check: Callable[[Path], None]) -> None:
    """Give the folder ``new`` the name of ``folder``; the old one may take the name of ``new``.

    ``check`` raises an error if ``folder`` must stay as it is.
    """
    # Another run could otherwise replace the same folder at the same time.
    with locked(folder.parent):
        check(folder)
        if not folder.exists():
            new.rename(folder)
            return
        try:
            _exchange(folder, new)
        except OSError as error:
            if error.errno not in EXCHANGE_UNSUPPORTED:
                raise
            _replace_in_two_steps(folder, new)


def backup_folder(folder: Path) -> Path:
    """Return the path of the old folder while it is replaced in two steps."""
    return folder.with_name(f".{folder.name}{BACKUP}")


def unfinished(locks: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each release folder that a killed run left under another name, with that name."""
    for backup, folder in _backups(locks):
        if not folder.exists():
            yield folder, backup


def recover(locks: Path) -> None:
    """Undo or finish the replacements of killed runs, and remove their temporary folders."""
    if not locks.is_dir():
        return
    if any(_backups(locks)):
        with locked(locks):  # a running replacement may need the folder
            for backup, folder in tuple(_backups(locks)):
                if folder.exists():
                    shutil.rmtree(backup)
                else:
                    backup.rename(folder)
    for leftover in locks.glob(f".*{SCRATCH}*"):
        remove_if_free(leftover)


def _backups(locks: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the old folders of replacements, with the name that each had."""
    for backup in sorted(locks.glob(f".*{BACKUP}")):
        name = backup.name.removeprefix(".").removesuffix(BACKUP)
        if SEMVER.fullmatch(name) and backup.is_dir():
            yield backup, locks / name


def _exchange(first: Path, second: Path) -> None:
    """Exchange the names of two folders in one step; raise OSError if that is not possible."""
    # Python has no function for this, and not every C library has one.
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = (os.fsencode(first.absolute()), os.fsencode(second.absolute()))
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(first), None, str(second))


def _replace_in_two_steps(folder: Path, new: Path) -> None:
    backup = backup_folder(folder)
    shutil.rmtree(backup, ignore_errors=True)
    folder.rename(backup)
    new.rename(folder)
    shutil.rmtree(backup, ignore_errors=True)
