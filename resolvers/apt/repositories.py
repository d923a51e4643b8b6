"""The repositories of images.toml, as solve.sh adds them to those of the base image."""

import base64
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from resolvers.apt.index import DebRecord
from resolvers.errors import ExpectedError
from resolvers.net import certificates
from resolvers.types.options import SystemRepository

NONE = "-"
"""A field without a value in the lines that solve.sh reads."""
ARMOR = b"-----BEGIN"
CERTIFICATES = "certificates.pem"
"""The file in apt's cache folder for base images without certificates."""


def repository_lines(repositories: tuple[SystemRepository, ...]) -> str:
    """Return the repositories, one per line: the fields that solve.sh names, with NONE for none."""
    return "\n".join(map(_line, repositories))


def _line(repository: SystemRepository) -> str:
    # apt finds out by the suffix whether a key is armored.
    key_format = "asc" if ARMOR in repository.key else "gpg"
    fields = (
        repository.name,
        repository.url,
        repository.suite,
        ",".join(repository.components),
        repository.fingerprint,
        key_format,
        base64.b64encode(repository.key).decode(),
    )
    return " ".join(field or NONE for field in fields)


def write_certificates(cache: Path, repositories: tuple[SystemRepository, ...]) -> None:
    """Write this machine's certificates for apt, if a repository needs them."""
    if any(repository.url.startswith("https:") for repository in repositories):
        temporary = cache / f".{CERTIFICATES}"
        temporary.write_text(certificates.trusted_certificates(), encoding="ascii")
        temporary.replace(cache / CERTIFICATES)


def check_addresses(
    repositories: tuple[SystemRepository, ...], mirrors: tuple[str, ...], suite: str
) -> None:
    """Raise ExpectedError for a repository that is one of the base's own mirrors.

    Its packages would count as those of the repository, whatever suite they come from.
    """
    known = {mirror.rstrip("/") for mirror in mirrors}
    for repository in repositories:
        if repository.url in known:
            base = f"debian:{suite}-slim" if suite else "the base image"
            raise ExpectedError(
                f"the address of the apt repository '{repository.name}' is a mirror of {base}",
                "leave out url and its key in images.toml: the suite is then on that mirror",
            )


def repositories_of(
    records: Mapping[str, DebRecord], addresses: str, repositories: tuple[SystemRepository, ...]
) -> dict[str, str]:
    """Return the name of the repository of each package that comes from one, by key.

    ``addresses`` has lines ``<key> <address of the file>``, as apt would download it.
    """
    found = {}
    # The longest address comes first, because one may be a folder of another.
    by_length = sorted(repositories, key=lambda repository: len(repository.url), reverse=True)
    for line in addresses.splitlines():
        key, _, address = line.partition(" ")
        if key not in records:
            continue
        _check_file(records[key], address)
        for repository in by_length:
            if repository.url and _is_below(address, repository.url):
                found[key] = repository.name
                break
    return found


def _check_file(record: DebRecord, address: str) -> None:
    """Raise ExpectedError if apt would download another file of the same version."""
    if not unquote(urlsplit(address).path).endswith(f"/{unquote(record.file)}"):
        raise ExpectedError(
            f"apt: two repositories have different files of {record.name} {record.version}",
            "remove one of the repositories, or require a version that only one of them has",
        )


def _is_below(address: str, url: str) -> bool:
    return unquote(address).startswith(f"{unquote(url)}/")
