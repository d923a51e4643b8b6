"""Everything that a rule may look at, and its answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from orbiter.assembly.tree import Entry, Tree
from orbiter.audit.claims import Claims, InstalledContents
from orbiter.audit.contents import Contents, contents_of
from orbiter.audit.locked import LockedImage
from orbiter.audit.result import Judgement
from orbiter.store.store import Store
from orbiter.tasks import Report

ROOT = (0, 0)
LONGEST = 200
"""Bytes of a line that a reason shows."""


class Scene(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """An image, what its lock set says about it, and the packages in the store.

    ``steps`` are the words of the history for each layer.
    """

    contents: Contents
    locked: LockedImage
    claims: Claims
    store: Store
    report: Report
    steps: tuple[str, ...] = ()

    @property
    def tree(self) -> Mapping[str, Entry]:
        """The file system of the image."""
        return self.contents.tree

    @cached_property
    def has_base(self) -> bool:
        """Return whether the lowest layers are those of the locked base image."""
        base = [layer.diff_id for layer in self.locked.base.layers]
        return [layer.diff_id for layer in self.contents.layers[: len(base)]] == base

    @cached_property
    def base_tree(self) -> Tree:
        """The file system of the base image; empty if the image has none, or another one."""
        number = len(self.locked.base.layers) if self.has_base else 0
        return contents_of(self.contents.layers[:number]).tree

    def read(self, path: str) -> bytes:
        """Return the bytes of a file of the image; of nothing else."""
        return self.contents.read(path)

    def text(self, path: str) -> str:
        """Return a file of the image as text, "" if it is missing; other bytes are kept."""
        return as_text(self.read(path)) if path in self.tree else ""

    @property
    def user(self) -> tuple[int, int]:
        """The notebook user and its group."""
        return self.locked.user.uid, self.locked.user.gid

    def debs(self) -> Iterator[InstalledContents]:
        """Yield the Debian packages."""
        return self.claims.of_manager("apt")

    def scripts(self) -> Iterator[tuple[InstalledContents, str]]:
        """Yield the maintainer scripts of the Debian packages."""
        for each in self.debs():
            for name in ("preinst", "postinst", "config"):
                if name in each.contents.texts:
                    yield each, as_text(each.contents.texts[name])


Pending = Mapping[str, str]
"""The paths without a verdict, with the difference from their package, "" if they have none.

Paths that the image lacks are among them.
"""
Rule = Callable[[Scene, Pending], Iterator[Judgement]]
"""Yields its verdict on each pending path that it knows."""


def as_text(content: bytes) -> str:
    """Return bytes as text; those that are not UTF-8 become lone surrogates."""
    return content.decode(errors="surrogateescape")


def as_bytes(text: str) -> bytes:
    """Return the bytes of a text of ``as_text``."""
    return text.encode(errors="surrogateescape")


def explained(path: str, owner: str = "") -> Judgement:
    """Return the verdict for a path that is as its rule says."""
    return Judgement(path=path, verdict="explained", owner=owner)


def changed(path: str, reason: str, owner: str = "") -> Judgement:
    """Return the verdict for a path that is not as its rule says."""
    return Judgement(path=path, verdict="changed", reason=reason, owner=owner)


def undecided(path: str, reason: str) -> Judgement:
    """Return the verdict for a path that cannot be checked here."""
    return Judgement(path=path, verdict="undecided", reason=reason)


def check_file(
    scene: Scene,
    path: str,
    content: bytes | None,
    *,
    mode: int = 0o644,
    owner: tuple[int, int] = ROOT,
    package: str = "",
) -> Judgement:
    """Return the verdict on a file that must have a content; None if it was checked before."""
    entry = scene.tree[path]
    problem = attribute_problem(entry, "file", mode, owner)
    if not problem and content is not None and scene.read(path) != content:
        problem = first_difference(content, scene.read(path))
    return changed(path, problem, package) if problem else explained(path, package)


def check_link(
    scene: Scene, path: str, targets: Iterable[str], *, owner: tuple[int, int] = ROOT
) -> Judgement:
    """Return the verdict on a symbolic link that must have one of some targets."""
    entry, targets = scene.tree[path], tuple(targets)
    problem = attribute_problem(entry, "link", 0o777, owner)
    if not problem and entry.target not in targets:
        wanted = " or ".join(targets) or "nothing"
        problem = f"expected a link to {wanted}, found one to {entry.target}"
    return changed(path, problem) if problem else explained(path)


def attribute_problem(entry: Entry, kind: str, mode: int, owner: tuple[int, int]) -> str:
    """Return the first difference in the kind, the mode and the owner of a path, or ""."""
    if entry.kind != kind:
        return f"expected a {kind}, found a {entry.kind}"
    if entry.mode != mode:
        return f"expected the mode {mode:04o}, found {entry.mode:04o}"
    if (entry.uid, entry.gid) != owner:
        return f"expected the owner {owner[0]}:{owner[1]}, found {entry.uid}:{entry.gid}"
    if entry.attributes:
        return f"it has the extended attribute {entry.attributes[0][0]}"
    return ""


def first_difference(expected: bytes, found: bytes) -> str:
    """Return the first line that differs, or the position of the first byte that does."""
    lines = zip(expected.split(b"\n"), found.split(b"\n"), strict=False)
    for number, (wanted, line) in enumerate(lines, 1):
        if wanted != line:
            if max(len(wanted), len(line)) > LONGEST or b"\0" in expected[:1000]:
                break
            return f"line {number}: expected {as_text(wanted)!a}, found {as_text(line)!a}"
    at = next(
        (at for at, pair in enumerate(zip(expected, found, strict=False)) if pair[0] != pair[1]), -1
    )
    if at >= 0:
        return f"its content differs from byte {at} on"
    return f"expected {len(expected)} bytes, found {len(found)}"
