"""Checks of the addresses of conda packages in images.toml."""

from collections.abc import Iterable, Iterator, Mapping

from orbiter.config.mistakes import Mistakes
from orbiter.config.sets import ExpandedEntry
from resolvers.conda.address import TOKEN, is_address, parse_address
from resolvers.net.addresses import is_unencrypted, is_url

EXAMPLE = 'for example "https://host/linux-64/name-1.0-0.conda"'


def check_conda_addresses(
    builder: Iterable[Mapping[str, ExpandedEntry]], mistakes: Mistakes
) -> None:
    """Add the mistakes in addresses; ``builder`` has the entries of each stage by package."""
    for entries in builder:
        for entry in entries.values():
            if is_address(entry.text):
                for problem, hint in _mistakes_in(entry.text):
                    mistakes.add(entry.path, problem, hint=hint)


# The messages never repeat the address, because it may contain a password.
def _mistakes_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the problem of an address, and its remedy."""
    url, _, _ = text.partition("#")
    if "@" in url or "$" in url or TOKEN.search(url):
        yield (
            "the address of a package contains credentials",
            "remove them, and log in with rattler",
        )
        return
    address = parse_address(text)
    if "?" in url:
        hint = "name the file by an address without ?"
        yield "the address of a package has a query, which may contain a secret", hint
    elif address is None or not is_url(url):
        problem = "is not the address of a conda package, with or without # and its md5 or sha256"
        yield problem, EXAMPLE
    elif is_unencrypted(url) and not address.sha256:
        hint = "write https instead of http, or add #sha256: and the hash of the file"
        yield "the address of a package is not encrypted", hint
