"""One verdict for every path of an image."""

from collections.abc import Iterator, Mapping

import msgspec

from orbiter.assembly.tree import Tree
from orbiter.audit.contents import contents_of
from orbiter.audit.result import Judgement
from orbiter.audit.rules.table import RULES
from orbiter.audit.scene import Pending, Scene
from orbiter.lockset.record import RecordedImage


def account(scene: Scene, recorded: RecordedImage | None) -> tuple[Judgement, ...]:
    """Return the verdicts on all paths of the image, and on those that it lacks.

    ``recorded`` is the record of the release, if there is one: it decides what no rule explains.
    """
    base = scene.base_tree
    settled: dict[str, Judgement] = dict(_base_files(scene, base))
    pending: dict[str, str] = {}
    for path in scene.tree.keys() | scene.claims.by_path.keys() | base.keys():
        claimed = _by_packages(scene, path)
        if claimed.verdict == "equal":
            settled[path] = claimed
        elif path not in settled:
            pending[path] = claimed.reason
    for path in scene.contents.special - _base_specials(scene):
        reason = "a device, a pipe or a socket"
        settled[path] = Judgement(path=path, verdict="unknown", reason=reason)
        pending.pop(path, None)
    for judgement in _by_rules(scene, pending):
        settled[judgement.path] = judgement
        del pending[judgement.path]
    rest = {path: _rest(scene, path, reason) for path, reason in pending.items()}
    released = _released_tree(scene, recorded)
    found = (*settled.values(), *rest.values())
    return tuple(_by_record(scene, each, recorded, released) for each in found)


def _by_packages(scene: Scene, path: str) -> Judgement:
    """Return whether a path is as one of the packages that have it says."""
    claims, entry = scene.claims.by_path.get(path, ()), scene.tree.get(path)
    if entry is None:
        return Judgement(path=path, verdict="missing", owner=_owner(scene, path))
    difference = ""
    for claim in claims:
        difference = claim.difference(entry)
        if not difference and not _has_unknown_attributes(entry.attributes):
            return Judgement(path=path, verdict="equal", owner=claim.owner)
    return Judgement(path=path, verdict="changed", reason=difference)


def _has_unknown_attributes(attributes: tuple[tuple[str, str], ...]) -> bool:
    """Return whether a file has extended attributes, which no package has."""
    return bool(attributes)


def _base_files(scene: Scene, base: Tree) -> Iterator[tuple[str, Judgement]]:
    """Yield the paths that are as in the base image."""
    for path, entry in base.items():
        if entry.equals(scene.tree.get(path)):
            yield path, Judgement(path=path, verdict="equal", owner="base image")


def _base_specials(scene: Scene) -> frozenset[str]:
    """Return the devices, pipes and sockets of the base image."""
    number = len(scene.locked.base.layers)
    if not scene.has_base:
        return frozenset()
    return frozenset().union(*(each.raw.dropped for each in scene.contents.layers[:number]))


def _by_rules(scene: Scene, pending: Mapping[str, str]) -> Iterator[Judgement]:
    """Yield the verdict of the first rule that knows a path."""
    rest: dict[str, str] = dict(pending)
    for rule in RULES:
        known: Pending = dict(rest)
        for judgement in rule.check(scene, known):
            if judgement.path in rest:
                del rest[judgement.path]
                yield msgspec.structs.replace(judgement, rule=rule.id)


def _rest(scene: Scene, path: str, reason: str) -> Judgement:
    """Return the verdict on a path that no rule knows."""
    claims, owner = scene.claims.by_path.get(path, ()), _owner(scene, path)
    if path not in scene.tree:
        return Judgement(path=path, verdict="missing", owner=owner)
    if claims:
        return Judgement(path=path, verdict="changed", owner=owner, reason=reason)
    return Judgement(path=path, verdict="unknown", reason=reason)


def _owner(scene: Scene, path: str) -> str:
    """Return the package of a path, or the base image, "" for neither."""
    claims = scene.claims.by_path.get(path, ())
    if claims:
        return claims[0].owner
    return "base image" if path in scene.base_tree else ""


def _by_record(
    scene: Scene, judgement: Judgement, recorded: RecordedImage | None, released: Tree | None
) -> Judgement:
    """Return a judgement; a fault in a layer of the record is recorded instead.

    A missing path is recorded if the release, whose file system is ``released``, lacks it too.
    """
    if recorded is None or judgement.verdict in {"equal", "explained"}:
        return judgement
    if judgement.path not in scene.tree:
        is_recorded = released is not None and judgement.path not in released
    else:
        position = scene.contents.layer.get(judgement.path, -1)
        diff_ids = {layer.diff_id for layer in recorded.layers}
        is_recorded = position >= 0 and scene.contents.layers[position].diff_id in diff_ids
    return msgspec.structs.replace(judgement, verdict="recorded") if is_recorded else judgement


def _released_tree(scene: Scene, recorded: RecordedImage | None) -> Tree | None:
    """Return the file system of the released layers, None if the image lacks one of them."""
    if recorded is None:
        return None
    layers = {layer.diff_id: layer for layer in scene.contents.layers}
    released = [layers.get(layer.diff_id) for layer in recorded.layers]
    found = [layer for layer in released if layer is not None]
    return contents_of(found).tree if len(found) == len(released) else None
