"""The source of a file of pip in a lock: ``<project>/<file name>``.

It starts with ``<index>:`` if images.toml names an index for the package. If images.toml names an
address, it is ``url:<address>``, or for an sdist that is made of a commit
``git:<address of the repository>@<commit>``, with ``#<folder>`` for a part of it. A wheel that is
built of a folder of the repository of images.toml has ``folder:./<path>@<sha256 of all files>``.
"""

import re

from resolvers.index.git_address import SOURCE as GIT
from resolvers.index.git_address import SOURCE_PATTERN, parse_source

FOLDER = "folder:./"
"""Start of the source of a wheel that is built of a folder."""
FOLDER_PATTERN = r"folder:\./(?:[A-Za-z0-9._+/-]+)?@(?P<digest>[0-9a-f]{64})"
URL = "url:"
"""Start of the source of a file with an address."""
DIRECT = re.compile(
    rf"url:https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~:/+%-]*|{SOURCE_PATTERN}|{FOLDER_PATTERN}"
)
"""Sources of files that do not come from an index."""


def source_of(project: str, file: str, index_name: str = "") -> str:
    """Return the source of an artifact; ``index_name`` is that of an index in images.toml."""
    prefix = f"{index_name}:" if index_name else ""
    return f"{prefix}{project}/{file}"


def split_source(source: str) -> tuple[str, str, str]:
    """Return the name of the index ("" for pip's configuration), the project and the file name."""
    place, _, file = source.partition("/")
    index_name, _, project = place.rpartition(":")
    return index_name, project, file


def is_direct(source: str) -> bool:
    """Return whether a file does not come from an index.

    The names of projects start with a letter or a digit, and contain no ``//``.
    """
    if source.startswith(FOLDER):
        return True
    scheme, separator, _ = source.partition("://")
    return bool(separator) and scheme.startswith((URL, GIT))


def place_of(source: str) -> str:
    """Return the place of a file with an address, or the name of its index as ``split_source``.

    It is the folder of the file, or its repository.
    """
    if not is_direct(source):
        return split_source(source)[0]
    if source.startswith(FOLDER):
        return source.removeprefix("folder:").rpartition("@")[0]
    if address := parse_source(source):
        return address.url
    return source.removeprefix(URL).rpartition("/")[0]


def build_of(source: str) -> str:
    """Return the difference between two files of a version: their commit, or their folder's sha256.

    It is "" for files that nobody builds.
    """
    if source.startswith(FOLDER):
        return source.rpartition("@")[2]
    address = parse_source(source)
    return address.ref if address else ""


def origin_url(source: str) -> str:
    """Return the address of a file, or of the commit that it is made of; others stay unchanged."""
    return source.removeprefix(URL).removeprefix(GIT) if is_direct(source) else source
