"""The registries of scopes in images.toml, and addresses of npm packages outside of registries."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from orbiter.config.addresses import is_plain_address
from orbiter.config.mistakes import Mistakes, key_path
from orbiter.config.schema import ConfigFile
from orbiter.config.sets import ExpandedEntry
from resolvers.net.addresses import is_unencrypted, is_url
from resolvers.npm.address import git_address, is_address, is_tarball

EXPECTED = "an https address without credentials"
_SCOPE = re.compile(r"@[a-z0-9~][a-z0-9._~-]*")
NPMRC = "remove them here, and add a line with //host/path/:_authToken to the .npmrc that npm reads"


def check_registries(file: ConfigFile, mistakes: Mistakes) -> dict[str, str]:
    """Return the addresses of registries by scope, each with a final slash; add their mistakes."""
    addresses: dict[str, str] = {}
    for name, table in sorted(file.npm_registry.items()):
        path = key_path("npm-registry", name)
        if not _SCOPE.fullmatch(table.scope):
            problem = f"'{table.scope}' is not a scope"
            mistakes.add(f"{path}.scope", problem, hint='for example "@lab"')
        elif table.scope in addresses:
            problem = f"'{table.scope}' has another registry too"
            mistakes.add(f"{path}.scope", problem, hint="remove one of them")
        for problem, hint in _registry_mistakes(table.url):
            mistakes.add(f"{path}.url", problem, expected=EXPECTED, hint=hint)
        addresses[table.scope] = table.url.rstrip("/") + "/"
    return addresses


# The messages never repeat an address, because it may contain a password.
def _registry_mistakes(url: str) -> Iterator[tuple[str, str]]:
    """Yield the problem of a registry's address and its remedy."""
    if "@" in url or "$" in url:
        yield "contains credentials", NPMRC
    elif not is_plain_address(url):
        yield "is not the address of a registry", 'for example "https://npm.example.org/"'
    elif is_unencrypted(url):
        yield "is not encrypted", "write https instead of http"


def check_addresses(builder: Iterable[Mapping[str, ExpandedEntry]], mistakes: Mistakes) -> None:
    """Add the mistakes in the addresses of npm packages; ``builder`` has the entries by name."""
    for entries in builder:
        for name, entry in entries.items():
            address = entry.text[len(name) + 1 :]
            if is_address(address):
                for problem, hint in npm_address_mistakes(name, address):
                    mistakes.add(entry.path, problem, hint=hint)


def _has_credentials(address: str) -> bool:
    user, _, _ = urlsplit(address).netloc.rpartition("@")
    # A login name of ssh is not a secret.
    is_login_name = address.startswith("git+ssh:") and ":" not in user
    return "$" in address or bool(user and not is_login_name)


def _is_unencrypted(address: str) -> bool:
    url = address.removeprefix("git+")
    return is_url(url) and is_unencrypted(url)


def npm_address_mistakes(name: str, address: str) -> Iterator[tuple[str, str]]:
    """Yield the problem of the address of a package, and its remedy."""
    if git_address(address) and not _is_unencrypted(address):
        return
    if _has_credentials(address):
        yield (
            f"the address of '{name}' contains credentials",
            "remove them here, and add them to ~/.netrc, which Orbiter and git read",
        )
    elif _is_unencrypted(address):
        yield f"the address of '{name}' is not encrypted", "write https instead of http"
    elif not address.startswith("http"):
        yield (
            f"the address of '{name}' is not that of a git repository and a tag, branch or commit",
            f'for example "{name}@git+https://host/{name}.git#v1.0"',
        )
    elif "?" in address or "#" in address:
        hint = "name the file by an address without ? and #"
        yield f"the address of '{name}' has a query or a fragment, which may be a secret", hint
    elif not is_tarball(address) or not is_url(address):
        hint = f'for example "{name}@https://host/{name}-1.0.0.tgz"'
        yield f"the address of '{name}' is not the address of a tarball", hint
