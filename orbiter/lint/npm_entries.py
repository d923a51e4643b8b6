"""Facts of npm packages that a comparison of locks does not need: scripts and downloads."""

from collections.abc import Iterator
from typing import Any

import msgspec

from orbiter.lockfiles import package_lock, pnpm_lock
from orbiter.lockfiles.document import load_json
from orbiter.lockfiles.package_lock_tree import is_local
from orbiter.lockfiles.package_lock_v1 import tree_as_paths
from orbiter.lockfiles.types import FormatReader
from orbiter.lockfiles.yaml import load_yaml

LOCAL = ("file:", "link:", ".", "/")


class NpmFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts by the id of a copy; ``is_known`` is False for all formats except npm's own."""

    is_known: bool = False
    downloads: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    scripts: frozenset[str] = frozenset()


def npm_facts(reader: FormatReader | None, text: str) -> NpmFacts:
    """Return the facts of a text that its reader could read."""
    if reader is package_lock:
        packages = dict(_packages(load_json("", text)))
        return NpmFacts(
            is_known=True,
            downloads=frozenset(
                path for path, each in packages.items() if _is_download(path, each)
            ),
            folders=frozenset(path for path, each in packages.items() if _is_folder(path, each)),
            scripts=frozenset(path for path, each in packages.items() if _has_script(each)),
        )
    if reader is pnpm_lock:
        packages = load_yaml("", text).get("packages") or {}
        needs_build = (id_ for id_, each in packages.items() if each.get("requiresBuild") == "true")
        return NpmFacts(scripts=frozenset(needs_build))
    return NpmFacts()


def _packages(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if data.get("lockfileVersion") == package_lock.TREE:
        yield from tree_as_paths(data).items()
        return
    yield from data.get("packages", {}).items()


def _is_download(path: str, package: dict[str, Any]) -> bool:
    """Return whether a package has a file of its own: not a folder, not in another tarball."""
    return not _is_folder(path, package) and not package.get("inBundle")


def _is_folder(path: str, package: dict[str, Any]) -> bool:
    """Return whether a package is a folder of the project, or a file in it."""
    if not path or is_local(path) or package.get("link"):
        return True
    url = package.get("resolved")
    return isinstance(url, str) and url.startswith(LOCAL)


def _has_script(package: dict[str, Any]) -> bool:
    return package.get("hasInstallScript") is True
