"""The index that a package comes from: one of images.toml, or those of pip's configuration."""

from collections.abc import Mapping
from functools import cache

from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError
from resolvers.index import direct, index
from resolvers.index.index import Index
from resolvers.index.index_file import IndexFile
from resolvers.index.source import is_direct, split_source
from resolvers.net import pip_config
from resolvers.redaction import redact
from resolvers.types.options import PipOptions
from resolvers.types.packages import Artifact


class Routes:
    """The files that may be chosen for each project: one project comes from one index.

    A direct file is the only one of its project, whatever the indexes have.

    With the priority ``disabled``, all indexes of pip's configuration count as one.
    """

    def __init__(self, options: PipOptions) -> None:
        self._options = options
        self._configured = index.configured()
        self._direct = {file.name: file for file in options.direct}

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """Return all files of a project that may be chosen; () if no index has it.

        Raises HTTPError and ExpectedError.
        """
        options = self._options
        if file := self._direct.get(canonicalize_name(project)):
            return (direct.index_file(file.artifact),)
        if name := options.sources.get(canonicalize_name(project)):
            return named(name, options.indexes).files(project)
        if options.priority == "disabled":
            return self._configured.files(project)
        return self._configured.files_of_first(project)


def files_of(artifact: Artifact, indexes: Mapping[str, str]) -> tuple[IndexFile, ...]:
    """Return the file of a direct source, or the files of an artifact's project on its index.

    ``indexes`` maps the names in images.toml to addresses. Raises HTTPError and ExpectedError.
    """
    if is_direct(artifact.source):
        return (direct.index_file(artifact),)
    return locked_project_files(artifact.source, indexes)


def locked_project_files(source: str, indexes: Mapping[str, str]) -> tuple[IndexFile, ...]:
    """Return the files of the project in the source of a locked file.

    The lock has a hash of the file, so it may be on any index of pip's configuration. ``indexes``
    maps the names in images.toml to addresses. Raises HTTPError and ExpectedError.
    """
    index_name, project, _ = split_source(source)
    if index_name:
        return named(index_name, indexes).files(project)
    return index.configured().files(project)


def named(name: str, indexes: Mapping[str, str]) -> Index:
    """Return an index of images.toml; raise ExpectedError if it is not among ``indexes``."""
    if name not in indexes:
        raise ExpectedError(
            f"the address of the package index '{name}' is unknown",
            f"add [index.{name}] with its url to images.toml, then run: orbiter lock",
        )
    return _named(name, _with_credentials(indexes[name]))


@cache
def _named(name: str, url: str) -> Index:
    return Index((url,), origin=f"[index.{name}] in images.toml")


def _with_credentials(url: str) -> str:
    """Return the address as pip's configuration has it if that has credentials for it."""
    settings = pip_config.settings()
    configured = f"{settings.get('index-url', '')} {settings.get('extra-index-url', '')}".split()
    same = (each for each in configured if redact(each).rstrip("/") == url.rstrip("/"))
    return next(same, url)
