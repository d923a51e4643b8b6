"""The operating system and processor of a program or library, by its content. Pure."""

import struct
from collections.abc import Mapping
from typing import Literal

_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_FAT_MACH_O = b"\xca\xfe\xba\xbe"
_FIRST_JAVA = 45
"""The lowest version in a Java class, whose magic number is that of a fat Mach-O file too."""
_PDB = b"Microsoft C/C++ "
_PE = b"PE\0\0"
_PE_64 = 0x20B
_EFI = range(10, 14)
_CLI_HEADER = 14
_ELF = b"\x7fELF"
_MACHINES: Mapping[str, int] = {"linux/amd64": 62, "linux/arm64": 183}
_PROCESSORS = frozenset({3, 20, 21, 22, 40, 62, 183, 243, 258})
"""The machines that run Linux. Others are graphics processors, for example."""


def is_for_another_platform(content: bytes, platform: str) -> bool:
    """Return whether a file is a program, library or debug file of another platform.

    .NET assemblies and EFI programs have the format of Windows, but also run elsewhere. ELF files
    only count if ``platform`` is known.
    """
    if content.startswith(_ELF):
        return _is_for_another_processor(content, platform)
    return _is_mach_o(content) or content.startswith(_PDB) or _is_windows_program(content)


def _is_for_another_processor(content: bytes, platform: str) -> bool:
    byte_orders: Mapping[bytes, Literal["little", "big"]] = {b"\1": "little", b"\2": "big"}
    machine = int.from_bytes(content[18:20], byte_orders.get(content[5:6], "little"))
    return platform in _MACHINES and machine in _PROCESSORS - {_MACHINES[platform]}


def _is_mach_o(content: bytes) -> bool:
    if content.startswith(_FAT_MACH_O):
        return int.from_bytes(content[4:8], "big") < _FIRST_JAVA
    return content.startswith(_MACH_O)


def _is_windows_program(content: bytes) -> bool:
    """Return whether a file is a portable executable that only Windows runs.

    The format is https://learn.microsoft.com/windows/win32/debug/pe-format.
    """
    if not content.startswith(b"MZ"):
        return False
    try:
        start: int = struct.unpack_from("<I", content, 60)[0]
        if content[start : start + 4] != _PE:
            return False
        return not _is_portable(content, start + 24)
    except struct.error:
        return False


def _is_portable(content: bytes, optional: int) -> bool:
    """Return whether the optional header is that of a .NET assembly or an EFI program."""
    magic, subsystem = (
        struct.unpack_from("<H", content, optional + offset)[0] for offset in (0, 68)
    )
    tables = optional + 96
    if magic == _PE_64:
        tables = optional + 112
    count: int = struct.unpack_from("<I", content, tables - 4)[0]
    if subsystem in _EFI:
        return True
    if count <= _CLI_HEADER:
        return False
    cli_header: int = struct.unpack_from("<I", content, tables + 8 * _CLI_HEADER)[0]
    return cli_header != 0
