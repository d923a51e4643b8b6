"""npm packages with an address in images.toml, which npm gets as files on this machine.

npm would download an address itself, without the credentials and the certificates that Orbiter
knows, and it would run scripts of packages from git. So npm locks a ``file:`` in its own folder,
and the lock gets the address instead.
"""

import hashlib
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import msgspec

from resolvers import cache, git
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.npm import git_tarball
from resolvers.npm.address import git_address, git_commit, is_address
from resolvers.npm.lock_file import JsonObject, LockEntry, PackageTree, artifact
from resolvers.scratch import scratch_folder
from resolvers.types.request import LockWarning, Request

FOLDER = "direct"
"""Folder of the tarballs, relative to the one in which npm works."""
TOP = "node_modules/"


class DirectPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement with an address.

    ``address`` is what package.json requires, and ``resolved`` where the lock takes the tarball
    from. ``sha512`` is hexadecimal, and ``path`` is the tarball in the cache.
    """

    name: str
    address: str
    resolved: str
    sha512: str

    @property
    def path(self) -> Path:
        """The tarball in the cache."""
        return _cached(self.sha512)

    @property
    def file(self) -> str:
        """The tarball as npm requires it; npm takes compressed and plain ones."""
        return f"file:{FOLDER}/{self.sha512[:32]}.tgz"

    @property
    def integrity(self) -> str:
        """The hash as npm writes it."""
        return f"sha512-{b64encode(bytes.fromhex(self.sha512)).decode()}"


def direct_packages(
    request: Request, package_json: JsonObject, previous: PackageTree | None
) -> tuple[DirectPackage, ...]:
    """Return the packages with an address, whose tarballs are then in the cache.

    A package of the previous lock keeps its hash and its commit, unless it should be upgraded or
    has another address now. Raises HTTPError, and ExpectedError if its tarball has changed.
    """
    addresses = {
        name: text for name, text in package_json["dependencies"].items() if is_address(text)
    }
    _check_upgrades(request, addresses)
    packages = []
    for name, address in addresses.items():
        entry = _kept(name, address, request, previous)
        if entry is None:
            request.progress(f"downloading {address}")
            package = _locate(name, address)
        else:
            package = _locked(name, address, entry)
            _ensure_cached(package)
        packages.append(package)
        for warning in _warnings(package, request):
            request.warn(warning)
    return tuple(packages)


def _locate(name: str, address: str) -> DirectPackage:
    """Return what an address names now: a tarball, or the commit of a tag or branch."""
    resolved = address
    if git_reference := git_address(address):
        commit = git.commit_of(git_reference.repository, git_reference.reference)
        resolved = str(git_reference._replace(reference=commit))
    sha512 = _obtain(resolved)
    return DirectPackage(name=name, address=address, resolved=resolved, sha512=sha512)


def _locked(name: str, address: str, entry: LockEntry) -> DirectPackage:
    """Return the package of a previous lock."""
    tarball = artifact(TOP + name, entry)
    sha512 = tarball.hash.partition(":")[2] if tarball else ""
    resolved = str(entry["resolved"])
    return DirectPackage(name=name, address=address, resolved=resolved, sha512=sha512)


def _warnings(package: DirectPackage, request: Request) -> Iterator[LockWarning]:
    if request.as_of:
        yield _no_time(package)
    if not git_commit(package.resolved):
        return
    if scripts := git_tarball.scripts_not_run(package.path):
        yield LockWarning(
            package.name,
            f"comes from git, and its scripts {' and '.join(scripts)} do not run",
            "if the package lacks files that they make, name a release that has them: the address "
            "of a tarball, or a version in a registry",
        )


def _no_time(package: DirectPackage) -> LockWarning:
    return LockWarning(
        package.name,
        "comes from an address, which says nothing about other times: --as-of does not change it",
        "name an address with the bytes of that time",
    )


def _check_upgrades(request: Request, addresses: Collection[str]) -> None:
    for name, version in request.upgrade.packages.items():
        if version and name in addresses:
            raise ExpectedError(
                f"npm: {name} comes from an address, not in version {version} from a registry",
                f"name another address in images.toml, or upgrade to what is there now: {name}",
            )


def _kept(
    name: str, address: str, request: Request, previous: PackageTree | None
) -> LockEntry | None:
    """Return the previous entry of a package if its hash should stay."""
    if previous is None or request.upgrade.everything or name in request.upgrade.packages:
        return None
    if previous.manifest.get("dependencies", {}).get(name) != address:
        return None
    entry = previous.entries.get(TOP + name, {})
    resolved = str(entry.get("resolved", ""))
    return entry if _is_resolved_from(resolved, address) else None


def _is_resolved_from(resolved: str, address: str) -> bool:
    """Return whether a lock may resolve an address in this way."""
    reference, commit = git_address(address), git_commit(resolved)
    if reference and commit:
        return reference.repository == commit.repository
    return resolved == address


def _cached(sha512: str) -> Path:
    return cache.folder("npm-direct", sha512[:2]) / sha512


def _ensure_cached(package: DirectPackage) -> None:
    """Fetch a tarball of the previous lock again if the cache lacks it."""
    if package.path.exists():
        return
    actual = _obtain(package.resolved)
    if actual != package.sha512:
        raise ExpectedError(
            f"{package.resolved} is another file now: "
            f"expected sha512:{package.sha512}, got sha512:{actual}",
            "ask its author why it changed, or lock the new file: "
            f"orbiter lock --upgrade-package {package.name}",
        )


def _obtain(resolved: str) -> str:
    """Put a tarball, or that of a commit, into the cache; return its sha512."""
    with scratch_folder(cache.folder("new"), "new-", cache.CACHE_HINT) as scratch:
        part = scratch / "part"
        if commit := git_commit(resolved):
            git_tarball.write_tarball(commit, part)
        else:
            _download(resolved, part)
        with part.open("rb") as file:
            sha512 = hashlib.file_digest(file, "sha512").hexdigest()
        part.replace(_cached(sha512))
    return sha512


def _download(url: str, path: Path) -> None:
    with path.open("wb") as file:
        for chunk in http.stream_chunks(url):
            file.write(chunk)


def link_all(packages: Collection[DirectPackage], folder: Path) -> None:
    """Link the tarballs into the folder in which npm works."""
    (folder / FOLDER).mkdir(exist_ok=True)
    for package in packages:
        link = folder / package.file.removeprefix("file:")
        if not link.is_symlink():
            link.symlink_to(package.path)


def with_files(package_json: JsonObject, packages: Collection[DirectPackage]) -> JsonObject:
    """Return package.json, or the entry of the project in a lock, with files for addresses."""
    dependencies = dict(package_json["dependencies"])
    dependencies |= {package.name: package.file for package in packages}
    return package_json | {"dependencies": dependencies}


def start_with_files(lock: JsonObject, packages: Collection[DirectPackage]) -> JsonObject:
    """Return the lock to start from with files for addresses.

    Entries that are not those of the packages are left out, so that npm locks them again.
    """
    if not lock:
        return lock
    by_path = {TOP + package.name: package for package in packages}
    entries = {}
    for path, entry in lock["packages"].items():
        package = by_path.get(path)
        if not path:
            entries[path] = with_files(entry, packages)
        elif package is None and "resolved" not in entry:
            entries[path] = entry
        elif package is not None and _is_same(package, entry):
            entries[path] = entry | {"resolved": package.file}
    return lock | {"packages": entries}


def _is_same(package: DirectPackage, entry: LockEntry) -> bool:
    return (entry.get("resolved"), entry.get("integrity")) == (package.resolved, package.integrity)


def with_addresses(lock: JsonObject, packages: Collection[DirectPackage]) -> JsonObject:
    """Return npm's lock with the addresses again; raises ExpectedError for another package."""
    by_path = {TOP + package.name: package for package in packages}
    addresses = {package.name: package.address for package in packages}
    entries = {}
    for path, entry in lock["packages"].items():
        package = by_path.get(path)
        if not path:
            entries[path] = entry | {"dependencies": entry["dependencies"] | addresses}
        elif package is not None and entry.get("resolved") == package.file:
            _check_name(package, entry)
            entries[path] = entry | {"resolved": package.resolved, "integrity": package.integrity}
        else:
            entries[path] = entry
    return lock | {"packages": entries}


def _check_name(package: DirectPackage, entry: LockEntry) -> None:
    name = entry.get("name", package.name)
    if name != package.name:
        raise ExpectedError(
            f"npm: the package at {package.address} has the name {name}, not {package.name}",
            f"write {name}@{package.address}",
        )


def without_direct(
    requirements: Mapping[str, str], packages: Collection[DirectPackage]
) -> dict[str, str]:
    """Return the requirements that come from a registry."""
    direct = {package.name for package in packages}
    return {name: text for name, text in requirements.items() if name not in direct}
