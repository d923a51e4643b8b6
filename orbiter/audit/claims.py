"""The files that the packages of an image must have in it, by path.

A claim is what one package says about one path. Several packages may claim the same folder, and a
package may replace a file of another one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from orbiter.assembly.real_paths import RealPaths
from orbiter.assembly.tree import Entry, Tree
from orbiter.audit.locked import LockedImage, LockedPackage
from orbiter.audit.packages.apk import read_apk
from orbiter.audit.packages.conda import read_conda
from orbiter.audit.packages.deb import read_deb
from orbiter.audit.packages.files import (
    PackageContents,
    PackageFile,
    Reader,
    package_contents,
    plain_path,
)
from orbiter.audit.packages.npm import read_npm
from orbiter.audit.packages.wheel import read_wheel
from orbiter.store.store import Store
from orbiter.tasks import Report
from orbiter.threads import stoppable_threads
from resolvers.npm.inventory import InstalledPackage

READERS: Mapping[str, Reader] = {
    "apk": read_apk,
    "apt": read_deb,
    "conda": read_conda,
    "npm": read_npm,
    "pip": read_wheel,
}
THREADS = 2
ENVIRONMENT = "opt/env/"
SITE_PACKAGES = re.compile(rf"{ENVIRONMENT}lib/python3\.\d+/site-packages")
NPM_FOLDER = f"{ENVIRONMENT}lib/npm/"


class Claim(msgspec.Struct, frozen=True):
    """The file that a package has for a path: ``source`` is the path in the package."""

    owner: str
    source: str
    file: PackageFile

    def equals(self, entry: Entry) -> bool:
        """Return whether the image has the file as the package does."""
        return self.difference(entry) == ""

    def difference(self, entry: Entry) -> str:
        """Return the first difference from the image, "" if there is none."""
        file = self.file
        digest = entry.content.digest if entry.content else ""
        if file.kind != entry.kind:
            return f"expected a {file.kind}, found a {entry.kind}"
        if file.digest != digest:
            return "its content differs"
        if file.target != entry.target:
            return f"expected a link to {file.target}, found one to {entry.target}"
        if file.mode != entry.mode:
            return f"expected the mode {file.mode:04o}, found {entry.mode:04o}"
        if (file.uid, file.gid) != (entry.uid, entry.gid):
            found = f"{entry.uid}:{entry.gid}"
            return f"expected the owner {file.uid}:{file.gid}, found {found}"
        return ""


class InstalledContents(msgspec.Struct, frozen=True):
    """A package of the image with its contents."""

    package: LockedPackage
    contents: PackageContents


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """All claims by path, and the packages by the hash of their file.

    ``built`` are the packages that the build compiles, so that nobody knows their files.
    """

    by_path: Mapping[str, tuple[Claim, ...]]
    packages: Mapping[str, InstalledContents]
    built: tuple[LockedPackage, ...]

    def of_manager(self, manager: str) -> Iterator[InstalledContents]:
        """Yield the packages of a manager."""
        return (each for each in self.packages.values() if each.package.manager == manager)


def read_claims(locked: LockedImage, tree: Tree, store: Store, report: Report) -> Claims:
    """Read the packages of an image. Raises ExpectedError if the store lacks one."""
    packages = [package for manager in READERS for package in locked.packages(manager)]
    built = tuple(each for each in packages if _is_built(each))
    readable = [each for each in packages if not _is_built(each)]
    report(f"reading {len(readable)} packages")

    def read(package: LockedPackage) -> InstalledContents:
        reader = READERS[package.manager]
        return InstalledContents(package, package_contents(package.file, reader, store))

    with stoppable_threads(THREADS) as pool:
        found = {each.package.file.hash: each for each in pool.map(read, readable)}
    return Claims(by_path=_by_path(locked, tree, found), packages=found, built=built)


def _is_built(package: LockedPackage) -> bool:
    return package.manager == "pip" and not package.file.path.endswith(".whl")


def _by_path(
    locked: LockedImage, tree: Tree, packages: Mapping[str, InstalledContents]
) -> dict[str, tuple[Claim, ...]]:
    claims: dict[str, list[Claim]] = defaultdict(list)
    paths = RealPaths(tree)
    for each in packages.values():
        for path, source, file in _placed(each, locked, tree):
            claim = Claim(each.package.owner, source, file)
            real = paths.real(path) if each.package.manager in {"apt", "apk"} else path
            if real:
                claims[real].append(claim)
    for path, claim in _npm_claims(locked, packages):
        claims[path].append(claim)
    return {path: tuple(found) for path, found in claims.items()}


Placed = Iterator[tuple[str, str, PackageFile]]
"""A path of the image, the path in the package, and the file as the image must have it."""


def _placed(each: InstalledContents, locked: LockedImage, tree: Tree) -> Placed:
    files, manager = each.contents.files, each.package.manager
    if manager in {"apt", "apk"}:
        return ((path, path, file) for path, file in files.items())
    if manager == "pip":
        return _placed_wheel(files, locked, tree, each.package.name)
    if manager == "conda":
        return _placed_conda(each, locked, tree)
    return iter(())


def _placed_conda(each: InstalledContents, locked: LockedImage, tree: Tree) -> Placed:
    """Yield the files of a conda package; those of noarch packages have no version of Python."""
    site = site_packages(tree)
    is_python = bool(conda_link(each))
    for source, file in each.contents.files.items():
        path = f"{ENVIRONMENT}{source}"
        if is_python and source.startswith("site-packages/"):
            path = f"{site}/{source.partition('/')[2]}"
        elif is_python and source.startswith("python-scripts/"):
            path = f"{ENVIRONMENT}bin/{source.partition('/')[2]}"
        yield path, source, owned(file, locked, file.mode)


def conda_link(each: InstalledContents) -> dict[str, Any]:
    """Return how a noarch package of Python is installed; empty for other packages."""
    with suppress(ValueError, RecursionError):
        document = msgspec.json.decode(each.contents.texts.get("info/link.json", b"{}"))
        noarch = document.get("noarch") if isinstance(document, dict) else None
        if isinstance(noarch, dict) and noarch.get("type") == "python":
            return noarch
    return {}


def conda_programs(each: InstalledContents) -> list[str]:
    """Return the entry points of a noarch package: ``jupyter = jupyter_core.command:main``."""
    return [str(entry) for entry in conda_link(each).get("entry_points") or ()]


def _placed_wheel(
    files: Mapping[str, PackageFile], locked: LockedImage, tree: Tree, name: str
) -> Placed:
    site = site_packages(tree)
    python = site.split("/")[-2] if site else "python3"
    places = {
        "site": site,
        "scripts": f"{ENVIRONMENT}bin",
        "data": ENVIRONMENT.rstrip("/"),
        "headers": f"{ENVIRONMENT}include/site/{python}/{name}",
    }
    for source, file in files.items():
        kind, _, rest = source.partition("/")
        mode = 0o755 if kind == "scripts" else file.mode
        yield f"{places[kind]}/{rest}", source, owned(file, locked, mode)


def site_packages(tree: Tree) -> str:
    """Return the folder of Python packages in /opt/env, "" if there is none."""
    found = (path for path in tree if SITE_PACKAGES.fullmatch(path))
    return next((path for path in found if tree[path].kind == "folder"), "")


def owned(file: PackageFile, locked: LockedImage, mode: int) -> PackageFile:
    """Return a file as the notebook user owns it."""
    user = locked.user
    return msgspec.structs.replace(file, mode=mode, uid=user.uid, gid=user.gid, owner=("", ""))


def _npm_claims(
    locked: LockedImage, packages: Mapping[str, InstalledContents]
) -> Iterator[tuple[str, Claim]]:
    for installed in locked.npm_packages():
        each = packages.get(installed.artifact.hash) if installed.artifact else None
        if each:
            yield from _npm_package(locked, installed, each)


def _npm_package(
    locked: LockedImage, installed: InstalledPackage, each: InstalledContents
) -> Iterator[tuple[str, Claim]]:
    programs = set(programs_of(each.contents.texts.get("package.json", b"{}")).values())
    for source, file in each.contents.files.items():
        # npm adds read and write permission, and unpacks with the umask 022.
        path = f"{NPM_FOLDER}{installed.path}/{source}"
        for mode in dict.fromkeys(((file.mode | 0o666) & ~0o022, *_program_mode(source, programs))):
            yield path, Claim(f"npm:{installed.name}", source, owned(file, locked, mode))


def _program_mode(source: str, programs: Iterable[str]) -> tuple[int, ...]:
    """Return the mode of the programs of a package."""
    return (0o755,) if source in programs else ()


def programs_of(text: bytes) -> dict[str, str]:
    """Return the programs in the text of a package.json: names, and paths in the package."""
    with suppress(ValueError, RecursionError):
        document = msgspec.json.decode(text)
        found = document.get("bin") if isinstance(document, dict) else None
        if isinstance(found, str):
            found = {str(document.get("name", "")).rpartition("/")[2]: found}
        if isinstance(found, dict):
            return {str(name): plain_path(str(path)) for name, path in found.items()}
    return {}


def folders_above(paths: Iterable[str]) -> set[str]:
    """Return all folders above some paths."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found
