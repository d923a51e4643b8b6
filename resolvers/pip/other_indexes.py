"""Warnings about higher versions on later indexes of pip's configuration, which are not taken."""

from collections.abc import Iterable, Iterator

from packaging.version import Version

from resolvers.index import index
from resolvers.index.index_file import IndexFile, version_of
from resolvers.pip.index_proxy import published_before
from resolvers.types.request import LockWarning, Request

HINT = (
    "to take it from there, name that index in images.toml for this package, "
    'or write index-priority = "disabled"'
)


def warnings(request: Request, names: Iterable[str]) -> Iterator[LockWarning]:
    """Yield a warning for each package with a higher version on a later index.

    The pages are those that the solve has read. A warning stays in the lock set, so it has no
    address.
    """
    if request.pip.priority == "disabled":
        return
    direct = {file.name for file in request.pip.direct}
    for name in names:
        if name not in request.pip.sources and name not in direct:
            yield from _higher_versions(request, name)


def _higher_versions(request: Request, name: str) -> Iterator[LockWarning]:
    """Yield a warning if a later index has a higher version than the first with the package."""
    newest = [
        (_option(number), version)
        for number, files in enumerate(index.configured().offers(name).by_index)
        if (version := _newest(request, name, files))
    ]
    if not newest:
        return
    first, known = newest[0]
    option, version = max(newest, key=lambda pair: pair[1])
    if version > known:
        text = f"version {version} on the index in {option} is not taken, because the index in "
        yield LockWarning(name, f"{text}{first} has {known} and comes first", HINT)


def _option(number: int) -> str:
    """Return the option of pip with the address of an index."""
    return f"extra-index-url (no. {number})" if number else "index-url"


def _newest(request: Request, name: str, files: tuple[IndexFile, ...]) -> Version | None:
    """Return the highest version that is neither yanked nor a pre-release, or None."""
    timed = any(file.upload_time for file in files)
    visible = published_before(request.as_of, name, files) if timed else files
    versions = (version_of(file.name) for file in visible if file.yanked is None)
    return max((each for each in versions if each and not each.is_prerelease), default=None)
