"""Wheels with the same bytes for the same files. Pure."""

import io
import zipfile

TIME = (2000, 1, 1, 0, 0, 0)
UNIX = 3
"""The system whose modes the entries of a zip file have."""
RECORD = ".dist-info/RECORD"


def normal_wheel(content: bytes) -> bytes:
    """Return a wheel with its files sorted and stored, with fixed times and modes.

    The files are not compressed, because compressed bytes depend on the version of zlib.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as wheel, zipfile.ZipFile(packed, "w") as normal:
        for entry in sorted(wheel.infolist(), key=_last_is_record):
            if not entry.is_dir():
                normal.writestr(_normal(entry), _content(wheel, entry))
    return packed.getvalue()


def _last_is_record(entry: zipfile.ZipInfo) -> tuple[bool, str]:
    """Order the files: those of ``.dist-info`` come last, as PEP 427 recommends."""
    return ".dist-info/" in entry.filename, entry.filename


def _normal(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    is_executable = bool(entry.external_attr >> 16 & 0o100)
    normal = zipfile.ZipInfo(entry.filename, TIME)
    normal.create_system = UNIX
    normal.external_attr = (0o100755 if is_executable else 0o100644) << 16
    return normal


def _content(wheel: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a file, and those of RECORD with sorted lines."""
    content = wheel.read(entry)
    if not entry.filename.endswith(RECORD):
        return content
    return b"".join(sorted(content.splitlines(keepends=True)))
