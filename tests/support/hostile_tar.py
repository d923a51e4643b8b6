"""Tar files with headers that lead Python's module tarfile astray."""

import tarfile


def tar_of_negative_size() -> bytes:
    """Return a tar file whose second entry would lead older versions of Python back to itself."""
    header = bytearray(tarfile.TarInfo("second").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" + (256**11 - 512).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return tarfile.TarInfo("first").tobuf(tarfile.GNU_FORMAT) + bytes(header) + bytes(1024)


def tar_with_a_wrong_sparse_map() -> bytes:
    """Return a tar file with a header that tarfile rejects by a ValueError."""
    info = tarfile.TarInfo("file")
    info.pax_headers = {"GNU.sparse.map": "x,y"}
    return info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)
