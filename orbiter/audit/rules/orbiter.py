"""Files that Orbiter's own steps write."""

import re
from collections.abc import Iterator

from orbiter.assembly.tree import Entry
from orbiter.audit.claims import ENVIRONMENT, folders_above
from orbiter.audit.here_documents import here_documents
from orbiter.audit.result import Judgement
from orbiter.audit.scene import (
    ROOT,
    Pending,
    Scene,
    attribute_problem,
    changed,
    check_file,
    explained,
)
from orbiter.render.model import platform_slug

WRITTEN = re.compile(r"cat > (?P<path>/\S+) <<'(?P<end>\w+)'$")
MADE = re.compile(r"^mkdir -p (.+)$", re.MULTILINE)
ACTIVATE = "usr/share/orbiter/activate"
PROFILE = "etc/profile.d/orbiter.sh"
SKELETON = "etc/skel/"


def dockerfile_files(scene: Scene) -> dict[str, bytes]:
    """Return the files that the steps of the Dockerfiles write as here-documents, by path."""
    found = {}
    for stage_plan in scene.locked.stages:
        text = scene.locked.texts[f"{stage_plan.stage.name}/Dockerfile"]
        for match, content in here_documents(text, WRITTEN):
            found[match["path"].lstrip("/")] = content.encode()
    return found


def written(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the files whose text is in a Dockerfile, and the list of packages."""
    stage = scene.locked.stage.name
    packages = f"{stage}/packages-{platform_slug(scene.locked.platform)}.json"
    contents = dockerfile_files(scene)
    contents["usr/share/orbiter/packages.json"] = scene.locked.texts[packages].encode()
    contents[PROFILE] = b"PATH=/opt/env/bin:$PATH\n"
    for path, content in contents.items():
        if path in pending and path in scene.tree:
            mode = 0o755 if path == ACTIVATE else 0o644
            yield check_file(scene, path, content, mode=mode)


def home(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the home folder of the notebook user, a copy of /etc/skel."""
    folder = f"home/{scene.locked.user.name}"
    for path in pending:
        entry = scene.tree.get(path)
        original = scene.tree.get(f"{SKELETON}{path.removeprefix(f'{folder}/')}")
        if entry is None or (path != folder and not path.startswith(f"{folder}/")):
            continue
        if path == folder:
            problem = attribute_problem(entry, "folder", 0o777, scene.user)
            yield changed(path, problem) if problem else explained(path)
        elif original is not None and original.kind == "file":
            content = scene.read(f"{SKELETON}{path.removeprefix(f'{folder}/')}")
            yield check_file(scene, path, content, mode=original.mode, owner=scene.user)


def own_files(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check own files and downloads, whose hashes the lock set has."""
    for path, (digest, mode, owner) in _placed(scene).items():
        entry = scene.tree.get(path)
        if path in pending and entry is not None:
            problem = attribute_problem(entry, "file", mode, owner)
            if not problem and (not entry.content or entry.content.digest != digest):
                problem = "its content differs from the hash in the lock set"
            yield changed(path, problem) if problem else explained(path)


def _placed(scene: Scene) -> dict[str, tuple[str, int, tuple[int, int]]]:
    """Return the sha256, the mode and the owner of each own file and download, by path."""
    found = {}
    for stage_plan in scene.locked.stages:
        for file in stage_plan.stage.files or ():
            path = file.target.lstrip("/")
            found[path] = (file.sha256, int(file.mode, 8), _owner(scene, path))
        for placed in stage_plan.downloads.get(scene.locked.platform, ()):
            if not placed.download.unpack:
                path = placed.target.lstrip("/")
                owner = placed.owner(scene.locked.user)
                found[path] = (placed.locked.sha256, int(placed.download.mode, 8), owner)
    return found


def _owner(scene: Scene, path: str) -> tuple[int, int]:
    places = (ENVIRONMENT, f"home/{scene.locked.user.name}/")
    return scene.user if path.startswith(places) else ROOT


def folders(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check folders above other paths, and those of Dockerfiles: only their owner may write."""
    home = f"home/{scene.locked.user.name}/"
    files = (path for path in scene.tree if scene.tree[path].kind != "folder")
    used = folders_above((*files, *scene.claims.by_path, home))
    for stage_plan in scene.locked.stages:
        text = scene.locked.texts[f"{stage_plan.stage.name}/Dockerfile"].replace("\\\n", " ")
        for words in MADE.findall(text):
            used |= {word.strip("/") for word in words.split()}
    for path in pending:
        entry = scene.tree.get(path)
        if entry is not None and entry.kind == "folder" and path in used:
            yield _folder(scene, path, entry)


def _folder(scene: Scene, path: str, entry: Entry) -> Judgement:
    owner = _owner(scene, f"{path}/")
    problem = attribute_problem(entry, "folder", 0o755, owner)
    return changed(path, problem) if problem else explained(path)
