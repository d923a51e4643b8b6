"""Entries of tar files that anybody may have made."""

import tarfile


class CheckedTarInfo(tarfile.TarInfo):
    """An entry whose size was checked.

    Older versions of Python read entries of negative size forever (CVE-2025-8194).
    """

    def _block(self, count: int) -> int:
        if count < 0:
            raise tarfile.ReadError(f"an entry of {count} bytes")
        block: int = super()._block(count)  # type: ignore[misc] # private, as in Python's own fix
        return block


def checked(tar: tarfile.TarFile) -> tarfile.TarFile:
    """Let an open tar file check its entries; the library that opened it has no option for it."""
    tar.tarinfo = CheckedTarInfo
    return tar
