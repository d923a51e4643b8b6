"""Version 1 of package-lock.json: a tree of names, converted to the paths of later versions."""

from typing import Any

NODE_MODULES = "node_modules/"
SAME_FIELDS = ("resolved", "integrity", "dev", "optional")
TARBALL_SUFFIXES = (".tgz", ".tar.gz")


MAX_PATH = 1024
"""Characters of a path; some systems on which npm runs allow no longer one."""


class InvalidTreeError(ValueError):
    """A value in the tree is not a package."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path


def tree_as_paths(root: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the packages of the tree by path. Raises InvalidTreeError."""
    packages: dict[str, dict[str, Any]] = {}
    # A stack, because the tree may be deeper than the recursion limit.
    stack = [("", root)]
    while stack:
        parent_path, parent = stack.pop()
        children = parent.get("dependencies", {})
        if not isinstance(children, dict):
            continue
        prefix = f"{parent_path}/" if parent_path else ""
        for name, child in children.items():
            path = f"{prefix}{NODE_MODULES}{name}"
            if not isinstance(child, dict):
                raise InvalidTreeError(path, "a package must be an object")
            if len(path) > MAX_PATH:
                raise InvalidTreeError(name, f"nested too deeply: its path exceeds {MAX_PATH}")
            packages[path] = _upgrade(name, child)
            stack.append((path, child))
    return packages


def _upgrade(name: str, package: dict[str, Any]) -> dict[str, Any]:
    """Return a package with the fields of later versions."""
    upgraded: dict[str, Any] = {field: package[field] for field in SAME_FIELDS if field in package}
    upgraded["version"] = version = package.get("version", "")
    upgraded["inBundle"] = package.get("bundled", False)
    if isinstance(package.get("requires"), dict):
        upgraded["dependencies"] = package["requires"]
    if isinstance(version, str) and ":" in version:
        upgraded |= _split_version(name, version)
    return upgraded


def _split_version(name: str, version: str) -> dict[str, Any]:
    """Return the fields in a ``version`` that is an alias (``npm:``) or a URL."""
    if version.startswith("npm:"):
        real_name, _, number = version.removeprefix("npm:").rpartition("@")
        return {"name": real_name, "version": number}
    file = version.rpartition("/")[2].removeprefix("file:")
    if file.endswith(TARBALL_SUFFIXES):
        stem = file.removesuffix(".tgz").removesuffix(".tar.gz")
        number = stem.removeprefix(f"{name.rpartition('/')[2]}-")
        return {"version": number, "resolved": version}
    folder = version.removeprefix("file:")
    return {"version": "", "resolved": folder, "link": folder != version}
