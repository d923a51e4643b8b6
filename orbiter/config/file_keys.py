"""The keys of a stage in images.toml about own files and downloads, as people write them.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from typing import Annotated

from msgspec import Meta, Struct

from orbiter.config.image_set_keys import Platform

FilePath = Annotated[
    str,
    Meta(
        pattern=r"^(?=/)(/(?!\.\.?(/|$))[^/\x00-\x1f\x7f]+)*/?$",
        description="The absolute path in the image. A path that ends with / is a folder.",
        examples=["/usr/local/bin/"],
        extra={"expected": "an absolute path without . and .., which ends with / for a folder"},
    ),
]
FileMode = Annotated[
    str,
    Meta(
        pattern="^0?[0-7]{3}$",
        description="The permissions. The default is 0755 for files that are executable in git, "
        "and 0644 for others.",
        examples=["0755"],
        extra={"expected": "three octal digits"},
    ),
]


class FileTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target of own files, with their permissions."""

    to: FilePath
    mode: FileMode = ""


Files = Annotated[
    dict[str, FilePath | FileTable],
    Meta(
        description="Own files or folders, by path relative to images.toml, and their targets in "
        "the image. They are placed after the packages and before postbuild.",
        examples=[{"start.sh": "/usr/local/bin/", "config/": {"to": "/etc/x/", "mode": "0644"}}],
    ),
]
FileUrl = Annotated[
    str,
    Meta(
        description="The address of the file: https, and without credentials. http needs a sha256.",
        examples=["https://example.org/tool-1.0.tar.gz"],
        extra={"expected": "an https address without credentials"},
    ),
]
FileHash = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{64}$",
        description="The sha256 of the file, which locking then checks.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        extra={"expected": "64 hexadecimal digits in lowercase"},
    ),
]
Unpack = Annotated[
    bool,
    Meta(
        description="Whether the file is an archive (tar, tar.gz, tar.bz2, tar.xz, tar.zst or zip) "
        "whose files are placed in the folder `to`.",
        examples=[True],
    ),
]
MAX_STRIP = 99
Strip = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_STRIP,
        description="The number of folders to remove from the beginning of each path in an archive",
        examples=[1],
    ),
]
DownloadMode = Annotated[
    str,
    Meta(
        pattern="^0?[0-7]{3}$",
        description="The permissions of the file. The default is 0644.",
        examples=["0755"],
        extra={"expected": "three octal digits"},
    ),
]


class DownloadSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of a download on one platform."""

    url: FileUrl
    sha256: FileHash = ""


class DownloadTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file with an address, and where it goes in the image."""

    url: FileUrl = ""
    sha256: FileHash = ""
    to: FilePath = ""
    mode: DownloadMode = ""
    unpack: Unpack = False
    strip: Strip = 0
    platforms: Annotated[
        dict[Platform, DownloadSource],
        Meta(
            description="The files of platforms that need another one than `url`.",
            examples=[{"linux/arm64": {"url": "https://example.org/app-arm64.tgz"}}],
        ),
    ] = {}


Downloads = Annotated[
    tuple[DownloadTable, ...],
    Meta(
        description="Files with an address. They are placed after the packages and before files. "
        "Their hashes are locked; to get another file, edit the address.",
        examples=[[{"url": "https://example.org/tool-1.0", "to": "/usr/local/bin/tool"}]],
    ),
]
