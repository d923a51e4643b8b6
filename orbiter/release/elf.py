"""ELF files of 64 bits: the shared libraries that they need. Pure. Format: elf(5)."""

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

MACHINES: Mapping[str, int] = {"linux/amd64": 62, "linux/arm64": 183}
"""The machine in the header of ELF files, by platform."""
LITTLE_ENDIAN_64 = b"\x7fELF\x02\x01"
"""The first bytes of the ELF files of these machines."""
HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
TAG = struct.Struct("<qQ")
LOADED, DYNAMIC = 1, 2
"""Types of segments: PT_LOAD and PT_DYNAMIC."""
END, NEEDED, STRINGS = 0, 1, 5
"""Tags of a dynamic segment: DT_NULL, DT_NEEDED and DT_STRTAB."""


class _Segment(NamedTuple):
    """A part of the file; ``address`` is where it is loaded."""

    kind: int
    offset: int
    address: int
    size: int


def is_for(header: bytes, platform: str) -> bool:
    """Return whether a file with these first bytes is an ELF file of a platform."""
    if not header.startswith(LITTLE_ENDIAN_64) or len(header) < HEADER.size:
        return False
    machine: int = HEADER.unpack_from(header)[1]
    return machine == MACHINES.get(platform)


def needed_libraries(content: bytes, platform: str) -> tuple[str, ...]:
    """Return the names of the libraries that an ELF file needs on a platform.

    Nothing is returned for other kinds of files, for files of other machines, and for files that
    no loader could read.
    """
    if not is_for(content, platform):
        return ()
    try:
        return tuple(_needed(content))
    except (struct.error, OverflowError, ValueError):
        return ()  # test data of packages has broken files


def _needed(content: bytes) -> Iterator[str]:
    """Yield the needed libraries; the file may be broken."""
    segments = tuple(_segments(content))
    tags = [
        tag for segment in segments if segment.kind == DYNAMIC for tag in _tags(content, segment)
    ]
    names = [value for tag, value in tags if tag == NEEDED]
    if not names:
        return
    strings = _offset(segments, next((value for tag, value in tags if tag == STRINGS), 0))
    for name in names:
        start = strings + name
        yield content[start : content.index(b"\0", start)].decode()


def _segments(content: bytes) -> Iterator[_Segment]:
    _, _, _, _, table, _, _, _, size, count, *_ = HEADER.unpack_from(content)
    for index in range(count):
        kind, _, offset, address, _, length, _, _ = SEGMENT.unpack_from(
            content, table + index * size
        )
        yield _Segment(kind, offset, address, length)


def _tags(content: bytes, segment: _Segment) -> Iterator[tuple[int, int]]:
    """Yield the tags of a dynamic segment and their values."""
    for start in range(segment.offset, segment.offset + segment.size, TAG.size):
        tag, value = TAG.unpack_from(content, start)
        if tag == END:
            return
        yield tag, value


def _offset(segments: tuple[_Segment, ...], address: int) -> int:
    """Return where in the file an address is loaded from."""
    for segment in segments:
        if segment.kind == LOADED and 0 <= address - segment.address < segment.size:
            return segment.offset + address - segment.address
    raise ValueError(f"the address {address} is not in the file")
