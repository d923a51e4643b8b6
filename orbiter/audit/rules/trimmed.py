"""Files that the rules of ``trim`` removed: the same rules remove them again."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from orbiter.assembly.assemble import TRIMMED
from orbiter.assembly.tree import Content, Entry
from orbiter.assembly.trim import Trimmed, trim, trimmed_list
from orbiter.audit.claims import Claim, folders_above
from orbiter.audit.layers import MADE
from orbiter.audit.packages.npm import read_npm_files
from orbiter.audit.packages.wheel import read_wheel_files
from orbiter.audit.result import Judgement
from orbiter.audit.scene import Pending, Scene, changed, check_file, explained
from orbiter.config.builders import SYSTEM_MANAGERS
from orbiter.render.model import StagePlan


def trimmed(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Explain missing files by the rules of each stage, and check the lists of removed files."""
    for stage_plan in scene.locked.lineage:
        if not stage_plan.stage.trim:
            continue
        missing = _missing(scene, pending, stage_plan)
        result = _trim(scene, stage_plan, missing)
        for path in missing:
            if path not in result.entries:
                yield explained(path, missing[path].owner)
        path = TRIMMED.format(stage=stage_plan.stage.name)
        if path in pending and path in scene.tree:
            yield _list(scene, path, result)


def _missing(scene: Scene, pending: Pending, stage_plan: StagePlan) -> dict[str, Claim]:
    """Return the missing paths of packages that the stage installs or takes over."""
    name, parents = stage_plan.stage.name, {each.stage.name for each in scene.locked.lineage}
    stages = {
        each.package.owner: each.package.stage
        for each in scene.claims.packages.values()
        if each.package.manager in SYSTEM_MANAGERS or each.package.stage in parents
    }
    found = {}
    for path in pending:
        if path not in scene.tree and path in scene.claims.by_path:
            claim = scene.claims.by_path[path][0]
            if stages.get(claim.owner, name) == name:
                found[path] = claim
    return found


def _trim(scene: Scene, stage_plan: StagePlan, missing: dict[str, Claim]) -> Trimmed:
    """Apply the rules to the files of the stage, with those that are missing."""
    stage = stage_plan.stage
    files = _Missing(scene, missing)
    own = {path: entry for path, entry in scene.tree.items() if _is_of(scene, path, stage.name)}
    own |= {path: _entry(claim) for path, claim in missing.items()}
    folder = Entry(kind="folder", mode=0o755, uid=0, gid=0)
    own |= {path: folder for path in folders_above(missing) if path not in scene.tree}
    own.pop(TRIMMED.format(stage=stage.name), None)
    owner = {
        path: scene.claims.by_path[path][0].owner
        for path in own.keys() & scene.claims.by_path.keys()
    }
    targets = [file.target for file in stage.files or ()]
    targets += [each.target for each in stage_plan.downloads.get(scene.locked.platform, ())]
    keep = frozenset(target.strip("/") for target in targets)
    rules = tuple(rule for rule in stage.trim or () if rule != "duplicates")
    return trim(own, owner, rules, files.read, keep, scene.locked.platform)


def _is_of(scene: Scene, path: str, stage: str) -> bool:
    """Return whether a path comes from a layer of a stage."""
    position = scene.contents.layer.get(path, -1)
    if position < 0 or position >= len(scene.steps):
        return False
    match = MADE.fullmatch(scene.steps[position])
    return match is not None and match["stage"] == stage


def _entry(claim: Claim) -> Entry:
    file = claim.file
    content = Content(file.digest, file.size, Path(), 0) if file.kind == "file" else None
    return Entry(
        kind=file.kind,
        mode=file.mode,
        uid=file.uid,
        gid=file.gid,
        target=file.target,
        content=content,
    )


class _Missing:
    """Reads files of the image, and files that only a package in the store has."""

    def __init__(self, scene: Scene, missing: dict[str, Claim]) -> None:
        self._scene = scene
        self._missing = missing
        self._packages = {each.package.owner: each for each in scene.claims.packages.values()}

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        if path in self._scene.tree:
            return self._scene.read(path)
        claim = self._missing[path]
        package = self._packages[claim.owner].package
        archive = self._scene.store.path(package.file.hash)
        if claim.file.kind != "file":
            return b""
        found: Iterator[tuple[str, bytes]] = iter(())
        if package.manager == "pip":
            found = read_wheel_files(archive, {claim.source})
        elif package.manager == "npm":
            found = read_npm_files(archive, {claim.source})
        return dict(found).get(claim.source, b"")


def _list(scene: Scene, path: str, result: Trimmed) -> Judgement:
    """Check a list of removed files: its paths by rule, and the groups of equal files."""
    problem = check_file(scene, path, None)
    try:
        document = msgspec.json.decode(scene.read(path))
        linked = document["linked"]
        removed = msgspec.json.decode(trimmed_list(result))["removed"]
        text = msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"
        groups = [{_content(scene, each) for each in group} for group in linked]
    except (msgspec.DecodeError, LookupError, TypeError, RecursionError):
        return changed(path, "it is not a list of removed files")
    if problem.verdict == "explained" and document.get("removed") != removed:
        return changed(path, "it lists other files than the rules remove")
    is_equal = text == scene.read(path) and all(len(group) == 1 for group in groups)
    if problem.verdict == "explained" and not is_equal:
        return changed(path, "its groups of linked files are not equal")
    return problem


def _content(scene: Scene, path: str) -> object:
    entry = scene.tree[path]
    return entry.content.digest if entry.content else None
