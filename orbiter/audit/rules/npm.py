"""Files that npm writes: the list of the tree, the project, and links to programs."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from orbiter.audit.claims import ENVIRONMENT, NPM_FOLDER, programs_of
from orbiter.audit.result import Judgement
from orbiter.audit.scene import Pending, Scene, changed, check_file, check_link

LINK = re.compile(r"ln -sf (\S+) /opt/env/bin/(\S+)")
"""The command of a Dockerfile that makes a program of an npm package available."""
PACKAGE = re.compile(r"\.\./((?:@[^/]+/)?[^/]+)/")
BIN = re.compile(r"(?P<modules>.+/node_modules)/\.bin/(?P<name>[^/]+)")


def project(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check package.json, which is that of the build folder."""
    path = f"{NPM_FOLDER}package.json"
    for stage_plan in scene.locked.environment[::-1]:
        text = scene.locked.texts.get(f"{stage_plan.stage.name}/package.json")
        if text is not None and path in pending and path in scene.tree:
            yield check_file(scene, path, text.encode(), owner=scene.user)
            return


def hidden_lock(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check node_modules/.package-lock.json, the part of the lock that npm installed."""
    path = f"{NPM_FOLDER}node_modules/.package-lock.json"
    if path not in pending or path not in scene.tree:
        return
    problem = check_file(scene, path, None, owner=scene.user)
    if problem.verdict == "changed":
        yield problem
        return
    reason = _lock_problem(scene, scene.read(path))
    yield changed(path, reason) if reason else problem


def _lock_problem(scene: Scene, content: bytes) -> str:
    """Return how the list differs from the lock in the build folder, or ""."""
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return "it is not JSON"
    if msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n" != content:
        return "it is not formatted as npm does"
    lock = _lock(scene)
    packages = document.pop("packages", {})
    expected = lock.pop("packages", {})
    expected.pop("", None)
    if document != lock:
        return "its head differs from the lock"
    installed = {package.path for package in scene.locked.npm_packages()}
    for name in sorted({*packages, *installed}):
        if _entry(packages.get(name)) != _entry(expected.get(name)):
            return f"{name} differs from the lock"
    return ""


def _entry(entry: Any) -> Any:
    """Return an entry with the name of its file instead of a path, which depends on the folder."""
    if not isinstance(entry, dict):
        return entry
    resolved = str(entry.get("resolved", "")).rpartition("/")[2]
    return {**entry, "resolved": resolved}


def _lock(scene: Scene) -> dict[str, Any]:
    for stage_plan in scene.locked.environment[::-1]:
        text = scene.locked.texts.get(f"{stage_plan.stage.name}/package-lock.json")
        if text is not None:
            return dict(msgspec.json.decode(text))
    return {}


def links(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check links to programs: those of npm in .bin, and those of the Dockerfile."""
    for path, targets in _dockerfile_links(scene).items():
        if path in pending and path in scene.tree:
            yield check_link(scene, path, targets, owner=scene.user)
    for path in pending:
        match = BIN.fullmatch(path)
        if match and path in scene.tree and path.startswith(NPM_FOLDER):
            targets = tuple(_npm_targets(scene, match["modules"], match["name"]))
            yield check_link(scene, path, targets, owner=scene.user)


def _dockerfile_links(scene: Scene) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for stage_plan in scene.locked.environment:
        for target, name in LINK.findall(scene.locked.texts[f"{stage_plan.stage.name}/Dockerfile"]):
            found[f"{ENVIRONMENT}bin/{name}"] = (target,)
    return found


def _npm_targets(scene: Scene, modules: str, name: str) -> Iterator[str]:
    """Yield the targets that npm may give a link in .bin: programs of packages beside it."""
    target = scene.tree[f"{modules}/.bin/{name}"].target
    package = PACKAGE.match(target)
    if package is None:
        return
    text = (
        scene.read(path) if (path := f"{modules}/{package[1]}/package.json") in scene.tree else b""
    )
    for program, source in programs_of(text).items():
        if program.rpartition("/")[2] == name:
            yield posixpath.normpath(f"../{package[1]}/{source}")
