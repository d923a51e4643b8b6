"""Paths without the symbolic links among their folders. Pure."""

from orbiter.assembly.tree import Tree

MOST_LINKS = 40
"""Links that may lead to each other; as in the kernel."""
LONGEST = 4096
"""Length of a path; as in the kernel."""


class RealPaths:
    """Follows the symbolic links of a file system.

    Each link is followed once, so the work grows with the paths and not with the links on them.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._links = {path: entry.target for path, entry in tree.items() if entry.kind == "link"}
        self._targets: dict[str, str | None] = {}
        self._folders: dict[str, str | None] = {}

    def real(self, path: str) -> str | None:
        """Return a path with the links among its folders followed.

        Returns None if the path leaves the root, or if its links lead in circles.
        """
        if path in self._tree:
            return path
        folder, _, name = path.rpartition("/")
        if name in {"", ".", ".."}:
            return self.follow(path)
        if folder not in self._folders:
            self._folders[folder] = self.follow(folder)
        above = self._folders[folder]
        return None if above is None else f"{above}/{name}".lstrip("/")

    def follow(self, path: str) -> str | None:
        """Return the same as ``real``, but follow the last part of the path too."""
        return self._follow(path, 0)

    def _follow(self, path: str, links: int) -> str | None:
        real: str | None = ""
        for part in path.split("/"):
            if real is None or len(real) > LONGEST:
                return None
            if part == "..":
                real = real.rpartition("/")[0] if real else None
            elif part not in {"", "."}:
                real = self._target(f"{real}/{part}".lstrip("/"), links)
        return real

    def _target(self, path: str, links: int) -> str | None:
        """Return the end of a link; the path itself if it is not a link."""
        if path not in self._links:
            return path
        if path not in self._targets:
            self._targets[path] = None  # for links that lead back to this one
            if links < MOST_LINKS:
                target = self._links[path]
                start = "" if target.startswith("/") else path.rpartition("/")[0]
                self._targets[path] = self._follow(f"{start}/{target}", links + 1)
        return self._targets[path]
