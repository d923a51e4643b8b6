"""The named package indexes of images.toml, and the packages that come from them."""

import re
from collections.abc import Iterator, Mapping

from orbiter.config.image_set import ImageSet
from orbiter.config.mistakes import Mistakes, key_path, suggest
from orbiter.config.schema import ConfigFile
from orbiter.config.sets import ExpandedEntry
from resolvers.net.addresses import is_unencrypted, is_url

RESERVED = frozenset({"artifacts", "pypi"})
"""Names that pip's lock files have for the indexes of pip's configuration."""
EXPECTED = "an https address without credentials"
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~:/+%-]*)?")


def check_indexes(file: ConfigFile, mistakes: Mistakes) -> dict[str, str]:
    """Return the addresses of the indexes by name, without a final slash; add their mistakes."""
    addresses = {}
    for name, table in sorted(file.index.items()):
        path = key_path("index", name)
        if name in RESERVED:
            problem = f"'{name}' is the name of another index in pip's lock files"
            mistakes.add(path, problem, hint="rename it")
        for problem, hint in index_mistakes(table.url):
            mistakes.add(f"{path}.url", problem, expected=EXPECTED, hint=hint)
        addresses[name] = table.url.rstrip("/")
    return addresses


# The messages never repeat the address, because it may contain a password.
def index_mistakes(url: str) -> Iterator[tuple[str, str]]:
    """Yield the problem of an address and its remedy."""
    if "@" in url or "$" in url:
        yield (
            "contains credentials",
            "remove them here, and add them to ~/.netrc, which Orbiter and pip read; or use the "
            "address with credentials that pip's configuration has for the same index",
        )
    elif not _ADDRESS.fullmatch(url) or not is_url(url):
        yield "is not the address of an index", 'for example "https://download.pytorch.org/whl/cpu"'
    elif is_unencrypted(url):
        yield "is not encrypted", "write https instead of http"


def indexes_of(
    entries: Mapping[str, ExpandedEntry], file: ConfigFile, mistakes: Mistakes
) -> dict[str, str]:
    """Return the index of each package that has one; ``entries`` are pip's, by package."""
    chosen = {}
    for package, entry in sorted(entries.items()):
        if not entry.index:
            continue
        chosen[package] = entry.index
        if entry.index not in file.index:
            mistakes.add(
                f"{entry.path}.index",
                f"unknown index '{entry.index}'",
                expected="an index declared in images.toml",
                hint=suggest(
                    entry.index, file.index, f"declare [index.{entry.index}] with its url"
                ),
            )
    return chosen


def check_one_index(builder: Mapping[str, Mapping[str, ExpandedEntry]], mistakes: Mistakes) -> None:
    """Add a mistake for each package that two stages of a builder take from different indexes.

    ``builder`` has the entries of each stage by package. All stages share one lock.
    """
    first: dict[str, ExpandedEntry] = {}
    for entries in builder.values():
        for package, entry in entries.items():
            other = first.setdefault(package, entry)
            if other.index != entry.index:
                problem = f"'{package}' comes from {_place(entry)}, but from {_place(other)} in "
                hint = f"name the same index in both: {_table(max(entry, other, key=_has_index))}"
                mistakes.add(entry.path, problem + other.path, hint=hint)


def _has_index(entry: ExpandedEntry) -> bool:
    return bool(entry.index)


def _place(entry: ExpandedEntry) -> str:
    return f"the index '{entry.index}'" if entry.index else "pip's configured index"


def _table(entry: ExpandedEntry) -> str:
    return f'{{ requirement = "…", index = "{entry.index}" }}'


def package_indexes(image_set: ImageSet, builder: str) -> dict[str, str]:
    """Return the index of each package of a builder that has one."""
    chosen: dict[str, str] = {}
    for stage in image_set.stages:
        if stage.builder == builder:
            chosen |= stage.indexes or {}
    return chosen


def used_indexes(image_set: ImageSet, builder: str) -> dict[str, str]:
    """Return the addresses of the indexes that a builder's packages come from, by name."""
    used = set(package_indexes(image_set, builder).values())
    addresses = image_set.indexes or {}
    return {name: url for name, url in addresses.items() if name in used}
