"""Reader of renv.lock: https://rstudio.github.io/renv/articles/lockfile.html.

Its hashes are those of a package's DESCRIPTION, not of a file, so they are not compared.
"""

import re
from typing import Any

import msgspec

from orbiter.lockfiles.document import (
    VERSIONS_ONLY,
    convert,
    load_json,
    without_credentials,
)
from orbiter.lockfiles.types import Lock, PackageEntry, Scope

MARKS = tuple(re.compile(rf'"{key}"\s*:\s*\{{') for key in ("R", "Packages"))
REQUIRED_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
REQUIREMENT_FIELDS = ("requirements", "depends", "imports", "linking_to")
LANGUAGE = "R"


class _Repository(msgspec.Struct, rename="pascal"):
    name: str = ""
    url: str = msgspec.field(name="URL", default="")


class _R(msgspec.Struct, rename="pascal"):
    version: str = ""
    repositories: tuple[_Repository, ...] = ()


class _Package(msgspec.Struct, rename="pascal"):
    package: str
    version: str = ""
    source: str = ""
    repository: str = ""
    remote_type: str = ""
    remote_host: str = ""
    remote_username: str = ""
    remote_repo: str = ""
    remote_url: str = ""
    remote_sha: str = ""
    requirements: Any = ()
    depends: Any = ()
    imports: Any = ()
    linking_to: Any = ()


class _Document(msgspec.Struct, rename="pascal"):
    r: _R
    packages: dict[str, _Package]


def recognises(text: str) -> bool:
    """Return whether a text is JSON with the two keys of an renv.lock."""
    return text.lstrip()[:1] == "{" and all(mark.search(text) for mark in MARKS)


def read(name: str, text: str) -> Lock:
    """Read an renv.lock; the language itself counts as a package."""
    document = convert(name, text, load_json(name, text), _Document)
    language = PackageEntry(manager="r", name=LANGUAGE, version=document.r.version)
    names = {package.package for package in document.packages.values()}
    packages = [_entry(package, names) for package in document.packages.values()]
    repositories = {
        repository.name: without_credentials(repository.url)
        for repository in document.r.repositories
    }
    return Lock(
        name=name,
        format="renv.lock (versions only)",
        packages={Scope(): (language, *packages)},
        facts={"repository": repositories} if repositories else {},
        notes=(VERSIONS_ONLY,),
    )


def _entry(package: _Package, names: set[str]) -> PackageEntry:
    commit = package.remote_sha if _is_remote(package) else ""
    required = {
        required
        for field in REQUIREMENT_FIELDS
        for text in _texts(getattr(package, field))
        for required in REQUIRED_NAME.findall(text)[:1]
    }
    return PackageEntry(
        manager="r",
        name=package.package,
        version=package.version,
        build=commit,
        source=_source(package),
        requires=tuple(sorted(required & names - {package.package})),
    )


def _is_remote(package: _Package) -> bool:
    return package.source not in {"Repository", "Bioconductor"}


def _source(package: _Package) -> str:
    """Return the address of a package that no repository has; "" for all others."""
    if not _is_remote(package):
        return ""
    path = "/".join(filter(None, (package.remote_username, package.remote_repo)))
    host = package.remote_host or package.remote_type or package.source
    return without_credentials(package.remote_url) or ": ".join(filter(None, (host, path)))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
