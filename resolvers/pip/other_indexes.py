"""Warnings about higher versions on later indexes of pip's configuration, which are not taken."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from packaging.version import Version

from resolvers.index import index
from resolvers.index.index_file import IndexFile, version_of
from resolvers.pip.index_proxy import published_before
from resolvers.types.request import LockWarning, Request

LISTED = 10
"""Number of packages that a warning about several of them lists."""
HINT = (
    "to take {them} from there, name that index in images.toml for {packages}, "
    'or write index-priority = "disabled"'
)


class _Higher(NamedTuple):
    """A package whose first index has the version ``known``, and a later index a higher one.

    The indexes are options of pip, because a warning stays in the lock set and has no address.
    """

    package: str
    first: str
    known: Version
    later: str
    version: Version


def warnings(request: Request, names: Iterable[str]) -> Iterator[LockWarning]:
    """Yield a warning for each pair of indexes of which the later one has higher versions.

    The pages are those that the solve has read.
    """
    if request.pip.priority == "disabled":
        return
    direct = {file.name for file in request.pip.direct}
    pairs: dict[tuple[str, str], list[_Higher]] = defaultdict(list)
    for name in names:
        if name not in request.pip.sources and name not in direct:
            for found in _higher_versions(request, name):
                pairs[found.first, found.later].append(found)
    for several in pairs.values():
        yield _warning(several[0]) if len(several) == 1 else _common_warning(several)


def _warning(only: _Higher) -> LockWarning:
    text = f"version {only.version} on the index in {only.later} is not taken, because the index in"
    hint = HINT.format(them="it", packages="this package")
    return LockWarning(only.package, f"{text} {only.first} has {only.known} and comes first", hint)


def _common_warning(found: Sequence[_Higher]) -> LockWarning:
    """Return one warning for several packages: an index may have newer versions of most."""
    first, later = found[0].first, found[0].later
    listed = [f"{each.package} {each.version} (not {each.known})" for each in found[:LISTED]]
    more = len(found) - LISTED
    if more > 0:
        listed.append(f"{more} more")
    text = (
        f"higher versions of {len(found)} packages on the index in {later} are not taken, because "
        f"the index in {first} comes first: {', '.join(listed)}"
    )
    return LockWarning("", text, HINT.format(them="them", packages="these packages"))


def _higher_versions(request: Request, name: str) -> Iterator[_Higher]:
    """Yield a package if a later index has a higher version than the first one with it."""
    newest = [
        (_option(number), version)
        for number, files in enumerate(index.configured().offers(name).by_index)
        if (version := _newest(request, name, files))
    ]
    if not newest:
        return
    first, known = newest[0]
    later, version = max(newest, key=lambda pair: pair[1])
    if version > known:
        yield _Higher(name, first, known, later, version)


def _option(number: int) -> str:
    """Return the option of pip with the address of an index."""
    return f"extra-index-url (no. {number})" if number else "index-url"


def _newest(request: Request, name: str, files: tuple[IndexFile, ...]) -> Version | None:
    """Return the highest version that is neither yanked nor a pre-release, or None."""
    timed = any(file.upload_time for file in files)
    visible = published_before(request.as_of, name, files) if timed else files
    versions = (version_of(file.name) for file in visible if file.yanked is None)
    return max((each for each in versions if each and not each.is_prerelease), default=None)
