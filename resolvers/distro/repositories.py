"""The names of package repositories in the sources of artifacts: ``<repository>:<path>``."""

import re
from typing import Annotated

from msgspec import Meta

RepositoryName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]*\Z|\A\Z")]
FILE_PATH = re.compile(r"(?:\./)?[A-Za-z0-9][A-Za-z0-9._~+%:@=,/-]*")
"""A path below the address of a repository. It becomes words of shells and lines of lists."""
FilePath = Annotated[str, Meta(pattern=rf"\A{FILE_PATH.pattern}\Z")]

_SOURCE = re.compile(r"(?:([a-z0-9][a-z0-9-]*):)?(.*)", re.DOTALL)


URL = "url:"
"""Start of the source of a file with an address of its own."""


def source_of(path: str, repository: str) -> str:
    """Return the source of an artifact; ``repository`` is empty for those of the base image."""
    return f"{repository}:{path}" if repository else path


def split_source(source: str) -> tuple[str, str]:
    """Return the name of the repository, empty for those of the base image, and the path."""
    match = _SOURCE.fullmatch(source)
    assert match  # the pattern accepts any text
    return match[1] or "", match[2]
