"""Files of the base image that the image no longer has."""

from collections.abc import Iterator

from orbiter.assembly.changes import STATE
from orbiter.assembly.owners import owners
from orbiter.audit.result import Judgement
from orbiter.audit.scene import Pending, Scene, explained


def replaced(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Explain missing files of packages that the lock set has in another version, and state."""
    base = scene.base_tree
    missing = [path for path in pending if path not in scene.tree and path in base]
    if not missing:
        return

    def read(path: str) -> bytes:
        content = base[path].content
        return content.read() if content else b""

    locked = {each.package.owner for each in scene.claims.packages.values()}
    known = owners(base, base, read)
    for path in missing:
        owner = known.get(path, "")
        if owner in locked or STATE.fullmatch(path):
            yield explained(path, owner)
