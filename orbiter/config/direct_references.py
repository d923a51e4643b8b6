"""Checks of pip requirements with an address (PEP 508 direct references: ``name @ https://…``)."""

import re
from collections.abc import Collection, Iterator, Mapping

from orbiter.config.mistakes import Mistakes
from orbiter.config.projects import PATH, is_path
from orbiter.config.sets import ExpandedEntry
from resolvers.index.git_address import PREFIX, parse_address
from resolvers.net.addresses import is_unencrypted, is_url

MARK = "@"
"""A requirement without this character has no address. Most have none, and parsing takes time."""
SDISTS = (".tar.gz", ".zip")
EXAMPLE = 'for example "name @ https://host/name-1.0-py3-none-any.whl"'
PATH_EXAMPLE = 'for example "name @ ./src/name", with letters, digits and ._+- in names of folders'
REPOSITORY_EXAMPLE = (
    'for example "name @ git+https://host/name.git@v1.0", with a tag, a branch or a whole commit, '
    "and #subdirectory=FOLDER if the package is not at the top"
)
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~:/+%-]*(?:#(?P<fragment>.*))?")
_SHA256 = re.compile(r"sha256=[0-9A-Fa-f]{64}")


def check_references(
    builder: Mapping[str, Mapping[str, ExpandedEntry]],
    built: Collection[str],
    mistakes: Mistakes,
) -> None:
    """Add the mistakes in the addresses of a builder's pip requirements.

    ``builder`` has the entries of each stage by package. ``built`` are the packages in pip-sdist.
    All stages share one lock, so a package has one address.
    """
    first: dict[str, tuple[ExpandedEntry, str]] = {}
    for entries in builder.values():
        for package, entry in entries.items():
            if not (url := _address(entry)):
                continue
            for problem, hint in _mistakes_in(package, entry, url, built):
                mistakes.add(entry.path, problem, hint=hint)
            other, other_url = first.setdefault(package, (entry, url))
            if other_url != url:
                problem = f"'{package}' has another address than in {other.path}"
                mistakes.add(entry.path, problem, hint="write the same address in both")


def _address(entry: ExpandedEntry) -> str:
    if MARK not in entry.text:
        return ""
    from packaging.requirements import Requirement  # only addresses need it

    return Requirement(entry.text).url or ""


def _mistakes_in(
    package: str, entry: ExpandedEntry, url: str, built: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the problem of a requirement with an address, and its remedy."""
    if entry.index:
        yield f"'{package}' has an address and an index", "remove one of them"
    mistakes = tuple(address_mistakes(package, url))
    yield from mistakes
    if not mistakes and is_built(url) and package not in built:
        kind = "comes from git" if url.startswith(PREFIX) else "is an sdist"
        yield (
            f"'{package}' {kind}, so it is built when an image is built",
            f'allow it with pip-sdist = ["{package}"], or name the address of a wheel',
        )


def is_built(url: str) -> bool:
    """Return whether the package at an address is built with the image: from git or an sdist."""
    return url.startswith(PREFIX) or (not is_path(url) and url.partition("#")[0].endswith(SDISTS))


# The messages never repeat the address, because it may contain a password.
def address_mistakes(package: str, url: str) -> Iterator[tuple[str, str]]:
    """Yield the problem of the address of a package, and its remedy."""
    address = url.partition("#")[0]
    user = address.partition("://")[2].partition("/")[0].rpartition("@")[0]
    if is_path(url):
        if not PATH.fullmatch(url):
            yield f"the path of '{package}' is not below the folder of images.toml", PATH_EXAMPLE
    elif "$" in url or ":" in user or (user and not address.startswith(f"{PREFIX}ssh:")):
        yield (
            f"the address of '{package}' contains credentials",
            "remove them here, and add them to ~/.netrc, which Orbiter and pip read",
        )
    elif url.startswith(PREFIX):
        yield from _repository_mistakes(package, url)
    else:
        yield from _file_mistakes(package, url)


def _repository_mistakes(package: str, url: str) -> Iterator[tuple[str, str]]:
    address = parse_address(url)
    if address is None or not is_url(address.url):
        problem = f"the address of '{package}' is not the address of a git repository"
        yield problem, REPOSITORY_EXAMPLE
    elif is_unencrypted(address.url):
        yield f"the address of '{package}' is not encrypted", "write git+https instead of git+http"


def _file_mistakes(package: str, url: str) -> Iterator[tuple[str, str]]:
    match = _ADDRESS.fullmatch(url)
    if "?" in url:
        hint = "name the file by an address without ?"
        yield f"the address of '{package}' has a query, which may contain a secret", hint
    elif not match or not is_url(url):
        yield f"the address of '{package}' is not the address of a file", EXAMPLE
    elif not url.partition("#")[0].endswith((".whl", *SDISTS)):
        hint = f"name a file that ends with .whl, {' or '.join(SDISTS)}"
        yield f"the address of '{package}' is neither a wheel nor an sdist", hint
    elif match["fragment"] and not _SHA256.fullmatch(match["fragment"]):
        hint = "write #sha256= and 64 hexadecimal digits, or nothing"
        yield f"the address of '{package}' ends with #{match['fragment']}", hint
    elif is_unencrypted(url) and not match["fragment"]:
        hint = "write https instead of http, or add #sha256= and the hash of the file"
        yield f"the address of '{package}' is not encrypted", hint
