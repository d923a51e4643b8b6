"""ELF files: the shared libraries that they need. Format: elf(5)."""

import io
from collections.abc import Mapping
from typing import Any

MAGIC = b"\x7fELF"
MACHINES: Mapping[str, str] = {"linux/amd64": "EM_X86_64", "linux/arm64": "EM_AARCH64"}
"""The machine in the header of ELF files, by platform."""


def needed_libraries(content: bytes, platform: str) -> tuple[str, ...]:
    """Return the names of the libraries that an ELF file needs on a platform.

    Nothing is returned for other kinds of files, for files of other machines, and for files that
    no loader could read.
    """
    # The import takes a tenth of a second.
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile

    if not content.startswith(MAGIC):
        return ()
    try:
        file = ELFFile(io.BytesIO(content))
        if file.header["e_machine"] != MACHINES.get(platform):
            return ()
        segments = file.iter_segments("PT_DYNAMIC")
        # The class of a tag has no declared attributes.
        tags: list[Any] = [
            tag
            for segment in segments
            if isinstance(segment, DynamicSegment)
            for tag in segment.iter_tags("DT_NEEDED")
        ]
        return tuple(tag.needed for tag in tags)
    # Packages have broken files as test data, and pyelftools asserts some properties.
    except (ELFError, AssertionError, OverflowError, ValueError):
        return ()
